// Answers that are lost after the API server took a change: nothing is made, or done, twice.
#include <algorithm>
#include <filesystem>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"
#include "secrets.h"
#include "troubles.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

constexpr auto taken = Trouble::Effect::taken;
const std::string in_local = "*'/local.kubeconfig '*";

/// Names of the Secrets in a namespace that begin so.
std::vector<std::string> secrets_in(Sandbox& sandbox, const std::string& side,
                                    const std::string& name_space, const std::string& begin) {
  std::vector<std::string> names;
  const auto list = sandbox.get(side, {"secrets", "-n", name_space});
  for (const auto& secret : list.at("items").as_array()) {
    if (const auto name = text(secret, "/metadata/name"); name.starts_with(begin)) {
      names.push_back(name);
    }
  }
  return names;
}

std::vector<std::string> stored_tokens(Sandbox& sandbox) {
  return secrets_in(sandbox, "local", "cattle-global-data", "cluster-serviceaccounttoken-");
}

/// The Secret with the token that Rancher uses.
std::string used_secret(Sandbox& sandbox) {
  return text(sandbox.get("local", {"clusters.management.cattle.io", "c-x7k2p"}),
              "/status/serviceAccountTokenSecret");
}

/// Agents that never report, where the first object that is created or replaced is no Lease.
std::vector<std::string> without_leases(std::vector<std::string> more = {}) {
  more.insert(more.end(), {"--fault", "agents-never-report", "--fault", "no-leases"});
  return more;
}

Sandbox::Call run_with(const std::string& kubectl, std::vector<std::string> more = {},
                       const std::string& timeout = "15s") {
  std::vector<std::string> args{
      "run", "--yes", "--no-rancher-backup", "--command-timeout", "4s", "--timeout", timeout};
  args.insert(args.end(), more.begin(), more.end());
  return {.args = args, .kubectl = kubectl};
}

std::size_t count(const std::vector<std::string>& lines, const std::string& part) {
  return static_cast<std::size_t>(std::count_if(
      lines.begin(), lines.end(), [&](const std::string& line) { return has(line, part); }));
}

TEST_CASE("a Secret whose answer was lost is the one that is used, and the only one") {
  struct Case {
    Trouble trouble;
    std::string told;
  };
  const std::string lost = "only the answer was lost: uid ";
  const std::vector<Case> cases{
      {{troubles::reset, taken}, lost},  {{troubles::internal, taken}, lost},
      {{troubles::killed, taken}, lost}, {{troubles::hangs, taken}, lost},
      {{troubles::silent, taken}, lost}, {{troubles::unavailable}, "answers again"}};
  for (const auto& each : cases) {
    CAPTURE(each.trouble.words);
    Sandbox sandbox(without_leases({"--rancher", "2.12"}));
    const auto before = stored_tokens(sandbox).size();
    const auto kubectl = troubled_kubectl(sandbox, in_local + "' create '*", each.trouble, 1);
    const auto run = sandbox.retrust(run_with(kubectl));
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(sandbox.ready() == "True");
    const auto after = stored_tokens(sandbox);
    CHECK(after.size() == before + 1);
    CHECK(std::find(after.begin(), after.end(), used_secret(sandbox)) != after.end());
    // The name is known before the first attempt.
    const auto told = transcripts(sandbox.run_folder());
    CHECK(has(told, "making the Secret " + used_secret(sandbox)));
    CHECK(has(told, each.told));
    check_hidden(secrets(sandbox), "transcripts", told);
  }
}

TEST_CASE("a token secret of the agents whose answer was lost is made once") {
  for (const auto& words : {troubles::reset, troubles::killed}) {
    CAPTURE(words);
    Sandbox sandbox({"--rancher", "2.6.6", "--kubernetes", "1.24"});
    const auto kubectl = troubled_kubectl(
        sandbox, "*'/downstream.kubeconfig '*' create '*'-o json '*", {words, taken}, 1);
    const auto run = sandbox.retrust(run_with(kubectl));
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(secrets_in(sandbox, "downstream", "cattle-system", "cattle-token-").size() == 1);
    CHECK(has(transcripts(sandbox.run_folder()), "only the answer was lost: uid "));
  }
}

TEST_CASE("what an attempt without an answer deleted is not told as deleted by somebody else") {
  for (const std::string commands : {"*' delete secret'*", "*' delete pod'*"}) {
    CAPTURE(commands);
    Sandbox sandbox;
    const auto kubectl = troubled_kubectl(sandbox, commands, {troubles::reset, taken}, 1);
    const auto run = sandbox.retrust(run_with(kubectl));
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(attempts(sandbox) == 2);
    CHECK_FALSE(has(transcripts(sandbox.run_folder()), "somebody else"));
  }
}

/// A kubectl before whose first creation somebody else takes the name of the new object.
std::string late_kubectl(const Sandbox& sandbox) {
  const auto path = sandbox.directory() / "late-kubectl";
  const std::string real = "\"${RETRUST_TEST_KUBECTL:-kubectl}\"";
  const auto object = "'" + (sandbox.directory() / "object").string() + "'";
  const auto once = "'" + (sandbox.directory() / "once").string() + "'";
  write_file(path, "#!/bin/sh\ncase \" $* \" in *'/local.kubeconfig '*' create '*)\ncat >" +
                       object + "\nmkdir " + once +
                       " 2>/dev/null && sed 's/\"credential\":\"[^\"]*\"/\"other\":\"YQ==\"/' " +
                       object + " | " + real + " --kubeconfig='" +
                       sandbox.file("local.kubeconfig") +
                       "' create --validate=false -f - >&2\nexec " + real + " \"$@\" <" + object +
                       " ;; esac\nexec " + real + " \"$@\"\n");
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

TEST_CASE("a name that somebody else has taken is left alone, and another one is used") {
  Sandbox sandbox(without_leases({"--rancher", "2.12"}));
  const auto before = stored_tokens(sandbox).size();
  const auto run = sandbox.retrust(run_with(late_kubectl(sandbox), {}, "3s"));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.err, "another object is called cluster-serviceaccounttoken-"));
  CHECK(stored_tokens(sandbox).size() == before + 2);
  const auto used =
      sandbox.get("local", {"secret", "-n", "cattle-global-data", used_secret(sandbox)});
  CHECK_FALSE(text(used, "/data/credential").empty());
}

TEST_CASE("a Secret under a second name, whose answer was lost for good, is deleted as well") {
  Sandbox sandbox(without_leases({"--rancher", "2.12"}));
  const auto before = stored_tokens(sandbox);
  const auto path = sandbox.directory() / "lost-kubectl";
  const std::string real = "\"${RETRUST_TEST_KUBECTL:-kubectl}\" \"$@\"";
  const auto once = "'" + (sandbox.directory() / "once").string() + "'";
  // The first name is taken, the Secret of the second is made, and nobody hears of it.
  write_file(
      path, "#!/bin/sh\ncase \" $* \" in *'/local.kubeconfig '*' create '*)\nif mkdir " + once +
                " 2>/dev/null; then cat >/dev/null\n" +
                refused("Error from server (AlreadyExists): error when creating \"STDIN\": secrets "
                        "\"x\" already exists") +
                "; fi\n" + real + " >/dev/null 2>&1\n" + troubles::internal +
                " ;;\n*'/local.kubeconfig '*' get -f - '*) cat >/dev/null\n" + troubles::internal +
                " ;; esac\nexec " + real + "\n");
  fs::permissions(path, fs::perms::owner_all);
  const auto run = sandbox.retrust(run_with(path.string(), {}, "2s"));
  CAPTURE(run.all());
  CHECK(run.status == 5);
  CHECK(has(run.err, "taking the name cluster-serviceaccounttoken-"));
  CHECK(stored_tokens(sandbox) == before);
  CHECK(sandbox.run({"--timeout", "2s"}).status == 0);
  CHECK(stored_tokens(sandbox).size() == before.size() + 1);
}

TEST_CASE("a change whose answer was lost is known as made") {
  for (const auto& words : {troubles::reset, troubles::too_late, troubles::killed}) {
    CAPTURE(words);
    Sandbox sandbox({"--rancher", "2.12", "--fault", "agents-never-report"});
    const auto kubectl = troubled_kubectl(sandbox, in_local + "' replace '*", {words, taken}, 1);
    const auto run = sandbox.retrust(run_with(kubectl));
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(sandbox.ready() == "True");
    CHECK_FALSE(has(run.all(), "somebody else"));
    CHECK_FALSE(has(run.all(), "nothing to repair"));
    CHECK(count(sandbox.changes(), "update clusters.management.cattle.io") == 2);
  }
}

TEST_CASE("a Secret that a change in vain leaves behind is deleted, and that is recorded") {
  struct Case {
    std::string words;
    int status;
  };
  const std::string real = "${RETRUST_TEST_KUBECTL:-kubectl}";
  const std::vector<Case> cases{
      {"echo 'Error from server (Forbidden): clusters \"x\" is forbidden: no' >&2; exit 1", 1},
      {"echo 'Error from server (Conflict): error when replacing \"STDIN\": Operation cannot be "
       "fulfilled' >&2; exit 1",
       1}};
  for (const auto& each : cases) {
    CAPTURE(each.words);
    Sandbox sandbox({"--rancher", "2.12", "--fault", "agents-never-report"});
    const auto before = stored_tokens(sandbox);
    const auto kubectl = troubled_kubectl(sandbox, in_local + "' replace '*", {each.words}, 1000);
    const auto run = sandbox.retrust(run_with(kubectl, {}, "2s"));
    CAPTURE(run.all());
    CHECK(run.status == each.status);
    CHECK(stored_tokens(sandbox) == before);
    CHECK(has(transcripts(sandbox.run_folder()), "which holds the token and is not used"));
    const auto again = sandbox.run({"--timeout", "2s"});
    CAPTURE(again.all());
    CHECK(again.status == 0);
    CHECK(stored_tokens(sandbox).size() == before.size() + 1);
  }
}

TEST_CASE("a Secret that a change without an answer may use is named, and stays") {
  Sandbox sandbox({"--rancher", "2.12", "--fault", "agents-never-report"});
  const auto before = stored_tokens(sandbox).size();
  const auto kubectl =
      troubled_kubectl(sandbox, in_local + "' replace '*", {troubles::internal}, 1000);
  const auto run = sandbox.retrust(run_with(kubectl, {}, "2s"));
  CAPTURE(run.all());
  CHECK(run.status == 5);
  CHECK(stored_tokens(sandbox).size() == before + 1);
  CHECK(has(run.err, "may be there and unused, and it holds a token"));
  CHECK(has(run.err, "delete secret/cluster-serviceaccounttoken-"));
}

TEST_CASE("a Backup whose answer was lost is the one that is followed") {
  Sandbox sandbox({"--backup-operator", "6"});
  const auto kubectl =
      troubled_kubectl(sandbox, in_local + "' create '*", {troubles::reset, taken}, 1);
  const auto run = sandbox.retrust(
      {.args = {"run", "--yes", "--rancher-backup", "--timeout", "15s"}, .kubectl = kubectl});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.get("local", {"backups.resources.cattle.io"}).at("items").as_array().size() == 1);
}

TEST_CASE("a restart of Rancher whose answer was lost is not repeated") {
  for (const auto effect : {Trouble::Effect::taken, Trouble::Effect::none}) {
    CAPTURE(effect == taken);
    Sandbox sandbox({"--rancher", "2.1"});
    const auto kubectl =
        troubled_kubectl(sandbox, "*' rollout restart '*", {troubles::reset, effect}, 1);
    const auto run = sandbox.retrust(run_with(kubectl));
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(count(sandbox.changes(), "local patch deployments.apps rancher") == 1);
    CHECK(attempts(sandbox) == (effect == taken ? 1 : 2));
    CHECK(has(run.all(), "it is not restarted again") == (effect == taken));
  }
}

TEST_CASE("Rancher is asked once to deploy its agents, also where the answer was lost") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.23", "--fault", "registration=dead"});
  const auto kubectl = troubled_kubectl(sandbox, "*' annotate '*", {troubles::reset, taken}, 1);
  const auto run = sandbox.retrust(run_with(kubectl, {"--repair-impersonation"}, "30s"));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  const auto requests = sandbox.requests();
  const auto asked = std::count_if(requests.begin(), requests.end(), [](const auto& request) {
    return text(request, "/verb") == "patch" && request.at("code").as_int64() == 200 &&
           has(text(request, "/resource"), "clusters.management") &&
           text(request, "/user") != "rancher";
  });
  CHECK(asked == 1);
}

TEST_CASE("users' tokens whose deletion was not answered are looked at again") {
  for (const auto effect : {Trouble::Effect::taken, Trouble::Effect::none}) {
    CAPTURE(effect == taken);
    Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
    const auto kubectl =
        troubled_kubectl(sandbox, "*' delete -f '*", {troubles::too_late, effect}, 1);
    const auto run = sandbox.retrust(run_with(kubectl, {"--repair-impersonation"}));
    CAPTURE(run.all());
    CHECK(run.status == 0);
    const auto after = sandbox.retrust({"plan", "--repair-impersonation"});
    CAPTURE(after.all());
    CHECK(after.status == 0);
  }
}

TEST_CASE("a rollback waits as a run does") {
  Sandbox sandbox(without_leases());
  REQUIRE(sandbox.run({"--timeout", "2s"}).status == 0);
  const auto folder = sandbox.run_folder().string();
  std::string words;
  auto effect = Trouble::Effect::none;
  SUBCASE("for a server with an error of its own") {
    words = troubles::internal;
  }
  SUBCASE("where the answer was lost") {
    words = troubles::reset;
    effect = taken;
  }
  const auto kubectl = troubled_kubectl(sandbox, in_local + "' replace '*", {words, effect}, 1);
  const auto back = sandbox.retrust(
      {.args = {"rollback", folder, "--yes", "--timeout", "15s"}, .kubectl = kubectl});
  CAPTURE(back.all());
  CHECK(back.status == 0);
  CHECK(has(back.all(), "Put back."));
  CHECK(has(transcripts(sandbox.run_folder()), ") answers again"));
}

TEST_CASE("a message names the action and the cluster, and has kubectl's words beneath") {
  Sandbox sandbox;
  const auto kubectl =
      troubled_kubectl(sandbox, "*' delete pod'*", {refused("the disk is full")}, 1000);
  const auto run = sandbox.retrust(run_with(kubectl));
  CAPTURE(run.all());
  CHECK(run.status == 1);
  CHECK(has(run.err, "deleting the pods of production failed: "));
  CHECK(has(run.err, "the disk is full"));
}

}  // namespace
}  // namespace retrust::e2e
