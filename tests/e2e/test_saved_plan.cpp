// plan --out and run --plan: exactly the plan that was saved, or nothing.
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <sys/stat.h>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "fleet.h"
#include "others_token.h"
#include "sandbox.h"
#include "secrets.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

using Args = std::vector<std::string>;

Args with(Args args, const Args& more) {
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

/// Saves a plan in plan.json. Returns its path.
std::string save(Sandbox& sandbox, const Args& more = {"--no-rancher-backup"}, int status = 3) {
  auto file = (sandbox.directory() / "plan.json").string();
  const auto plan = sandbox.retrust(with({"plan", "--out", file}, more));
  CAPTURE(plan.all());
  REQUIRE(plan.status == status);
  return file;
}

/// A run of the saved plan: the clusters come from the file.
Sandbox::Call run_of(const std::string& file, const Args& more = {}) {
  return {.args = with({"run", "--plan", file, "--yes"}, more), .without = {"--cluster"}};
}

/// Checks that a run repairs production.
void check_performed(Sandbox& sandbox, const Sandbox::Call& call) {
  const auto run = sandbox.retrust(call);
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
}

/// Checks that the plan is refused with those words, and that nothing is changed.
void check_refused(Sandbox& sandbox, const std::string& file, const std::string& words) {
  const auto before = sandbox.changes();
  const auto run = sandbox.retrust(run_of(file));
  CAPTURE(run.all());
  CHECK(run.status == 4);
  const auto shown = unwrapped(run.err);
  CHECK(has(shown, "the plan saved in " + file + " no longer holds for production (c-x7k2p): "));
  CHECK(has(shown, words));
  CHECK(has(shown, "nothing was changed"));
  CHECK(has(shown, "save a plan of what is needed now"));
  const auto word = "--out=" + file;
  CHECK(
      has(shown, ": retrust plan " + (has(file, " ") ? "'" + word + "'" : word) + " --kubeconfig"));
  CHECK(sandbox.changes() == before);
  const auto lines = json_lines(read_file(sandbox.run_folder() / "transcript.jsonl"));
  REQUIRE_FALSE(lines.empty());
  CHECK(text(lines.back(), "/code") == "plan-changed");
}

TEST_CASE("a saved plan is performed by the command that plan names") {
  Sandbox sandbox;
  const auto file = (sandbox.directory() / "plan of today.json").string();
  const auto plan = sandbox.retrust({"plan", "--out", file, "--no-rancher-backup", "--skip=3.1"});
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  CHECK(sandbox.changes().empty());
  CHECK(has(unwrapped(plan.out), "The plan is saved in " + file + "."));
  struct ::stat state {};
  REQUIRE(::stat(file.c_str(), &state) == 0);
  CHECK((state.st_mode & 07777) == 0600);

  const auto command = plan.out.find("do exactly this: retrust ");
  REQUIRE(command != std::string::npos);
  auto pasted = plan.out.substr(command + 25, plan.out.find('\n', command) - command - 25);
  CHECK(pasted == "run '--plan=" + file + "' --kubeconfig " +
                      sandbox.file("downstream.kubeconfig") + " --local-kubeconfig " +
                      sandbox.file("local.kubeconfig") + " --kubectl kubectl");
  const auto run = sandbox.retrust(
      {.args = {},
       .without = {"--cluster", "--kubeconfig", "--local-kubeconfig", "--kubectl", "--run-dir"},
       .shell = "exec \"$1\" " + pasted + " --yes"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(unwrapped(run.out), "the plan saved in " + file + " (at 20"));
  CHECK(has(unwrapped(run.out), " still holds"));
  CHECK(sandbox.ready() == "True");

  // What is done is no plan any more.
  check_refused(sandbox, file, "2.1 delete-token is not needed any more");
}

TEST_CASE("a plan with nothing to do is saved, and a run of it finds nothing to do") {
  Sandbox sandbox({"--scenario", "healthy"});
  const auto file = save(sandbox, {"--no-rancher-backup"}, 0);
  const auto run = sandbox.retrust(run_of(file));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out, "nothing is needed"));
  CHECK(sandbox.changes().empty());

  sandbox.renew();
  check_refused(sandbox, file, "2.1 delete-token has come to be needed");
}

TEST_CASE("a cluster that changed since is left alone, and the difference is named") {
  Sandbox sandbox;
  const auto file = save(sandbox);
  SUBCASE("another token") {
    replace_token(sandbox);
    check_refused(sandbox, file, "2.1 delete-token is not needed any more");
    const auto document = document_words(sandbox.run_folder());
    CHECK(has(document, "saved: needed: "));
    CHECK(has(document, "now:   not-needed: "));
  }
  SUBCASE("other pods") {
    const auto pods = [&] {
      return sandbox.kubectl("downstream", {"-n", "cattle-system", "get", "pods", "-o", "name"})
          .out;
    };
    const auto before = pods();
    REQUIRE(sandbox
                .kubectl("downstream",
                         {"-n", "cattle-system", "delete", "pod", "-l", "app=cattle-cluster-agent"})
                .status == 0);
    wait_until("other pods", [&] {
      const auto now = pods();
      return now != before && times(now, "cattle-cluster-agent") == 1;
    });
    check_refused(sandbox, file, "2.2 recreate-agents concerns other objects now");
  }
  SUBCASE("another record") {
    REQUIRE(sandbox
                .kubectl("local", {"patch", "clusters.management.cattle.io", "c-x7k2p",
                                   "--type=merge", "-p", R"({"status":{"caCert":""}})"})
                .status == 0);
    check_refused(sandbox, file, "Rancher has stored another CA");
    CHECK(has(document_words(sandbox.run_folder()), "now:   none"));
  }
  SUBCASE("another renewal") {
    sandbox.tell("renew");
    check_refused(sandbox, file, "the cluster has another CA");
  }
}

TEST_CASE("what changes while the question stands is no part of a saved plan") {
  Sandbox sandbox;
  const auto file = save(sandbox);
  const auto child =
      sandbox.start_on_terminal({.args = {"run", "--plan", file}, .without = {"--cluster"}});
  wait_until("the question",
             [&] { return has(unwrapped(child->out()), "Do this to cluster production"); });
  replace_token(sandbox);
  const auto changes = sandbox.changes();
  child->write("yes\n");
  CHECK(child->wait() == 4);
  CAPTURE(child->out());
  CHECK(times(unwrapped(child->out()), "Do this to cluster") == 1);
  CHECK(has(unwrapped(child->out()), "2.1 delete-token is not needed any more"));
  CHECK(sandbox.changes() == changes);
}

TEST_CASE("a saved plan is performed with its backup, whose name has the time of the run") {
  const char* manner = nullptr;
  Sandbox sandbox({"--backup-operator", "6"});
  SUBCASE("and holds") {}
  SUBCASE("and refuses what changed during the backup") {
    manner = "changed";
  }
  const auto file = save(sandbox, {"--rancher-backup"});
  auto call = run_of(file);
  if (manner != nullptr) {
    // Somebody else gives Rancher another CA once the Backup is created.
    const char* named = std::getenv("RETRUST_TEST_KUBECTL");
    const std::string real = named == nullptr ? "kubectl" : named;
    const auto path = sandbox.directory() / "colleagues-kubectl";
    write_file(path, "#!/bin/sh\n'" + real +
                         "' \"$@\"\nended=$?\ncase \" $* \" in *' create '*) '" + real +
                         "' --kubeconfig='" + sandbox.file("local.kubeconfig") +
                         "' patch clusters.management.cattle.io c-x7k2p --type=merge -p "
                         "'{\"status\":{\"caCert\":\"\"}}' >&2 ;; esac\nexit $ended\n");
    fs::permissions(path, fs::perms::owner_all);
    call.kubectl = path.string();
  }
  const auto run = sandbox.retrust(call);
  CAPTURE(run.all());
  if (manner == nullptr) {
    CHECK(run.status == 0);
    CHECK(sandbox.ready() == "True");
    return;
  }
  CHECK(run.status == 4);
  const auto shown = unwrapped(run.err);
  CHECK(has(shown,
            "Rancher has stored another CA; nothing was changed apart from the backup, "
            "which stays: the Backup retrust-c-x7k2p-"));
  for (const auto& change : sandbox.changes()) {
    CAPTURE(change);
    CHECK((has(change, "create backups") || has(change, "patch clusters")));
  }
}

TEST_CASE("Rancher's container is named by the saved plan") {
  Sandbox sandbox;
  const auto folder = sandbox.directory() / "docker";
  fs::create_directories(folder);
  const auto file = (sandbox.directory() / "plan.json").string();
  const std::string docker = std::getenv("RETRUST_TEST_DOCKER");
  Sandbox::Call call{
      .args = {"plan", "--out", file, "--rancher-container=rancher", "--docker", docker},
      .environment = {{"RETRUST_TEST_DOCKER_FOLDER", folder.string()},
                      {"RETRUST_TEST_DOCKER_KUBECONFIG", sandbox.file("local.kubeconfig")}},
      .without = {"--local-kubeconfig"}};
  const auto plan = sandbox.retrust(call);
  CAPTURE(plan.all());
  REQUIRE(plan.status == 3);
  call.args = {"run", "--plan", file, "--yes", "--docker", docker};
  call.without = {"--local-kubeconfig", "--cluster"};
  check_performed(sandbox, call);
}

TEST_CASE("a saved plan leads to no other cluster") {
  Sandbox sandbox;
  const auto file = save(sandbox);
  auto call = run_of(file);
  call.kubeconfig = sandbox.file("other.kubeconfig");
  const auto run = sandbox.retrust(call);
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(sandbox.changes().empty());

  // A file that says so of itself is believed as little.
  auto plan = json::parse(read_file(file));
  plan.at("clusters").at(0).at("facts").as_object()["clusterUid"] = "another";
  write_file(file, json::serialize(plan));
  const auto edited = sandbox.retrust(run_of(file, {"-o", "json"}));
  CAPTURE(edited.all());
  CHECK(edited.status == 4);
  CHECK(has(edited.out, R"("code":"wrong-cluster")"));
  CHECK(has(edited.err, "the kubeconfig leads to another cluster"));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("the kubeconfigs may lie elsewhere when a saved plan is performed") {
  Sandbox sandbox;
  const auto file = save(sandbox);
  const auto moved = (sandbox.directory() / "moved.kubeconfig").string();
  fs::copy_file(sandbox.file("downstream.kubeconfig"), moved);
  auto call = run_of(file, {"--no-session"});
  call.kubeconfig = moved;
  check_performed(sandbox, call);
}

TEST_CASE("a dry run of a saved plan says whether it holds") {
  Sandbox sandbox;
  const auto file = save(sandbox);
  Sandbox::Call dry{.args = {"run", "--dry-run", "--plan", file}, .without = {"--cluster"}};
  const auto holds = sandbox.retrust(dry);
  CAPTURE(holds.all());
  CHECK(holds.status == 3);
  CHECK(has(unwrapped(holds.out), " still holds"));
  CHECK(has(holds.out, "do it: retrust run --plan " + file + " --kubeconfig"));
  replace_token(sandbox);
  const auto changed = sandbox.retrust(dry);
  CAPTURE(changed.all());
  CHECK(changed.status == 4);
  CHECK(has(unwrapped(changed.err), "2.1 delete-token is not needed any more"));
  const auto before = sandbox.changes();
  CHECK(sandbox.retrust({"run", "--dry-run", "--out", file, "--no-rancher-backup"}).status == 3);
  CHECK(sandbox.changes() == before);
  CHECK(sandbox.retrust(run_of(file)).status == 0);
}

TEST_CASE("a saved plan has the options that decide it, and takes none again") {
  Sandbox sandbox;
  const auto file = save(sandbox, {"--no-rancher-backup", "--skip", "2.2"});
  const auto plan = json::parse(read_file(file));
  CHECK(json::serialize(plan.at("options")) == R"(["--no-rancher-backup","--skip","2.2"])");
  for (const Args& more : {Args{"--skip=2.1"}, Args{"--all"}, Args{"--cluster=production"},
                           Args{"--no-rancher-backup"}, Args{"--all-clusters"}}) {
    const auto run = sandbox.retrust(run_of(file, more));
    CAPTURE(run.all());
    CHECK(run.status == 2);
    CHECK(has(run.err, "was given with --plan, and the saved plan decides that"));
  }
  // Nor from elsewhere: what is skipped is what the plan says.
  auto call = run_of(file, {"--dry-run", "-o", "json"});
  call.environment = {{"RETRUST_SKIP", "2.1"}, {"RETRUST_CLUSTER", "nonexistent"}};
  const auto dry = sandbox.retrust(call);
  CAPTURE(dry.all());
  CHECK(dry.status == 3);
  const auto report = json::parse(dry.out);
  for (const auto& step : report.at("steps").as_array()) {
    CHECK((text(step, "/need") == "skipped") == (text(step, "/section") == "2.2"));
  }
  CHECK(sandbox.changes().empty());
}

TEST_CASE("a plan is saved over nothing but a saved plan") {
  Sandbox sandbox;
  const auto file = save(sandbox);
  CHECK(save(sandbox) == file);
  const auto refused = [&](const std::string& path, const Args& more = {"--no-rancher-backup"}) {
    const auto asked = sandbox.requests().size();
    const auto plan = sandbox.retrust(with({"plan", "--out", path}, more));
    CAPTURE(plan.all());
    CHECK(plan.status == 2);
    CHECK(sandbox.requests().size() == asked);
    return plan.err;
  };
  const auto other = (sandbox.directory() / "other.txt").string();
  write_file(other, "important");
  CHECK(has(refused(other), "is there already and stays as it is"));
  CHECK(read_file(other) == "important");
  const auto link = (sandbox.directory() / "link").string();
  fs::create_symlink(file, link);
  CHECK(has(refused(link), "no regular file"));
  CHECK(fs::is_symlink(link));
  CHECK(has(refused(sandbox.directory().string()), "no regular file"));
  CHECK(has(refused((sandbox.directory() / "missing" / "plan.json").string()), "cannot write"));
  CHECK(has(refused(""), "--out is empty"));
  for (const auto& entry : fs::directory_iterator(sandbox.directory())) {
    CHECK_FALSE(has(entry.path().filename().string(), ".part"));
  }
  // A plan that nobody could run is not saved.
  const auto none = sandbox.retrust({"plan", "--out", file});
  CAPTURE(none.all());
  CHECK(none.status == 2);
  CHECK(has(none.err, "no choice was made about a backup"));
}

/// What is wrong with a file, and how a run of it says so.
struct Hostile {
  std::string content;
  std::string words;
};

TEST_CASE("a file that is no saved plan is refused before any cluster is asked") {
  Sandbox sandbox;
  const auto good = json::parse(read_file(save(sandbox)));
  const auto changed = [&](const std::function<void(json::value&)>& change) {
    auto copy = good;
    change(copy);
    return json::serialize(copy);
  };
  const auto cluster = [](json::value& plan) -> json::object& {
    return plan.at("clusters").at(0).as_object();
  };
  const auto whole = json::serialize(good);
  const std::vector<Hostile> files{
      {"", "the file is empty"},
      {whole.substr(0, whole.size() / 2), "this is no JSON"},
      {std::string(100, '['), "this is no JSON"},
      {"[]", "this is no plan that retrust saved"},
      {R"({"version": 1})", "this is no plan that retrust saved"},
      {std::string(9UL << 20U, ' '), "larger than 8 MiB"},
      {changed([](json::value& plan) { plan.as_object()["retrustPlan"] = 2; }),
       "a format that this retrust does not know"},
      {changed([](json::value& plan) { plan.as_object()["clusters"] = 1; }),
       "clusters is no array"},
      {changed([](json::value& plan) { plan.as_object()["clusters"] = json::array(); }),
       "clusters is empty"},
      {changed([&](json::value& plan) { cluster(plan)["id"] = "../../etc"; }),
       "id is no ID of a cluster"},
      {changed([&](json::value& plan) { cluster(plan)["id"] = "--all"; }),
       "id is no ID of a cluster"},
      {changed([](json::value& plan) {
         plan.at("clusters").as_array().push_back(plan.at("clusters").at(0));
       }),
       "the cluster c-x7k2p is there twice"},
      {changed([&](json::value& plan) { cluster(plan)["facts"].as_object().erase("liveCa"); }),
       "liveCa is missing"},
      {changed([&](json::value& plan) { cluster(plan)["steps"].at(0).as_object()["name"] = "rm"; }),
       "there is no step rm"},
      {changed([&](json::value& plan) { cluster(plan)["steps"].at(0).as_object()["need"] = "x"; }),
       "need is x"},
      {changed([](json::value& plan) { plan.as_object()["options"] = {"--kubectl=/tmp/mine"}; }),
       "options holds --kubectl, which no saved plan has"},
      {changed([](json::value& plan) { plan.as_object()["options"] = {"--yes"}; }),
       "options holds --yes"},
      {changed([](json::value& plan) { plan.as_object()["options"] = {"run"}; }),
       "a word that is no option"},
      {changed([](json::value& plan) { plan.as_object()["options"] = {"--skip=nonsense"}; }),
       "there is no such step"},
  };
  const auto asked = sandbox.requests().size();
  const auto file = (sandbox.directory() / "hostile.json").string();
  const auto check = [&](const std::string& words) {
    const auto run = sandbox.retrust(run_of(file));
    CAPTURE(run.all());
    CAPTURE(words);
    CHECK(run.status == 2);
    CHECK(has(run.err, words));
    CHECK(lines_of(run.err).size() <= 2);
  };
  for (const auto& each : files) {
    write_file(file, each.content);
    check(each.words);
  }
  fs::remove(file);
  check("cannot read " + file);
  fs::create_directory(file);
  check("is not a regular file");
  fs::remove(file);
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  check("is not a regular file");
  fs::remove(file);

  write_file(file, whole);
  fs::permissions(file, fs::perms::all);
  const auto exposed = sandbox.retrust(run_of(file));
  CHECK(exposed.status == 4);
  CHECK(has(exposed.err, "can be written by every user"));
  CHECK(sandbox.requests().size() == asked);
}

TEST_CASE("a file cannot make a run do more than the clusters need") {
  Sandbox sandbox({"--scenario", "healthy"});
  const auto file = save(sandbox, {"--no-rancher-backup"}, 0);
  auto plan = json::parse(read_file(file));
  for (auto& step : plan.at("clusters").at(0).at("steps").as_array()) {
    step.as_object()["need"] = "needed";
    step.as_object()["commands"] = {"touch " + sandbox.file("made")};
  }
  write_file(file, json::serialize(plan));
  check_refused(sandbox, file, "2.1 delete-token is not needed any more");
  CHECK_FALSE(fs::exists(sandbox.file("made")));
}

TEST_CASE("no secret is in a saved plan, nor in what is said of it") {
  for (const auto* rancher : {"2.4", "2.12"}) {
    Sandbox sandbox({"--rancher", rancher});
    const auto file = save(sandbox);
    const auto hidden = secrets(sandbox);
    REQUIRE(hidden.size() > 4);
    const auto content = read_file(file);
    CHECK(has(content, R"("liveToken":"sha256:)"));
    check_hidden(hidden, "the saved plan", content);
    sandbox.tell("renew");
    const auto run = sandbox.retrust(run_of(file));
    CHECK(run.status == 4);
    check_hidden(hidden, "the refusal", run.all() + transcripts(sandbox.run_folder()));
    check_hidden(secrets(sandbox), "the refusal", run.all() + transcripts(sandbox.run_folder()));
  }
}

TEST_CASE("a saved plan of several clusters: what changed is left alone, and what is not in it") {
  Sandbox sandbox({"--clusters", "4", "--mix", "renewed,ca-only"});
  const auto file = (sandbox.directory() / "plan.json").string();
  const auto plan = sandbox.retrust(
      call_for_all(sandbox, {"plan", "--no-rancher-backup", "--out", file, "--cluster=production",
                             "--cluster=store-002", "--cluster=store-003"}));
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  CHECK(has(plan.out, "The plan is saved in " + file + "."));
  CHECK(has(plan.out, "do exactly this: retrust run --plan=" + file + " --kubeconfig " +
                          sandbox.file("kubeconfigs")));
  CHECK(json::parse(read_file(file)).at("clusters").as_array().size() == 3);

  const auto dry = sandbox.retrust(call_for_all(sandbox, {"run", "--dry-run", "--plan", file}));
  CAPTURE(dry.all());
  CHECK(dry.status == 3);
  CHECK(has(dry.out, "do exactly this: retrust run --plan=" + file + " --kubeconfig "));

  replace_token(sandbox);
  const auto run = sandbox.retrust(call_for_all(sandbox, {"run", "--plan", file, "--yes"}));
  CAPTURE(run.all());
  CHECK(run.status == 4);
  const auto known = ends(sandbox.run_folder());
  REQUIRE(known.size() == 3);
  CHECK(text(known.at("production"), "/result") == "refused");
  CHECK(text(known.at("production"), "/code") == "plan-changed");
  CHECK(known.at("production").at("changed") == false);
  CHECK(text(known.at("store-002"), "/result") == "repaired");
  CHECK(text(known.at("store-003"), "/result") == "repaired");
  CHECK(times(run.out, ": retrust plan --out=" + file) == 1);
  CHECK(
      has(run.out, "retrust plan --out=" + file + " --kubeconfig " + sandbox.file("kubeconfigs")));
  CHECK_FALSE(has(run.out, ": retrust run "));
  const auto left = sandbox.retrust(call_for_all(sandbox, {"status", "--cluster=store-004"}));
  CHECK(left.status == 3);
}

TEST_CASE("a cluster without a plan is not in the file, and plan says so") {
  Sandbox sandbox({"--clusters", "2", "--mix", "renewed,unreachable"});
  const auto file = (sandbox.directory() / "plan.json").string();
  const auto plan =
      sandbox.retrust(call_for_all(sandbox, {"plan", "--no-rancher-backup", "--out", file,
                                             "--cluster=production", "--cluster=store-002"}));
  CAPTURE(plan.all());
  CHECK(plan.status == 6);
  CHECK(has(plan.out, "That plan does not have store-002 ("));
  CHECK(json::parse(read_file(file)).at("clusters").as_array().size() == 1);
  check_performed(sandbox, call_for_all(sandbox, {"run", "--plan", file, "--yes"}));
}

}  // namespace
}  // namespace retrust::e2e
