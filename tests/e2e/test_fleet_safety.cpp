// What a run of several clusters does where something goes wrong, and what it leaves alone.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "fleet.h"
#include "others_lease.h"
#include "others_token.h"
#include "sandbox.h"
#include "screen.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string id_of(Sandbox& sandbox, const std::string& name) {
  const auto list = sandbox.get("local", {"clusters.management.cattle.io"});
  for (const auto& item : list.at("items").as_array()) {
    if (text(item, "/spec/displayName") == name) return text(item, "/metadata/name");
  }
  FAIL("there is no cluster ", name);
  return "";
}

/// True if a cluster, or Rancher's record of it, was changed.
bool was_changed(Sandbox& sandbox, const std::string& name) {
  const auto server = name == "production" ? std::string("downstream") : name;
  const auto changes = sandbox.changes();
  const auto record = " clusters.management.cattle.io " + id_of(sandbox, name);
  return std::any_of(changes.begin(), changes.end(), [&](const std::string& change) {
    return change.starts_with(server + " ") || change.ends_with(record);
  });
}

struct Expected {
  std::string result;
  std::int64_t status = 0;
  std::string words = {};  ///< in the reason, and in the cluster's own transcript
};

/// Checks how each cluster ended, by the summary and by its own transcript.
void check_ends(const fs::path& folder, const std::map<std::string, Expected>& expected) {
  auto known = ends(folder);
  CHECK(known.size() == expected.size());
  for (const auto& [name, end] : expected) {
    CAPTURE(name);
    REQUIRE(known.contains(name));
    CHECK(text(known[name], "/result") == end.result);
    CHECK(known[name].at("status").as_int64() == end.status);
    CHECK(has(text(known[name], "/text"), end.words));
    CHECK(has(document_words(folder / text(known[name], "/folder")), end.words));
  }
}

/// A run that cannot finish a cluster whose agents are silent.
const std::vector<std::string> without_update{"--skip=update-cluster", "--timeout=3s"};

const Expected not_reported{"failed", 1, "stored and live credentials still differ"};

std::vector<std::string> with(std::vector<std::string> args, const std::vector<std::string>& more) {
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

TEST_CASE("a canary that is refused after the question is replaced by the next cluster") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed"});
  create(sandbox, lease(others, std::chrono::seconds{30}, id_of(sandbox, "store-003")));
  const auto run = sandbox.retrust(run_of_all(sandbox, {"--timeout=10s"}));
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.out, "first: store-003 ("));
  CHECK(has(run.out, "1 refused, 2 repaired"));
  check_ends(sandbox.run_folder(),
             {{"store-003", {"refused", 4, "is being repaired by ada@elsewhere"}},
              {"store-002", {"repaired", 0}},
              {"production", {"repaired", 0}}});
  CHECK_FALSE(was_changed(sandbox, "store-003"));
  // The next one was proven, before the last one began.
  const auto proven = run.out.find("\nstore-002: repaired\n");
  REQUIRE(proven != std::string::npos);
  CHECK(run.out.find("\nproduction: 2.") > proven);
}

TEST_CASE("where every canary is refused nothing is changed") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed"});
  for (const auto* name : {"production", "store-002", "store-003"}) {
    create(sandbox, lease(others, std::chrono::seconds{30}, id_of(sandbox, name)));
  }
  const auto run = sandbox.retrust(run_of_all(sandbox, {"--timeout=1s"}));
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.out, "3 refused"));
  const Expected refused{"refused", 4, "is being repaired by ada@elsewhere"};
  check_ends(sandbox.run_folder(),
             {{"production", refused}, {"store-002", refused}, {"store-003", refused}});
  CHECK(sandbox.changes().empty());
}

TEST_CASE("after a canary that failed no other cluster is begun, and the same command resumes") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed,renewed,silent"});
  const auto run = sandbox.retrust(run_of_all(sandbox, without_update));
  CAPTURE(run.all());
  CHECK(run.status == 1);
  CHECK(has(run.out, "1 failed, 2 not begun"));
  const auto failed = "store-003 (" + id_of(sandbox, "store-003") + ")";
  const Expected not_begun{"not begun", 4,
                           "this cluster was not begun, as the first one, " + failed +
                               ", was not repaired: nothing was changed in it"};
  check_ends(sandbox.run_folder(),
             {{"production", not_begun}, {"store-002", not_begun}, {"store-003", not_reported}});
  CHECK(was_changed(sandbox, "store-003"));
  CHECK_FALSE(was_changed(sandbox, "store-002"));
  CHECK_FALSE(was_changed(sandbox, "production"));

  const auto again = sandbox.retrust(run_of_all(sandbox, {"--timeout=10s"}));
  CAPTURE(again.all());
  CHECK(again.status == 0);
  CHECK(has(again.out, "Done. 3 repaired."));
}

TEST_CASE("--max-failures is the number of failures at which no other cluster begins") {
  Sandbox sandbox({"--clusters", "4", "--mix", "silent,silent,renewed,renewed"});
  const auto one_at_a_time = with(without_update, {"--canary=0", "--parallel=1"});
  std::string failed = "production (c-x7k2p)";
  Expected second{"not begun", 4};
  std::string limit = "1";
  std::vector<std::string> args = one_at_a_time;
  SUBCASE("one, by default") {}
  SUBCASE("two") {
    args = with(one_at_a_time, {"--max-failures=2"});
    second = not_reported;
    failed += " and store-002 (" + id_of(sandbox, "store-002") + ")";
    limit = "2";
  }
  const auto run = sandbox.retrust(run_of_all(sandbox, args));
  CAPTURE(run.all());
  CHECK(run.status == 1);
  const Expected not_begun{"not begun", 4,
                           "this cluster was not begun, as " + failed +
                               " failed after a change (--max-failures " + limit +
                               "): nothing was changed in it"};
  check_ends(sandbox.run_folder(), {{"production", not_reported},
                                    {"store-002", limit == "1" ? not_begun : second},
                                    {"store-003", not_begun},
                                    {"store-004", not_begun}});
  CHECK(was_changed(sandbox, "store-002") == (limit == "2"));
  CHECK_FALSE(was_changed(sandbox, "store-003"));
  CHECK_FALSE(was_changed(sandbox, "store-004"));
}

/// A kubectl that stops at each deletion of pods, until it may go on.
class HeldKubectl {
 public:
  explicit HeldKubectl(const Sandbox& sandbox)
      : folder_(sandbox.directory() / "held"), program_(sandbox.directory() / "held-kubectl") {
    fs::create_directory(folder_);
    write_file(program_, "#!/bin/sh\nheld='" + folder_.string() +
                             "'\ncase \" $* \" in *' delete pod'*)\n"
                             " [ ! -d \"$held\" ] || : >\"$held/$$\"\n"
                             " while [ -d \"$held\" ]; do sleep 0.05; done;;\nesac\n"
                             "exec \"${RETRUST_TEST_KUBECTL:-kubectl}\" \"$@\"\n");
    fs::permissions(program_, fs::perms::owner_all);
  }
  std::string program() const { return program_.string(); }
  void wait_for(std::ptrdiff_t deletions) const {
    wait_until("deletions of pods", [&] {
      return std::distance(fs::directory_iterator(folder_), fs::directory_iterator()) == deletions;
    });
  }
  void go_on() const { fs::remove_all(folder_); }

 private:
  fs::path folder_;
  fs::path program_;
};

TEST_CASE("after Ctrl-C each cluster tells how far it came, and the same command resumes") {
  Sandbox sandbox({"--clusters", "4", "--mix", "renewed"});
  const HeldKubectl kubectl(sandbox);
  auto call = run_of_all(sandbox, {"--canary=0", "--parallel=2"});
  call.kubectl = kubectl.program();
  const auto run = sandbox.start(call);
  kubectl.wait_for(2);
  run->signal(SIGINT);
  CHECK(run->wait() == 130);
  CAPTURE(run->out() + run->err());
  CHECK(has(run->out(), "4 interrupted"));
  const Expected half_way{"interrupted", 130, "interrupted by signal 2"};
  const Expected not_begun{"interrupted", 130, "nothing was changed"};
  check_ends(sandbox.run_folder(), {{"production", half_way},
                                    {"store-002", half_way},
                                    {"store-003", not_begun},
                                    {"store-004", not_begun}});
  auto known = ends(sandbox.run_folder());
  for (const auto* name : {"production", "store-002", "store-003", "store-004"}) {
    CAPTURE(name);
    const auto begun = was_changed(sandbox, name);
    CHECK(begun == (name != std::string("store-003") && name != std::string("store-004")));
    CHECK(known[name].at("changed").as_bool() == begun);
    CHECK(text(known[name], "/lastStep") == (begun ? "2.1 delete-token" : ""));
    CHECK(has(text(known[name], "/text"), "nothing was changed") != begun);
  }

  kubectl.go_on();
  const auto again = sandbox.retrust(call);
  CAPTURE(again.all());
  CHECK(again.status == 0);
  CHECK(has(again.out, "Done. 4 repaired."));
}

TEST_CASE("Ctrl-C at the question about several clusters changes nothing") {
  Sandbox sandbox({"--clusters", "2", "--mix", "renewed"});
  auto call = call_for_all(sandbox, {"run", "--all-clusters", "--no-rancher-backup"});
  // In a file: a terminal may drop what is printed right after Ctrl-C.
  call.shell = R"("$@"; status=$?; echo $status >status; exit $status)";
  const auto run = sandbox.start_on_terminal(call);
  wait_until("the question", [&] { return has(unwrapped(run->out()), "Do this to 2 clusters"); });
  run->write("\x03");
  wait_until("the end", [&] { return read_file(sandbox.directory() / "status") == "130\n"; });
  CHECK(run->wait() == 130);
  CAPTURE(run->out());
  const Expected interrupted{"interrupted", 130, "nothing was changed"};
  check_ends(sandbox.run_folder(), {{"production", interrupted}, {"store-002", interrupted}});
  CHECK(sandbox.changes().empty());
}

/// The docker that is played, with Rancher's data in its container alone.
class Docker {
 public:
  /// `copying` are words of a shell that deliver the archive "$file"; by default a good one.
  Docker(Sandbox& sandbox, std::string copying)
      : folder_(sandbox.directory() / "docker"), copying_(std::move(copying)) {
    fs::create_directories(folder_);
    call_ = call_for_all(sandbox, {"run", "--all-clusters", "--yes", "--rancher-container",
                                   "rancher", "--docker", std::getenv("RETRUST_TEST_DOCKER")});
    call_.environment = {{"RETRUST_TEST_DOCKER_FOLDER", folder_.string()},
                         {"RETRUST_TEST_DOCKER_KUBECONFIG", sandbox.file("local.kubeconfig")},
                         {"RETRUST_TEST_DOCKER_DATA", "in-it"},
                         {"RETRUST_TEST_DOCKER_CP", copying_}};
  }
  Sandbox::Call run(const std::vector<std::string>& more) const {
    auto call = call_;
    call.args = with(call.args, more);
    return call;
  }
  fs::path file(const std::string& name) const { return folder_ / name; }
  /// How many backups were made or tried.
  std::size_t backups() const { return times(read_file(folder_ / "log"), "\ncp "); }

 private:
  fs::path folder_;
  std::string copying_;
  Sandbox::Call call_;
};

std::size_t archives(const fs::path& folder) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(folder / "backup")) {
    if (has(entry.path().filename().string(), ".tar.gz")) ++count;
  }
  return count;
}

TEST_CASE("Rancher is backed up once for all clusters, before the first change") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed"});
  const Docker docker(sandbox, R"(while [ ! -e "$folder/go-on" ]; do sleep 0.05; done
    mkdir -p "$folder/root/var/lib/rancher"; echo state >"$folder/root/var/lib/rancher/state.db"
    tar -czf "$file" -C "$folder/root" var/lib/rancher)");
  std::vector<std::string> more;
  SUBCASE("by the canary") {}
  SUBCASE("by one of them, where all begin at once") {
    more = {"--canary=0"};
  }
  const auto run = sandbox.start(docker.run(more));
  wait_until("the backup", [&] {
    const auto begun = times(run->out(), ": 1.1 backup-container\n");
    return docker.backups() == 1 && begun == (more.empty() ? 1U : 3U);
  });
  CHECK(sandbox.changes().empty());
  write_file(docker.file("go-on"), "");
  CHECK(run->wait() == 0);
  CAPTURE(run->out() + run->err());
  CHECK(docker.backups() == 1);
  std::vector<std::string> makers;
  const auto known = ends(sandbox.run_folder());
  CHECK(known.size() == 3);
  for (const auto& [name, end] : known) {
    CHECK(text(end, "/result") == "repaired");
    if (archives(sandbox.run_folder() / text(end, "/folder")) == 1) makers.push_back(name);
  }
  REQUIRE(makers.size() == 1);
  const auto& maker = makers.front();
  CHECK((maker == "store-003" || !more.empty()));
  const auto whose =
      "the run of " + maker + " (" + id_of(sandbox, maker) + ") did this for all clusters";
  for (const auto& [name, end] : known) {
    CAPTURE(name);
    const auto own = sandbox.run_folder() / text(end, "/folder");
    CHECK(archives(own) == (name == maker ? 1 : 0));
    CHECK(has(document_words(own), whose) == (name != maker));
  }
}

TEST_CASE("without a backup no cluster is changed") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed"});
  const Docker docker(sandbox, "echo 'no such file' >&2; exit 1");
  std::vector<std::string> more;
  SUBCASE("with a canary") {}
  SUBCASE("where all begin at once") {
    more = {"--canary=0"};
  }
  const auto run = sandbox.retrust(docker.run(more));
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.out, "3 refused"));
  const Expected refused{"refused", 4, "docker cp failed"};
  check_ends(sandbox.run_folder(),
             {{"production", refused}, {"store-002", refused}, {"store-003", refused}});
  CHECK(docker.backups() == 1);
  CHECK(sandbox.changes().empty());
}

TEST_CASE("Rancher 2.1 is restarted once, after all records, and each cluster is proven then") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed", "--rancher", "2.1"});
  const auto run = sandbox.retrust(run_of_all(sandbox));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out, "Done. 3 repaired."));
  const auto changes = sandbox.changes();
  const std::string restart = "local patch deployments.apps rancher";
  CHECK(std::count(changes.begin(), changes.end(), restart) == 1);
  CHECK(changes.back() == restart);
  std::size_t by_another = 0;
  for (const auto& [name, end] : ends(sandbox.run_folder())) {
    CAPTURE(name);
    CHECK(was_changed(sandbox, name));
    const auto told = document_words(sandbox.run_folder() / text(end, "/folder"));
    const auto restarted = told.find("\n## 3.1 restart-rancher\n");
    REQUIRE(restarted != std::string::npos);
    CHECK(told.find("Rancher has stored the live token and CA") < restarted);
    CHECK(has(told.substr(restarted), "was reached with the stored CA and the stored token"));
    CHECK(has(told.substr(restarted), "Rancher says that the cluster is ready"));
    if (has(told, " did this for all clusters")) ++by_another;
  }
  CHECK(by_another == 2);
}

TEST_CASE("no more clusters are looked at or repaired at once than --parallel says") {
  Sandbox sandbox({"--clusters", "6", "--mix", "renewed"});
  const auto run =
      sandbox.retrust(run_of_all(sandbox, {"--canary=0", "--parallel=2", "-o", "json"}));
  CAPTURE(run.err);
  CHECK(run.status == 0);
  // A cluster is at work from its first line to its plan, and from the answer to its end.
  std::set<std::string> at_work;
  std::set<std::string> repaired;
  std::map<std::string, std::size_t> most;
  for (const auto& line : json_lines(run.out)) {
    const auto cluster = text(line, "/clusterId");
    if (cluster.empty()) continue;
    const auto event = text(line, "/event");
    const auto asked = has(text(line, "/text"), "nobody was asked");
    if (event == "run_started" || asked) at_work.insert(cluster);
    if (asked) repaired.insert(cluster);
    auto& count = most[repaired.empty() ? "looked at" : "repaired"];
    count = std::max(count, at_work.size());
    if (event == "plan" || event == "run_ended") at_work.erase(cluster);
  }
  CHECK(at_work.empty());
  CHECK(repaired.size() == 6);
  CHECK(most["looked at"] == 2);
  CHECK(most["repaired"] == 2);
}

constexpr const char* question_of_all = "Do this to 3 clusters";

TEST_CASE("a cluster that somebody else repaired while the question stood is left alone") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed"});
  const auto run = sandbox.start_on_terminal(
      call_for_all(sandbox, {"run", "--all-clusters", "--no-rancher-backup"}));
  const auto folder = sandbox.run_folder();
  wait_until("the question", [&] { return has(unwrapped(run->out()), question_of_all); });
  std::string other = "production";
  SUBCASE("one of the others") {}
  SUBCASE("the canary, so that another one is proven first") {
    other = "store-003";
  }
  REQUIRE(sandbox
              .retrust({.args = {"run", "--yes", "--no-rancher-backup"},
                        .cluster = other,
                        .kubeconfig = sandbox.file("kubeconfigs/" + other + ".yaml")})
              .status == 0);
  const auto server = other == "production" ? std::string("downstream ") : other + " ";
  const auto changes_there = [&] {
    const auto changes = sandbox.changes();
    return std::count_if(changes.begin(), changes.end(),
                         [&](const std::string& change) { return change.starts_with(server); });
  };
  const auto before = changes_there();
  run->write("yes\n");
  CHECK(run->wait() == 0);
  CAPTURE(run->out());
  CHECK(times(unwrapped(run->out()), "Do this to") == 1);
  CHECK(changes_there() == before);
  check_ends(folder, {{"production", {other == "production" ? "nothing needed" : "repaired", 0}},
                      {"store-002", {"repaired", 0}},
                      {"store-003", {other == "store-003" ? "nothing needed" : "repaired", 0}}});
}

TEST_CASE("after the answer only a cluster whose plan changed is asked about again") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed"});
  const auto run = sandbox.start_on_terminal(
      call_for_all(sandbox, {"run", "--all-clusters", "--no-rancher-backup"}));
  const auto folder = sandbox.run_folder();
  wait_until("the question", [&] { return has(unwrapped(run->out()), question_of_all); });
  replace_token(sandbox);
  run->write("yes\n");
  wait_until("the second question",
             [&] { return has(unwrapped(run->out()), "Do this to cluster production (c-x7k2p)"); });
  CAPTURE(run->out());
  CHECK(has(unwrapped(run->out()), "the plan changed meanwhile: 2.1 delete-token is not needed"));
  // The others go on while this question stands.
  wait_until("the others", [&] {
    const auto known = ends(folder);
    return known.contains("store-002") && known.contains("store-003");
  });
  const auto changes = sandbox.changes();
  Expected production;
  SUBCASE("no") {
    run->write("no\n");
    CHECK(run->wait() == 7);
    production = {"declined", 7, "not confirmed: nothing was changed"};
    CHECK(sandbox.changes() == changes);
  }
  SUBCASE("yes") {
    run->write("yes\n");
    CHECK(run->wait() == 0);
    production = {"repaired", 0};
  }
  check_ends(
      folder,
      {{"production", production}, {"store-002", {"repaired", 0}}, {"store-003", {"repaired", 0}}});
  CHECK(times(unwrapped(run->out()), "Do this to") == 2);
}

/// What stays of a terminal's text in the end.
std::string left_on(const Screen& screen) {
  std::string left;
  for (const auto& line : screen.lines()) left += line + "\n";
  return left;
}

void check_undrawn(const std::string& left) {
  for (const auto* drawn : {"is looked at", "waits for its turn", "to come", "at work", "> "}) {
    CAPTURE(drawn);
    CHECK_FALSE(has(left, drawn));
  }
}

TEST_CASE("a run folder that is deleted in the middle ends the run, and no change follows") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed"});
  const auto child = sandbox.start(run_of_all(sandbox, {"--timeout=20s"}));
  wait_until("the first change", [&] { return !sandbox.changes().empty(); });
  fs::remove_all(sandbox.run_folder());
  const auto status = child->wait();
  CAPTURE(child->out());
  CAPTURE(child->err());
  CHECK(status == 1);
  CHECK(has(child->out(), "was deleted"));
  // The canary is store-003: nothing was begun in the others.
  for (const auto& change : sandbox.changes()) {
    CAPTURE(change);
    CHECK_FALSE(has(change, "production"));
    CHECK_FALSE(has(change, "store-002"));
  }
  const auto again = sandbox.retrust(run_of_all(sandbox));
  CAPTURE(again.all());
  CHECK(again.status == 0);
}

TEST_CASE("a summary that is deleted in the middle is told in the end") {
  Sandbox sandbox({"--clusters", "2", "--mix", "renewed"});
  const auto child = sandbox.start(run_of_all(sandbox));
  wait_until("the first change", [&] { return !sandbox.changes().empty(); });
  fs::remove(sandbox.run_folder() / "summary.jsonl");
  const auto status = child->wait();
  CAPTURE(child->out());
  CAPTURE(child->err());
  CHECK(status == 1);
  CHECK(has(child->err(), "the summary is not whole: "));
  CHECK(has(child->err(), "2 repaired"));
}

TEST_CASE("a kubeconfig that is gone in the middle is a refusal, not wrong usage") {
  Sandbox sandbox({"--clusters", "2", "--mix", "renewed"});
  const auto child = sandbox.start(run_of_all(sandbox));
  wait_until("the first change", [&] { return !sandbox.changes().empty(); });
  fs::remove(sandbox.file("kubeconfigs/production.yaml"));
  const auto status = child->wait();
  CAPTURE(child->out());
  CAPTURE(child->err());
  CHECK((status == 4 || status == 1));
  CHECK(has(child->out(), "1 repaired"));
}

TEST_CASE("on a terminal of 10 rows the table never has more, and nothing of it stays") {
  Sandbox sandbox({"--clusters", "16", "--mix", "healthy,healthy,healthy,renewed"});
  auto call = run_of_all(sandbox);
  call.shell = R"(stty rows 10 cols 80; exec "$@")";
  const auto run = sandbox.start_on_terminal(call);
  // Many clusters take their time.
  wait_until("the looks", [&] { return has(run->out(), "first: store-016 ("); });
  CHECK(run->wait() == 0);
  const auto shown = run->out();
  CHECK(has(shown, "is looked at"));
  CHECK(has(shown, "2.1 delete-token"));
  CHECK(has(shown, " nothing needed, "));
  CHECK(has(shown, " to come"));
  Screen screen(10, 80);
  screen.write(shown);
  CHECK(screen.most_up() > 1);
  CHECK(screen.most_up() < 10);
  const auto left = left_on(screen);
  CAPTURE(left);
  CHECK(has(unwrapped(left), "Done. 12 nothing needed, 4 repaired. Exit status 0."));
  check_undrawn(left);
}

TEST_CASE("the table has colours, unless NO_COLOR is set") {
  Sandbox sandbox({"--clusters", "2", "--mix", "renewed,healthy"});
  auto call = run_of_all(sandbox);
  call.shell = R"(stty rows 24 cols 80; exec "$@")";
  const std::string green = "\x1b[32m+\x1b[0m store-002   nothing needed";
  const std::string plain = "+ store-002   nothing needed";
  SUBCASE("by default") {}
  SUBCASE("not wanted") {
    call.environment["NO_COLOR"] = "1";
  }
  const auto run = sandbox.start_on_terminal(call);
  CHECK(run->wait() == 0);
  const auto shown = run->out();
  CAPTURE(shown);
  const auto colored = call.environment.empty();
  CHECK(has(shown, green) == colored);
  CHECK(has(shown, plain) != colored);
  CHECK(std::regex_search(shown, std::regex("\x1b\\[[0-9;]*m")) == colored);
  Screen screen(24, 80);
  screen.write(shown);
  check_undrawn(left_on(screen));
}

TEST_CASE("a cluster without a display name goes by its ID") {
  Sandbox sandbox({"--clusters", "2", "--mix", "renewed"});
  const auto id = id_of(sandbox, "store-002");
  REQUIRE(sandbox
              .kubectl("local", {"patch", "clusters.management.cattle.io", id, "--type=merge",
                                 "--patch", R"({"spec": {"displayName": ""}})"})
              .status == 0);
  const auto run = sandbox.retrust(run_of_all(sandbox));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out, "\n" + id + ": 2.1 delete-token\n"));
  CHECK(has(run.out, "first: " + id + " (" + id + ")"));
  const auto known = ends(sandbox.run_folder());
  REQUIRE(known.contains(id));
  CHECK(text(known.at(id), "/folder") == id);
  CHECK(has(read_file(sandbox.run_folder() / "summary.md"), "| " + id + " "));
}

}  // namespace
}  // namespace retrust::e2e
