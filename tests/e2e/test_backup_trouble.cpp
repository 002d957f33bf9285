// What may go wrong with the backup of Rancher's container: nothing is changed then, and nothing of
// ours stays in the container.
#include <algorithm>
#include <filesystem>
#include <signal.h>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "engine.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Trouble {
  std::string container = "rancher";
  std::string docker = "docker";
  std::vector<std::string> more = {};
  std::map<std::string, std::string> environment = {};
};

Sandbox::Call call(const Engine& engine, const Trouble& trouble) {
  Sandbox::Call call{.args = {"run", "--yes", "--rancher-container", trouble.container, "--docker",
                              trouble.docker, "--timeout", "30s"},
                     .environment = engine.environment()};
  call.args.insert(call.args.end(), trouble.more.begin(), trouble.more.end());
  for (const auto& [name, value] : trouble.environment) call.environment[name] = value;
  return call;
}

void fill(const Engine& engine, int mebibytes) {
  engine.in_container("dd if=/dev/urandom of=/var/lib/rancher/big bs=1M count=" +
                      std::to_string(mebibytes) + " 2>/dev/null");
}

void check_nothing_changed(const Sandbox& sandbox) {
  CHECK(sandbox.changes().empty());
  const auto backup = sandbox.run_folder() / "backup";
  // Not even half an archive.
  if (fs::exists(backup)) CHECK(fs::is_empty(backup));
}

TEST_CASE("no backup, no change: what is wrong is said before") {
  Sandbox sandbox;
  const Engine engine;
  Trouble trouble;
  std::string said;
  int status = 4;
  SUBCASE("no such container") {
    trouble.container = "ranger";
    said = "there is no such container";
  }
  SUBCASE("two containers whose IDs begin so") {
    // With 17 containers two share a first digit.
    for (int i = 0; i < 17; ++i) {
      const auto name = "other" + std::to_string(i);
      REQUIRE(engine.docker({"create", "--name", name, "retrust/plain:v2.4.17", "true"}).status ==
              0);
    }
    std::map<char, int> seen;
    for (const auto& id : lines_of(engine.docker({"ps", "-aq"}).out)) ++seen[id.front()];
    for (const auto& [digit, count] : seen) {
      if (count > 1) trouble.container = std::string(1, digit);
    }
    said = "several containers fit";
  }
  SUBCASE("a container that is stopped") {
    REQUIRE(engine.docker({"stop", "rancher"}).status == 0);
    said = "is not running (exited)";
  }
  SUBCASE("a container that is paused") {
    REQUIRE(engine.docker({"pause", "rancher"}).status == 0);
    said = "is not running (paused)";
  }
  SUBCASE("no permission") {
    const auto docker = engine.directory() / "docker-as-nobody";
    write_file(docker,
               "#!/bin/sh\nexec setpriv --reuid=65534 --regid=65534 --clear-groups docker "
               "--config /nonexistent \"$@\"\n");
    fs::permissions(docker, fs::perms::owner_all);
    trouble.docker = docker.string();
    said = "no permission to speak to the container engine";
  }
  SUBCASE("no engine") {
    trouble.environment = {{"DOCKER_HOST", "unix:///nonexistent/docker.sock"}};
    said = "no container engine answers";
  }
  SUBCASE("an engine that hangs") {
    const auto docker = engine.directory() / "docker-that-hangs";
    write_file(docker, "#!/bin/sh\nexec sleep 1000\n");
    fs::permissions(docker, fs::perms::owner_all);
    trouble.docker = docker.string();
    trouble.more = {"--command-timeout", "1500ms"};
    said = "no answer from the container engine";
  }
  SUBCASE("no docker") {
    trouble.docker = "/nonexistent/docker";
    said = "cannot run /nonexistent/docker";
    status = 2;
  }
  SUBCASE("a container that is not Rancher's") {
    engine.container("other", {}, "retrust/plain:v2.4.17");
    engine.in_container("rm -r /var/lib/rancher", "other");
    trouble.container = "other";
    said = "is this really Rancher's container";
  }
  const auto run = sandbox.retrust(call(engine, trouble));
  CAPTURE(run.all());
  CHECK(run.status == status);
  CHECK(has(run.err, said));
  check_nothing_changed(sandbox);
}

TEST_CASE("not enough room in the container: refused before anything is written") {
  Sandbox sandbox;
  const Engine engine({"--tmpfs", "/tmp:size=2m"});
  fill(engine, 5);
  const auto run = sandbox.retrust(call(engine, {}));
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "may not fit into the container's /tmp: 2.0 MiB are free"));
  CHECK(engine.left_behind().empty());
  check_nothing_changed(sandbox);
}

/// A small disk that goes with the object.
class SmallDisk {
 public:
  explicit SmallDisk(fs::path where) : where_(std::move(where)) {
    fs::create_directories(where_);
    run({"mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", where_.string()});
  }
  ~SmallDisk() {
    try {
      run({"umount", "-l", where_.string()});
    } catch (const std::exception&) {
      // It goes with the machine then.
    }
  }
  void make_read_only() const { run({"mount", "-o", "remount,ro", where_.string()}); }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

 private:
  void run(std::vector<std::string> command) const {
    Child child({.command = std::move(command),
                 .environment = {},
                 .directory = where_.parent_path(),
                 .name = "mount"});
    if (child.wait() != 0) throw std::runtime_error(child.err());
  }
  fs::path where_;
};

TEST_CASE("a disk here that is too small, or becomes so, or goes away") {
  Sandbox sandbox;
  const Engine engine;
  const auto where = sandbox.directory() / "disk";
  const SmallDisk disk(where);
  const auto folder = where / "run";
  Trouble trouble{.more = {"--run-dir", folder.string()}};
  std::vector<std::string> said;  // one of these
  SUBCASE("too small from the beginning") {
    fill(engine, 20);
    // 8 MiB, of which the transcripts keep 1.
    said = {"may not fit here: 7.0 MiB are free"};
  }
  SUBCASE("full in the middle") {
    fill(engine, 5);
    trouble.docker =
        engine.docker_that("dd if=/dev/zero of='" + where.string() + "/full' bs=64k 2>/dev/null");
    // docker, the transcript or a look at the disk may be the first to meet with it.
    said = {"no space was left: docker cp", "transcript.jsonl: No space left on device",
            "the archive of Rancher's data does not fit into"};
  }
  SUBCASE("read-only") {
    disk.make_read_only();
    said = {"Read-only file system"};
  }
  SUBCASE("a folder that is gone in the middle") {
    fill(engine, 1);
    trouble.docker = engine.docker_that("rm -r '" + folder.string() + "'");
    said = {"docker cp failed"};
  }
  const auto run = sandbox.retrust(call(engine, trouble));
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(std::any_of(said.begin(), said.end(),
                    [&](const std::string& each) { return has(run.err, each); }));
  CHECK(sandbox.changes().empty());
  CHECK(engine.left_behind().empty());
}

TEST_CASE("an archive that does not come whole is no backup") {
  Sandbox sandbox;
  const Engine engine;
  fill(engine, 3);
  Trouble trouble;
  SUBCASE("cut off") {
    trouble.docker = engine.docker_that("docker \"$@\" && truncate -s 1000000 \"$file\"; exit");
  }
  SUBCASE("damaged") {
    trouble.docker = engine.docker_that(
        "docker \"$@\" && dd if=/dev/zero of=\"$file\" bs=1000 seek=1000 count=1 conv=notrunc "
        "2>/dev/null; exit");
  }
  SUBCASE("something else") {
    trouble.docker = engine.docker_that("echo hello >\"$file\"; exit");
  }
  const auto run = sandbox.retrust(call(engine, trouble));
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "cannot be relied on"));
  check_nothing_changed(sandbox);
  CHECK(engine.left_behind().empty());
}

TEST_CASE("Ctrl-C ends what was begun in the container, too") {
  Sandbox sandbox;
  const Engine engine;
  fill(engine, 300);
  Trouble trouble;
  std::function<bool()> in_the_middle;
  const auto is_begun = [&](const std::string& file) {
    return has(engine.docker({"exec", "rancher", "ls", "/tmp"}).out, file);
  };
  SUBCASE("while tar works") {
    in_the_middle = [&] { return is_begun("rancher-data-backup"); };
  }
  SUBCASE("while the archive is copied") {
    const auto mark = engine.directory() / "copying";
    trouble.docker = engine.docker_that("docker \"$@\" && truncate -s 100000 \"$file\"; touch '" +
                                        mark.string() + "'; sleep 1000");
    in_the_middle = [mark] { return fs::exists(mark); };
  }
  const auto child = sandbox.start(call(engine, trouble));
  wait_until("it is in the middle", in_the_middle);
  child->signal(SIGINT);
  CHECK(child->wait() == 130);
  CAPTURE(child->err());
  CHECK(has(child->err(), "interrupted"));
  CHECK(engine.left_behind().empty());
  check_nothing_changed(sandbox);
  CHECK(has(transcripts(sandbox.run_folder()), "interrupted by signal 2"));
}

TEST_CASE("what a killed run left in the container goes with the next run") {
  Sandbox sandbox;
  const Engine engine;
  fill(engine, 3);
  const auto mark = engine.directory() / "copying";
  Trouble trouble;
  trouble.docker = engine.docker_that("touch '" + mark.string() + "'; exec sleep 5");
  const auto child = sandbox.start(call(engine, trouble));
  wait_until("the archive is copied", [&] { return fs::exists(mark); });
  child->signal(SIGKILL);
  CHECK(child->wait() == 128 + SIGKILL);
  CHECK(has(engine.left_behind(), "rancher-data-backup"));
  const auto run = sandbox.retrust(call(engine, {}));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.err, "in the container rancher: retrust removed the archive"));
  wait_until("nothing is left", [&] { return engine.left_behind().empty(); });
}

TEST_CASE("a container that stops in the middle") {
  Sandbox sandbox;
  const Engine engine;
  fill(engine, 300);
  const auto child = sandbox.start(call(engine, {}));
  wait_until("tar works", [&] {
    return has(engine.docker({"exec", "rancher", "ls", "/tmp"}).out, "rancher-data-backup");
  });
  CHECK(engine.docker({"kill", "rancher"}).status == 0);
  CHECK(child->wait() == 4);
  CAPTURE(child->err());
  CHECK(has(child->err(), "docker exec tar failed"));
  // What could not be removed is told of.
  CHECK(has(child->err(), "could not be removed from the container"));
  check_nothing_changed(sandbox);
}

}  // namespace
}  // namespace retrust::e2e
