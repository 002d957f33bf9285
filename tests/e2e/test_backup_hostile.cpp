// Section 1.1 where the container, or docker, is hostile. docker is played by the script `docker`
// beside this file.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <signal.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A call whose data are in the container alone; `environment` for the docker.
Sandbox::Call call(const Sandbox& sandbox, std::vector<std::string> args,
                   std::map<std::string, std::string> environment) {
  const auto folder = sandbox.directory() / "docker";
  fs::create_directories(folder);
  args.insert(args.end(),
              {"--rancher-container", "rancher", "--docker", std::getenv("RETRUST_TEST_DOCKER")});
  Sandbox::Call made;
  made.args = std::move(args);
  made.environment = std::move(environment);
  made.environment["RETRUST_TEST_DOCKER_FOLDER"] = folder.string();
  made.environment["RETRUST_TEST_DOCKER_KUBECONFIG"] = sandbox.file("local.kubeconfig");
  made.environment["RETRUST_TEST_DOCKER_DATA"] = "in-it";
  return made;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

TEST_CASE("an archive is copied by docker cp, read by tar, and then gets its name") {
  Sandbox sandbox;
  const auto run = sandbox.retrust(call(sandbox, {"run", "--yes", "--timeout", "30s"}, {}));
  CAPTURE(run.all());
  REQUIRE(run.status == 0);
  std::string archive;
  for (const auto& name : names_in(sandbox.run_folder() / "backup")) {
    CHECK_FALSE(name.starts_with("."));
    if (has(name, ".tar.gz")) archive = name;
  }
  CHECK(archive.starts_with("rancher-data-backup-v2.4.17-20"));
  CHECK((fs::status(sandbox.run_folder() / "backup" / archive).permissions() & fs::perms::mask) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  const auto transcript = document_words(sandbox.run_folder());
  CHECK(has(transcript, "docker cp rancher:/tmp/" + archive));
  CHECK(has(transcript, "the archive was read to its end: 1 file of /var/lib/rancher"));
  CHECK(has(transcript, "backup by: "));
  CHECK(fs::exists(sandbox.directory() / "docker" / "removed"));
}

TEST_CASE("an archive that a killed run left in the container is removed, and the run says so") {
  Sandbox sandbox;
  const auto in_container = sandbox.directory() / "docker" / "tmp";
  // docker cp goes on for ever, so that the archive is there when the run is killed.
  const auto killed = sandbox.start(call(sandbox, {"run", "--yes", "--timeout", "30s"},
                                         {{"RETRUST_TEST_DOCKER_CP", "exec sleep 60"}}));
  wait_until("the archive is copied", [&] {
    return has(read_file(sandbox.directory() / "docker" / "log"), "cp rancher:/tmp/rancher-data");
  });
  killed->signal(SIGKILL);
  CHECK(killed->wait() == 128 + SIGKILL);
  const auto left = names_in(in_container);
  REQUIRE(left.size() == 1);
  // Not of a run of retrust.
  write_file(in_container / "rancher-data-backup-v2.4.17-2026-11-27.tar.gz", "by hand");

  const auto run = sandbox.retrust(call(sandbox, {"run", "--yes", "--timeout", "30s"}, {}));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.err, "an earlier run left /tmp/" + left.front() +
                         " in the container rancher: retrust removed the archive"));
  CHECK(names_in(in_container) ==
        std::vector<std::string>{"rancher-data-backup-v2.4.17-2026-11-27.tar.gz"});
}

TEST_CASE("what docker delivers is no backup unless it is a whole archive in a regular file") {
  Sandbox sandbox;
  struct Case {
    std::string delivers;
    std::string said;
  };
  const std::vector<Case> cases{
      {"ln -s /etc/passwd \"$file\"", "docker cp delivered a symbolic link"},
      {"mkfifo \"$file\"", "docker cp delivered a FIFO"},
      {"mkdir \"$file\"; echo x >\"$file/x\"", "docker cp delivered a folder"},
      {":", "docker cp delivered no file"},
      {"echo hello >\"$file\"", "not in gzip format"},
      {"cd /; touch \"$folder/a\"; tar -czPf \"$file\" --transform 's,.*,/etc/shadow,' "
       "\"$folder/a\"",
       "there is no file of /var/lib/rancher in it"},
      {"echo 'open: no such file or directory' >&2; exit 1", "no such file or directory"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.delivers);
    const auto run = sandbox.retrust(call(sandbox, {"run", "--yes", "--timeout", "30s"},
                                          {{"RETRUST_TEST_DOCKER_CP", each.delivers}}));
    CAPTURE(run.all());
    CHECK(run.status == 4);
    CHECK(has(run.err, each.said));
    CHECK(names_in(sandbox.run_folder() / "backup").empty());
    CHECK(fs::exists(sandbox.directory() / "docker" / "removed"));
    fs::remove(sandbox.directory() / "docker" / "removed");
  }
  CHECK(sandbox.changes().empty());
}

TEST_CASE("docker cp is ended as soon as anything but one file arrives") {
  Sandbox sandbox;
  // Each would go on for as long as 200,000 files take, and then tell that it came to its end.
  const std::string without_end =
      "; n=0; while [ $((n += 1)) -lt 200000 ]; do echo x >\"$3/$name$n\"; done; "
      ": >\"$folder/finished\"";
  struct Case {
    std::string delivers;
    std::string said;
  };
  for (const auto& each : std::vector<Case>{
           {"mkdir \"$file\"; name=${file##*/}/" + without_end, "docker cp delivered a folder"},
           {"mkfifo \"$file\"; name=x" + without_end, "docker cp delivered more than one file"},
           {": >\"$file\"; name=x" + without_end, "docker cp delivered more than one file"},
           {"ln -s /etc/passwd \"$file\"; n=0; while [ $((n += 1)) -lt 1000000 ]; do :; done; "
            ": >\"$folder/finished\"",
            "docker cp delivered a symbolic link"}}) {
    CAPTURE(each.delivers);
    const auto run = sandbox.retrust(call(sandbox, {"run", "--yes", "--timeout", "30s"},
                                          {{"RETRUST_TEST_DOCKER_CP", each.delivers}}));
    CAPTURE(run.all());
    CHECK(run.status == 4);
    CHECK(has(run.err, each.said));
    CHECK(names_in(sandbox.run_folder() / "backup").empty());
    CHECK_FALSE(fs::exists(sandbox.directory() / "docker" / "finished"));
    fs::remove(sandbox.directory() / "docker" / "finished");
  }
  CHECK(sandbox.changes().empty());
}

TEST_CASE("what du prints cannot end the program") {
  Sandbox sandbox;
  struct Case {
    std::string du;
    int status;
  };
  for (const auto& each : std::vector<Case>{{"20\\t/var/lib/rancher\\n\\n", 3},
                                            {"\\n", 4},
                                            {" \\n \\n", 4},
                                            {"many\\t/var/lib/rancher\\n", 4},
                                            {"99999999999999999999\\t/var/lib/rancher\\n", 4}}) {
    CAPTURE(each.du);
    const auto plan =
        sandbox.retrust(call(sandbox, {"plan"}, {{"RETRUST_TEST_DOCKER_DU", each.du}}));
    CAPTURE(plan.all());
    CHECK(plan.status == each.status);
    CHECK((each.status == 3 || has(plan.err, "cannot tell how large /var/lib/rancher is")));
  }
}

TEST_CASE("each program is known by its absolute path") {
  Sandbox sandbox;
  const auto run = sandbox.retrust(call(sandbox, {"run", "--yes", "--timeout", "30s"}, {}));
  CAPTURE(run.all());
  REQUIRE(run.status == 0);
  std::set<std::string> programs;
  for (const auto& line : lines_of(read_file(sandbox.run_folder() / "transcript.jsonl"))) {
    const auto event = boost::json::parse(line);
    if (text(event, "/event") == "command_started") programs.insert(text(event, "/program"));
  }
  CHECK(programs.size() >= 3);
  for (const auto& program : programs) {
    CAPTURE(program);
    CHECK(program.starts_with("/"));
    CHECK(fs::exists(program));
  }
  const auto transcript = document_words(sandbox.run_folder());
  for (const std::string name : {"kubectl's path: ", "docker's path: ", "its path: "}) {
    CAPTURE(name);
    CHECK(has(transcript, name));
  }
  CHECK(has(transcript, std::getenv("RETRUST_TEST_DOCKER")));
}

TEST_CASE("as root, a PATH with the current folder in it is refused") {
  Sandbox sandbox;
  const std::string path = std::getenv("PATH");
  for (const auto& bad : {".:" + path, path + ":", path + ":bin", path + "::/opt"}) {
    CAPTURE(bad);
    const auto run = sandbox.retrust(
        {.args = {"run", "--yes", "--no-rancher-backup"}, .environment = {{"PATH", bad}}});
    CAPTURE(run.all());
    if (::geteuid() != 0) {
      CHECK(run.status == 0);
      return;
    }
    CHECK(run.status == 4);
    CHECK(has(run.err, "PATH holds"));
    CHECK(has(run.err, "export PATH="));
    CHECK(sandbox.changes().empty());
  }
  CHECK(sandbox.retrust(Sandbox::Call{.args = {"--help"}, .environment = {{"PATH", "."}}}).status ==
        0);
}

TEST_CASE("kill -9 leaves no watch behind") {
  Sandbox sandbox({"--fault", "agents-never-report"});
  const auto pids = sandbox.directory() / "watches";
  const auto kubectl = sandbox.directory() / "kubectl-that-tells";
  write_file(kubectl, "#!/bin/sh\ncase \" $* \" in *' -w '*) echo $$ >>'" + pids.string() +
                          "' ;; esac\nexec ${RETRUST_TEST_KUBECTL:-kubectl} \"$@\"\n");
  fs::permissions(kubectl, fs::perms::owner_all);
  const auto child =
      sandbox.start({.args = {"step", "check-cluster", "--timeout", "10m", "--no-session"},
                     .kubectl = kubectl.string()});
  wait_until("a watch works", [&] { return !lines_of(read_file(pids)).empty(); });
  child->signal(SIGKILL);
  child->wait();
  wait_until("the watches are gone", [&] {
    for (const auto& pid : lines_of(read_file(pids))) {
      const auto state = read_file("/proc/" + pid + "/stat");
      if (!state.empty() && !has(state, ") Z ")) return false;
    }
    return true;
  });
}

}  // namespace
}  // namespace retrust::e2e
