// Section 1.1 on a real docker engine: what is backed up, and what comes of it.
#include <filesystem>

#include <doctest/doctest.h>

#include "engine.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Result backed_up_run(Sandbox& sandbox, const Engine& engine, std::vector<std::string> more = {}) {
  std::vector<std::string> args{"run",     "--yes",     "--rancher-container",
                                "rancher", "--timeout", "30s"};
  args.insert(args.end(), more.begin(), more.end());
  return sandbox.retrust({.args = std::move(args), .environment = engine.environment()});
}

/// The archives in a run's backup folder.
std::vector<fs::path> archives(const Sandbox& sandbox) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(sandbox.run_folder() / "backup")) {
    if (has(entry.path().filename().string(), ".tar.gz")) found.push_back(entry.path());
  }
  return found;
}

Result shell(const Engine& engine, const std::string& script) {
  Child child({.command = {"sh", "-c", script},
               .environment = {},
               .directory = engine.directory(),
               .name = "shell"});
  const auto status = child.wait();
  return {status, child.out(), child.err()};
}

TEST_CASE("data that are in the container alone are saved before anything is changed") {
  Sandbox sandbox;
  std::vector<std::string> options;
  SUBCASE("in the volume that the image declares") {}
  SUBCASE("which lies over a folder that was mapped above it") {
    options = {"-v", (sandbox.directory() / "above").string() + ":/var/lib"};
  }
  SUBCASE("in memory") {
    options = {"--tmpfs", "/var/lib/rancher"};
  }
  const Engine engine(options);
  const auto run = backed_up_run(sandbox, engine);
  CAPTURE(run.all());
  REQUIRE(run.status == 0);
  CHECK(sandbox.ready() == "True");

  const auto saved = archives(sandbox);
  REQUIRE(saved.size() == 1);
  const auto& archive = saved.front();
  CHECK(archive.filename().string().starts_with("rancher-data-backup-v2.4.17-20"));
  CHECK((fs::status(archive).permissions() & fs::perms::mask) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  const auto unpacked = shell(engine, "tar xzOf " + archive.string() + " var/lib/rancher/state.db");
  CHECK(unpacked.out == "state\n");
  const auto digest = shell(engine, "sha256sum <" + archive.string()).out.substr(0, 64);
  const auto transcript = document_words(sandbox.run_folder());
  CHECK(has(transcript, digest));
  CHECK(has(transcript, std::to_string(fs::file_size(archive)) + " bytes"));
  CHECK(transcript.find(digest) < transcript.find("deleting token secret"));
  CHECK(engine.left_behind().empty());
}

TEST_CASE("data that a person mapped to the host are not copied; it is said where they are") {
  Sandbox sandbox;
  const auto folder = (sandbox.directory() / "data").string();
  std::vector<std::string> options;
  std::string image = "retrust/rancher:v2.4.17";
  std::string place = folder;
  SUBCASE("by a bind") {
    options = {"-v", folder + ":/var/lib/rancher"};
  }
  SUBCASE("by a volume with a name") {
    options = {"-v", "rancher-data:/var/lib/rancher"};
    place = "the volume rancher-data";
  }
  SUBCASE("at a folder above, where the image declares no volume") {
    options = {"-v", folder + ":/var/lib"};
    image = "retrust/plain:v2.4.17";
  }
  const Engine engine(options, image);
  const auto run = backed_up_run(sandbox, engine);
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out, "1.1  backup-container      not needed  the data lie on the host"));
  CHECK(has(run.out, place));
  CHECK(archives(sandbox).empty());
  CHECK(!has(transcripts(sandbox.run_folder()), "docker exec rancher tar"));
}

TEST_CASE("data that change while they are read: said, and no reason to stop") {
  Sandbox sandbox;
  const Engine engine;
  engine.in_container("dd if=/dev/urandom of=/var/lib/rancher/big bs=1M count=300 2>/dev/null");
  CHECK(engine
            .docker({"exec", "-d", "rancher", "sh", "-c",
                     "while :; do date >>/var/lib/rancher/big; echo >/var/lib/rancher/new; "
                     "rm -f /var/lib/rancher/new; done"})
            .status == 0);
  const auto run = backed_up_run(sandbox, engine);
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.err, "tar ended with status 1"));
  CHECK(archives(sandbox).size() == 1);
}

TEST_CASE("plan says how large the backup will be, and leaves no trace") {
  Sandbox sandbox;
  const Engine engine;
  engine.in_container("dd if=/dev/zero of=/var/lib/rancher/big bs=1M count=20 2>/dev/null");
  const auto plan = sandbox.retrust(
      {.args = {"plan", "--rancher-container", "rancher"}, .environment = engine.environment()});
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  CHECK(has(plan.out, "docker exec rancher tar zcvf /tmp/rancher-data-backup-v2.4.17-20"));
  CHECK(has(plan.out, "20.0 MiB of data"));
  CHECK(has(plan.out, "GiB here"));
  CHECK(has(plan.out, "cannot be taken back"));
  CHECK(engine.left_behind().empty());
}

TEST_CASE("where nothing is needed nothing is backed up, unless the step is asked for") {
  Sandbox sandbox({"--scenario", "healthy"});
  const Engine engine;
  const auto run = backed_up_run(sandbox, engine);
  CHECK(run.status == 0);
  CHECK(archives(sandbox).empty());

  // A backup changes nothing, so that nobody is asked.
  const auto step = sandbox.retrust({.args = {"step", "1.1", "--rancher-container", "rancher"},
                                     .environment = engine.environment()});
  CAPTURE(step.all());
  CHECK(step.status == 0);
  CHECK(archives(sandbox).size() == 1);
  CHECK(sandbox.changes().empty());
}

TEST_CASE("what docker shows of the container's environment is nobody's business") {
  Sandbox sandbox;
  const Engine engine({"-e", "CATTLE_BOOTSTRAP_PASSWORD=hunter2-and-more"});
  const auto run = backed_up_run(sandbox, engine, {"--verbose"});
  CHECK(run.status == 0);
  CHECK(!has(run.all() + transcripts(sandbox.run_folder()), "hunter2"));
}

}  // namespace
}  // namespace retrust::e2e
