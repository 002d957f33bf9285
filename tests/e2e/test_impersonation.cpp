// Section 3.2: the tokens by which Rancher gives its users logs and the web shell.
#include <algorithm>
#include <filesystem>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "base/encoding.h"
#include "sandbox.h"
#include "secrets.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

const std::string users = "cattle-impersonation-system";
const std::vector<std::string> old_rancher{"--rancher", "2.6.6", "--kubernetes", "1.20"};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> with(std::vector<std::string> options, std::vector<std::string> more) {
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

json::array token_secrets(Sandbox& sandbox, const std::string& name_space) {
  return sandbox
      .get("downstream", {"secrets", "-n", name_space,
                          "--field-selector=type=kubernetes.io/service-account-token"})
      .at("items")
      .as_array();
}

std::set<std::string> uids(Sandbox& sandbox, const std::string& name_space) {
  std::set<std::string> found;
  for (const auto& secret : token_secrets(sandbox, name_space)) {
    found.insert(text(secret, "/metadata/uid"));
  }
  return found;
}

std::set<std::string> secret_names(Sandbox& sandbox, const std::string& name_space) {
  std::set<std::string> found;
  for (const auto& secret : token_secrets(sandbox, name_space)) {
    found.insert(text(secret, "/metadata/name"));
  }
  return found;
}

/// Those of the first that are not among the second.
std::size_t missing(const std::set<std::string>& before, const std::set<std::string>& after) {
  return static_cast<std::size_t>(std::count_if(
      before.begin(), before.end(), [&](const std::string& uid) { return !after.contains(uid); }));
}

/// Every secret of every namespace, in the forms in which it could show.
std::set<std::string> all_secrets(Sandbox& sandbox) {
  auto found = secrets(sandbox);
  for (const auto& name_space : {users, std::string("cattle-fleet-system")}) {
    for (const auto& secret : token_secrets(sandbox, name_space)) {
      const auto token = base64_decode(text(secret, "/data/token")).value_or("");
      if (token.empty()) continue;
      found.insert(token);
      found.insert(text(secret, "/data/token"));
      found.insert(token.substr(token.rfind('.') + 1));
    }
  }
  return found;
}

std::size_t deletions(Sandbox& sandbox) {
  const auto changes = sandbox.changes();
  return static_cast<std::size_t>(std::count_if(
      changes.begin(), changes.end(),
      [](const std::string& change) { return has(change, "downstream delete secrets"); }));
}

/// What `status -o json` says of the users' tokens.
json::object counted_users(Sandbox& sandbox) {
  const auto status = sandbox.retrust({"status", "-o", "json"});
  CAPTURE(status.err);
  const auto report = json::parse(status.out);
  for (const auto& group : report.at_pointer("/impersonation/groups").as_array()) {
    if (text(group, "/namespace") == users && text(group, "/owner") == "users") {
      return group.as_object();
    }
  }
  return {};
}

/// A kubectl that does as the shell says where it is asked for the users' secrets.
std::string wrapped_kubectl(Sandbox& sandbox, const std::string& shell) {
  const auto wrapper = sandbox.directory() / "kubectl-wrapper";
  const char* real = std::getenv("RETRUST_TEST_KUBECTL");
  write_file(wrapper, "#!/bin/sh\ncase \"$*\" in *" + users + "/secrets*) " + shell +
                          " ;; esac\nexec " + (real == nullptr ? "kubectl" : real) + " \"$@\"\n");
  fs::permissions(wrapper, fs::perms::owner_all);
  return wrapper.string();
}

TEST_CASE("users' tokens that are rejected are counted, and deleted where that is asked for") {
  std::vector<std::string> rancher = old_rancher;
  Sandbox sandbox(with(rancher, {"--fresh-impersonation-users", "1"}));
  auto tokens = all_secrets(sandbox);
  const auto before = uids(sandbox, users);
  const auto fleet = uids(sandbox, "cattle-fleet-system");
  const auto others = uids(sandbox, "default");
  REQUIRE(before.size() == 3);
  REQUIRE_FALSE(others.empty());
  const auto names = secret_names(sandbox, "cattle-system");
  const auto found = std::find_if(names.begin(), names.end(), [](const std::string& name) {
    return name.starts_with("helm-operation-token-");
  });
  REQUIRE(found != names.end());
  const auto& helm = *found;

  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(status.status == 3);
  CHECK(has(status.out,
            "2 of 3 users' tokens in cattle-impersonation-system are rejected: [invalid bearer "
            "token, square/go-jose: error in cryptographic primitive]"));
  const auto counts = counted_users(sandbox);
  REQUIRE(counts.contains("total"));
  CHECK(counts.at("total") == 3);
  CHECK(counts.at("rejected") == 2);
  CHECK(counts.at("unclear") == 0);

  const auto plan = sandbox.retrust({"plan"});
  CHECK(has(plan.out, "3.2  repair-impersonation  not needed"));
  CHECK(has(plan.out, "recommended: --repair-impersonation, which deletes"));
  const auto with_it = sandbox.retrust({"plan", "--repair-impersonation"});
  CHECK(has(with_it.out, "3.2  repair-impersonation  needed"));
  CHECK(has(with_it.out, "delete -f - --ignore-not-found --wait=false"));
  CHECK(has(with_it.out, "beyond the documentation"));
  CHECK(has(with_it.out, "cannot be taken back"));

  // Without the option it does what the documentation has, and leaves them all.
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(uids(sandbox, users) == before);
  CHECK(uids(sandbox, "cattle-fleet-system") == fleet);
  CHECK(sandbox.retrust({"status"}).status == 0);
  CHECK(sandbox.retrust({"plan", "--repair-impersonation"}).status == 3);

  const auto repair = sandbox.run({"--repair-impersonation", "--verbose"});
  CAPTURE(repair.all());
  CHECK(repair.status == 0);
  auto after = uids(sandbox, users);
  CHECK(missing(before, after) == 2);
  // Fleet's is made again; what pods use stays, rejected or not, and so does what is another's.
  CHECK(missing(fleet, uids(sandbox, "cattle-fleet-system")) == 1);
  CHECK(secret_names(sandbox, "cattle-system").contains(helm));
  CHECK(has(repair.out, "1 of them is left alone: pods use them"));
  CHECK(uids(sandbox, "default") == others);
  tokens.merge(all_secrets(sandbox));
  check_hidden(tokens, "terminal", repair.all());
  check_hidden(tokens, "terminal", status.all() + plan.all() + with_it.all());
  const auto written = transcripts(sandbox.run_folder());
  check_hidden(tokens, "transcript", written);
  // Which they were is written down.
  for (const auto& uid : before) CHECK(has(written, uid) == !after.contains(uid));

  sandbox.tell("use-impersonation");
  wait_until("everybody has a token", [&] { return counted_users(sandbox)["total"] == 3; });
  CHECK(counted_users(sandbox)["rejected"] == 0);
  const auto done = deletions(sandbox);
  const auto again = sandbox.retrust({"plan", "--repair-impersonation"});
  CHECK(again.status == 0);
  CHECK(sandbox.retrust({"step", "3.2", "--yes"}).status == 0);
  CHECK(deletions(sandbox) == done);
}

TEST_CASE("one run repairs Rancher's record and the users' tokens" *
          doctest::test_suite("anywhere")) {
  for (const std::string rancher : {"2.6.6", "2.12"}) {
    CAPTURE(rancher);
    Sandbox sandbox({"--rancher", rancher});
    const auto before = uids(sandbox, users);
    const auto run = sandbox.run({"--repair-impersonation"});
    CAPTURE(run.all());
    CHECK(run.status == 0);
    // On a real control plane up to 1.23 the namespace's account `default` has one too.
    REQUIRE(before.size() >= 3);
    // Rancher up to 2.6.6 makes none again, and Kubernetes from 1.24 on neither.
    const auto kept = rancher == "2.6.6" && sandbox.kubernetes_minor() >= 24;
    CHECK(missing(before, uids(sandbox, users)) == (kept ? 0 : before.size()));
    CHECK(sandbox.ready() == "True");
    const auto order = transcripts(sandbox.run_folder());
    CHECK(order.find("## 3.2 repair") > order.find("## 2.5 check"));
  }
}

TEST_CASE("where there are many, that they are looked at is shown while it lasts") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--impersonation-users", "900"});
  const auto seen = sandbox.answered({.args = {"status"}}, "");
  CAPTURE(seen.all());
  CHECK(has(seen.out, "for the cluster to review the tokens of Rancher's users"));
  CHECK(has(seen.out, "900 of 900 users' tokens in cattle-impersonation-system are rejected"));
}

TEST_CASE("today's Rancher makes its users' tokens again, but nobody makes Fleet's") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
  const auto before = uids(sandbox, users);
  const auto fleet = uids(sandbox, "cattle-fleet-system");
  REQUIRE(before.size() == 3);
  REQUIRE(fleet.size() == 1);
  const auto run = sandbox.run({"--repair-impersonation"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
  CHECK(uids(sandbox, users).empty());
  CHECK(uids(sandbox, "cattle-fleet-system") == fleet);
  CHECK(has(run.out,
            "1 of those in cattle-fleet-system is left alone: nobody would make another "
            "one on Kubernetes v1.30.14"));
  sandbox.tell("use-impersonation");
  wait_until("everybody has a token", [&] { return counted_users(sandbox)["total"] == 3; });
  CHECK(counted_users(sandbox)["rejected"] == 0);
}

TEST_CASE("nothing is believed of others' tokens where the agents' own is rejected") {
  Sandbox sandbox(old_rancher);
  const auto before = uids(sandbox, users);
  const auto step = sandbox.retrust({"step", "repair-impersonation", "--yes"});
  CAPTURE(step.all());
  CHECK(step.status == 4);
  CHECK(has(step.err, "does not accept the agents' own token either"));
  CHECK(uids(sandbox, users) == before);
  CHECK(deletions(sandbox) == 0);
  // Nor without a yes.
  const auto unasked = sandbox.retrust({"step", "repair-impersonation"});
  CHECK(unasked.status == 2);
}

TEST_CASE("where the operator may not see the users' tokens that is said, and nothing fails") {
  Sandbox sandbox(old_rancher);
  const auto kubectl = wrapped_kubectl(
      sandbox,
      "echo 'Error from server (Forbidden): secrets is forbidden: User \"ops\" cannot list "
      "resource \"secrets\" in API group \"\" in the namespace \"" +
          users + "\"' >&2; exit 1");
  const auto call = [&](std::vector<std::string> args) {
    Sandbox::Call made;
    made.args = std::move(args);
    made.args.emplace_back("--no-session");
    made.kubectl = kubectl;
    return sandbox.retrust(made);
  };
  const auto status = call({"status"});
  CAPTURE(status.all());
  CHECK(status.status == 3);
  CHECK(has(status.out, "the tokens of Rancher's users cannot be looked at"));
  const auto refused = call({"run", "--yes", "--no-rancher-backup", "--repair-impersonation"});
  CAPTURE(refused.all());
  CHECK(refused.status == 4);
  CHECK(sandbox.changes().empty());
  const auto run = call({"run", "--yes", "--no-rancher-backup", "--timeout", "30s"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
}

TEST_CASE("without the right to delete them nothing is changed") {
  Sandbox sandbox(with(old_rancher, {"--scenario", "healthy"}));
  // Rancher is well; only the users' tokens are not.
  sandbox.tell("renew");
  wait_until("they are rejected", [&] { return counted_users(sandbox)["rejected"] == 3; });
  Sandbox::Call call;
  call.args = {"step", "3.2", "--yes"};
  call.kubeconfig = sandbox.file("downstream-limited.kubeconfig");
  const auto step = sandbox.retrust(call);
  CAPTURE(step.all());
  CHECK(step.status == 4);
  CHECK(has(step.err, "delete secrets in cattle-impersonation-system"));
  CHECK(deletions(sandbox) == 0);
}

TEST_CASE("a secret that changes after it was reviewed is not deleted") {
  Sandbox sandbox(with(old_rancher, {"--fresh-impersonation-users", "1"}));
  REQUIRE(sandbox.run().status == 0);
  const auto before = uids(sandbox, users);
  // Somebody else touches all of them whenever the list of versions is about to be asked for.
  const auto wrapper = sandbox.directory() / "kubectl-wrapper";
  const char* real = std::getenv("RETRUST_TEST_KUBECTL");
  const std::string kubectl = real == nullptr ? "kubectl" : real;
  write_file(wrapper, "#!/bin/sh\ncase \"$*\" in *custom-columns*)\n  " + kubectl +
                          " --kubeconfig=" + sandbox.file("downstream.kubeconfig") + " -n " +
                          users + " annotate --overwrite secret --all touched=$$ >/dev/null ;;\n" +
                          "esac\nexec " + kubectl + " \"$@\"\n");
  fs::permissions(wrapper, fs::perms::owner_all);
  Sandbox::Call call;
  call.args = {"step", "3.2", "--yes"};
  call.kubectl = wrapper.string();
  const auto step = sandbox.retrust(call);
  CAPTURE(step.all());
  CHECK(step.status == 0);
  CHECK(has(step.all(), "2 rejected token secrets changed whenever they were to be deleted"));
  CHECK(uids(sandbox, users) == before);
}

TEST_CASE("Rancher up to 2.5 has no such accounts, and is not asked for them") {
  Sandbox sandbox({"--rancher", "2.5"});
  const auto status = sandbox.retrust({"status", "-o", "json"});
  CHECK(json::parse(status.out).at("impersonation").is_null());
  for (const auto& request : sandbox.requests()) {
    CHECK(text(request, "/namespace") != users);
  }
}

TEST_CASE("a run on a terminal offers to delete the rejected tokens of users") {
  const std::vector<std::string> options{"--rancher", "2.12", "--kubernetes", "1.30"};
  for (const std::string answer : {"yes", "all"}) {
    CAPTURE(answer);
    Sandbox sandbox(options);
    const auto run =
        sandbox.answered({.args = {"run", "--no-rancher-backup", "--timeout", "30s"}}, answer);
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(has(run.all(), "The word yes goes on, and all also deletes"));
    const auto left = "of Rancher's users cannot use it until 3.2";
    CHECK(has(transcripts(sandbox.run_folder()), left) == (answer == "yes"));
    const auto status = sandbox.retrust({"status"});
    CAPTURE(status.all());
    CHECK(has(status.out, "users' tokens") == (answer == "yes"));
  }
  // Nothing is offered where it was decided before.
  Sandbox sandbox(options);
  const auto skipped =
      sandbox.answered({.args = {"run", "--no-rancher-backup", "--skip", "3.2"}}, "all");
  CAPTURE(skipped.all());
  CHECK(skipped.status == 7);
  CHECK(sandbox.changes().empty());
}

}  // namespace
}  // namespace retrust::e2e
