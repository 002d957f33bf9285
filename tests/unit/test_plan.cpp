#include <algorithm>

#include <doctest/doctest.h>

#include "observe/handed_out_ca.h"
#include "observe/right_clusters.h"
#include "report/verdict.h"
#include "secrets.h"
#include "steps/live_credentials.h"
#include "steps/outlook.h"
#include "steps/plan.h"
#include "steps/step.h"
#include "steps/stored_credentials.h"
#include "transcript/plan_text.h"

using namespace std::chrono_literals;

namespace retrust {
namespace {

constexpr std::chrono::sys_seconds long_ago{1'700'000'000s};
constexpr std::chrono::sys_seconds later = long_ago + 1h;

TokenSecret secret(std::string name, std::string_view token, Verdict verdict) {
  TokenSecret made;
  made.name = std::move(name);
  made.uid = "uid-" + made.name.text();
  made.created = long_ago;
  made.credentials = {test::secret_of(token), "new ca"};
  made.verdict = verdict;
  return made;
}

Pod pod(std::string name, std::string account, std::chrono::sys_seconds started) {
  Pod made;
  made.name = std::move(name);
  made.uid = "uid-" + made.name.text();
  made.service_account = std::move(account);
  made.phase = "Running";
  made.ready = true;
  made.started = started;
  made.owner_kind = "ReplicaSet";
  made.owner = "cattle-cluster-agent-1";
  return made;
}

/// Two clusters that need nothing.
Observation healthy() {
  Observation seen;
  seen.downstream.kube_system_uid = "downstream";
  seen.downstream.service_account_uid = "account";
  seen.downstream.tokens = {secret("cattle-token-aaaaa", "good", Verdict::accepted)};
  seen.downstream.secret_names = {"cattle-token-aaaaa", "my-cattle-token-notes"};
  seen.downstream.pods = {pod("agent", "cattle", later), pod("helm", "helm-operation", long_ago)};
  seen.downstream.handed_out_ca = Downstream::HandedOutCa::verifies;
  seen.local.kube_system_uid = "local";
  seen.local.cluster.id = "c-x7k2p";
  seen.local.cluster.display_name = "production";
  seen.local.cluster.stored = {test::secret_of("good"), "new ca"};
  seen.local.rancher.version_text = "v2.4.17";
  seen.local.rancher.version = Version{2, 4, 17};
  seen.local.rancher.deployment = "rancher";
  seen.local.rancher.name_space = "cattle-system";
  seen.local.rancher.pods = {pod("rancher", "rancher", later)};
  seen.stored_verdict = Verdict::accepted;
  seen.identity = Identity::account;
  return seen;
}

/// CA and service account key renewed: the CA in the secret is new, its token is rejected.
Observation renewed() {
  auto seen = healthy();
  seen.downstream.tokens = {secret("cattle-token-aaaaa", "old", Verdict::rejected)};
  seen.local.cluster.stored = {test::secret_of("old"), "old ca"};
  seen.stored_verdict = Verdict::rejected;
  return seen;
}

std::vector<std::string> names(const std::vector<Pod>& pods) {
  std::vector<std::string> found;
  for (const auto& each : pods) found.push_back(each.name);
  return found;
}

TEST_CASE("what the wait for Rancher's word was worth is judged by what was seen last") {
  auto seen = healthy();
  seen.local.cluster.ready = {"False", "", "no route"};
  CHECK_NOTHROW(check_still_stored(seen));
  auto failure = not_ready(seen, 4s);
  CHECK(failure.status == ExitStatus::gave_up);
  CHECK(std::string(failure.what()).starts_with("the live credentials are stored"));
  seen.local.cluster.stored.ca_pem = "old ca";
  CHECK_THROWS_AS(check_still_stored(seen), Failure);
  failure = not_ready(seen, 4s);
  CHECK(failure.status == ExitStatus::failed);
  CHECK(std::string(failure.what()).starts_with("somebody else changed what Rancher has stored"));
  CHECK(verdict_of_run(seen, Repaired::by_agents) ==
        "stored against live: token the same, CA different");
}

TEST_CASE("what changed in a plan is told by step") {
  Plan first;
  Plan now;
  for (const auto& info : all_steps()) {
    first.steps.push_back({info.step, Need::not_needed, ""});
    now.steps.push_back({info.step, Need::needed, ""});
  }
  const auto planned = [](Plan& plan, Step step) -> PlannedStep& {
    return *std::find_if(plan.steps.begin(), plan.steps.end(),
                         [&](const PlannedStep& each) { return each.step == step; });
  };
  planned(first, Step::recreate_agents) = {
      Step::recreate_agents, Need::needed, "", {"kubectl delete pod/a"}};
  planned(now, Step::recreate_agents) = {
      Step::recreate_agents, Need::needed, "for another reason", {"kubectl delete pod/b"}};
  planned(first, Step::redeploy_agents) = {
      Step::redeploy_agents, Need::needed, "", {"kubectl annotate x --resource-version=1 a=b"}};
  planned(now, Step::redeploy_agents) = {
      Step::redeploy_agents, Need::needed, "", {"kubectl annotate x --resource-version=2 a=b"}};
  planned(first, Step::update_cluster).need = Need::depends;
  planned(first, Step::restart_rancher).need = Need::needed;
  planned(now, Step::restart_rancher).need = Need::not_needed;
  planned(first, Step::make_token).need = Need::depends;
  planned(now, Step::make_token).need = Need::not_needed;
  CHECK(changes_text(first, now) ==
        "2.1 delete-token has come to be needed, 2.2 recreate-agents concerns other objects now, "
        "3.1 restart-rancher is not needed any more and "
        "3.2 repair-impersonation has come to be needed");
  CHECK(changes_text(now, now).empty());
}

TEST_CASE("a healthy cluster needs no change") {
  const auto plan = make_plan(healthy(), {});
  CHECK(plan.next_change() == nullptr);
  CHECK(plan[Step::get_token].need == Need::needed);
  CHECK(plan[Step::check_cluster].need == Need::needed);
  CHECK(plan[Step::update_cluster].need == Need::not_needed);
}

TEST_CASE("what people will notice is said of each step that comes, and of no other") {
  CHECK(effects_text(make_plan(healthy(), {})).empty());
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  auto seen = renewed();
  const auto agents = effects_text(make_plan(seen, {}));
  CHECK(has(agents, "2.2 restarts Rancher's agents, and Rancher shows the cluster as unavailable"));
  CHECK(has(agents, "workloads keep running"));
  CHECK_FALSE(has(agents, "3."));
  PlanOptions every_pod;
  every_pod.pods = PodChoice::every;
  const auto plan = make_plan(seen, every_pod);
  CHECK(has(effects_text(plan), "2.2 restarts every pod of cattle-system"));
  CHECK(has(plan_text(shown(plan)), "(2.2 restarts every pod of cattle-system"));
  PlanOptions skipping;
  skipping.skip = {Step::recreate_agents};
  CHECK(effects_text(make_plan(seen, skipping)).empty());
  seen.local.rancher.version = Version{2, 1, 14};
  CHECK(has(effects_text(make_plan(seen, {})),
            "3.1 restarts Rancher's server, and nobody can use "
            "Rancher"));
}

TEST_CASE("what was renewed decides what is needed") {
  auto seen = renewed();
  auto restart = Need::not_needed;
  auto delete_token = Need::needed;
  SUBCASE("CA and key") {}
  SUBCASE("the key alone: stored and secret agree, and are both rejected") {
    seen.local.cluster.stored = {test::secret_of("old"), "new ca"};
  }
  SUBCASE("the CA alone: the token is still good") {
    seen.downstream.tokens.front().verdict = Verdict::accepted;
    delete_token = Need::not_needed;
  }
  SUBCASE("on Rancher 2.1 the server has to be restarted") {
    seen.local.rancher.version = Version{2, 1, 14};
    restart = Need::needed;
  }
  SUBCASE("a version that cannot be read is said, not guessed") {
    seen.local.rancher.version_text = "dev";
    seen.local.rancher.version.reset();
    const auto plan = make_plan(seen, {});
    CHECK(plan[Step::restart_rancher].reason.find("\"dev\"") != std::string::npos);
  }
  const auto plan = make_plan(seen, {});
  CHECK(plan[Step::delete_token].need == delete_token);
  CHECK(plan[Step::recreate_agents].need == Need::needed);
  CHECK(plan[Step::update_cluster].need == Need::depends);
  CHECK(plan[Step::restart_rancher].need == restart);
}

TEST_CASE("the secrets to delete hold no token, or one that is rejected") {
  auto seen = renewed();
  seen.downstream.tokens.push_back(secret("cattle-token-bbbbb", "fine", Verdict::accepted));
  seen.downstream.tokens.push_back(secret("cattle-token-ccccc", "", Verdict::unknown));
  CHECK(secrets_to_delete({seen, {}, {}}) ==
        std::vector<ObjectName>{"cattle-token-aaaaa", "cattle-token-ccccc"});
  CHECK(seen.live()->name == "cattle-token-bbbbb");
  PlanOptions every;
  every.extent = Extent::every;
  CHECK(secrets_to_delete({seen, every, {}}).size() == 3);
}

TEST_CASE("without a token secret one is waited for") {
  auto seen = healthy();
  seen.downstream.tokens.clear();
  const auto plan = make_plan(seen, {});
  CHECK(plan[Step::delete_token].need == Need::needed);
  CHECK(plan[Step::delete_token].commands.empty());
}

TEST_CASE("the pods to recreate") {
  auto seen = healthy();
  PlanOptions options;
  SUBCASE("none where they started after the secret was made") {
    CHECK(pods_to_recreate({seen, options, {}}).empty());
  }
  SUBCASE("the pods that started before it") {
    seen.downstream.pods.push_back(pod("old", "cattle", long_ago - 1h));
    CHECK(names(pods_to_recreate({seen, options, {}})) == std::vector<std::string>{"old"});
  }
  SUBCASE("the pods that mount a secret that is gone") {
    seen.downstream.pods.front().mounted_secrets = {"cattle-token-gone"};
    CHECK(names(pods_to_recreate({seen, options, {}})) == std::vector<std::string>{"agent"});
  }
  SUBCASE("all agents where stored differs, and nobody else's") {
    seen.local.cluster.stored.ca_pem = "old ca";
    CHECK(names(pods_to_recreate({seen, options, {}})) == std::vector<std::string>{"agent"});
  }
  SUBCASE("every pod where that was asked for") {
    options.pods = PodChoice::every;
    CHECK(pods_to_recreate({seen, options, {}}).size() == 2);
    // Which pods go is one thing, whether any has to is another.
    CHECK(make_plan(seen, options)[Step::recreate_agents].need == Need::not_needed);
  }
}

TEST_CASE("the plan follows what was done") {
  auto seen = renewed();
  RunState progress;
  progress.performed = {Step::delete_token};
  seen.downstream.tokens = {secret("cattle-token-zzzzz", "new", Verdict::unknown)};
  CHECK(make_plan(seen, {}, progress)[Step::delete_token].need == Need::not_needed);
  CHECK(make_plan(seen, {}, progress)[Step::recreate_agents].need == Need::needed);
  progress.performed.insert(Step::recreate_agents);
  progress.performed.insert(Step::check_cluster);
  CHECK(make_plan(seen, {}, progress)[Step::update_cluster].need == Need::needed);
  seen.local.cluster.stored = {test::secret_of("new"), "new ca"};
  CHECK(make_plan(seen, {}, progress)[Step::update_cluster].need == Need::not_needed);
  CHECK(make_plan(seen, {}, progress).next_change() == nullptr);
}

TEST_CASE("Rancher 2.0 and 2.1 are restarted where the server is older than the credentials") {
  auto seen = healthy();
  seen.local.rancher.version = Version{2, 0, 16};
  CHECK(make_plan(seen, {})[Step::restart_rancher].need == Need::not_needed);
  seen.local.rancher.pods.front().started = long_ago - 1h;
  CHECK(make_plan(seen, {})[Step::restart_rancher].need == Need::needed);
  seen.local.rancher.version = Version{2, 2, 0};
  CHECK(make_plan(seen, {})[Step::restart_rancher].need == Need::not_needed);
}

TEST_CASE("a server that started before this run changed what is stored has to be restarted") {
  auto seen = healthy();
  seen.local.rancher.version = Version{2, 1, 14};
  RunState progress;
  progress.stored_changed = later + 1h;
  CHECK(make_plan(seen, {}, progress)[Step::restart_rancher].need == Need::needed);
}

TEST_CASE("--skip leaves a step out, and says what it would have been") {
  PlanOptions options;
  options.skip = {Step::delete_token};
  const auto plan = make_plan(renewed(), options);
  CHECK(plan[Step::delete_token].need == Need::skipped);
  CHECK(plan[Step::delete_token].reason.find("rejects") != std::string::npos);
}

TEST_CASE("a step that does not come has no commands and no notes") {
  PlanOptions options;
  options.backup.kind = BackupChoice::Kind::k3s;
  options.backup.snapshot = "retrust";
  auto needs_none = healthy();
  SUBCASE("nothing is needed") {}
  SUBCASE("every step is skipped") {
    needs_none = renewed();
    for (const auto& info : all_steps()) options.skip.insert(info.step);
  }
  for (const auto& step : shown(make_plan(needs_none, options))) {
    CAPTURE(step.name);
    if (comes(step.need)) continue;
    CHECK(step.commands.empty());
    CHECK(step.notes.empty());
  }
}

TEST_CASE("--all does what is not needed too") {
  PlanOptions options;
  options.extent = Extent::every;
  const auto plan = make_plan(healthy(), options);
  CHECK(plan[Step::delete_token].need == Need::needed);
  CHECK(plan[Step::recreate_agents].need == Need::needed);
  CHECK(plan[Step::restart_rancher].need == Need::needed);
}

TEST_CASE("commands are shown with the operator's own file names, quoted where need be") {
  PlanOptions options;
  options.downstream_kubectl.words = {"kubectl", "--kubeconfig=my cluster.yaml"};
  const auto plan = make_plan(renewed(), options);
  CHECK(plan[Step::delete_token].commands ==
        std::vector<std::string>{"kubectl '--kubeconfig=my cluster.yaml' -n cattle-system delete "
                                 "secret/cattle-token-aaaaa --ignore-not-found --wait=false"});
}

TEST_CASE("the plan shows no watch where a session watches, but the commands of the runbook") {
  PlanOptions options;
  const auto by_processes = make_plan(renewed(), options);
  CHECK(by_processes[Step::get_token].commands.front().find(" -w ") != std::string::npos);
  CHECK(by_processes[Step::check_cluster].commands.front().find(" -w ") != std::string::npos);
  options.downstream_session = true;
  options.local_session = true;
  const auto by_session = make_plan(renewed(), options);
  // Nobody knows the name of the secret to come.
  CHECK(by_session[Step::get_token].commands.empty());
  CHECK(by_session[Step::check_cluster].commands.front() ==
        "kubectl get clusters.management.cattle.io/c-x7k2p -o json");
}

TEST_CASE("refused with 4: not the right clusters") {
  auto seen = renewed();
  std::string why;
  SUBCASE("one cluster twice") {
    seen.local.kube_system_uid = "downstream";
    why = "same cluster";
  }
  SUBCASE("no agents there") {
    seen.downstream.service_account_uid = {};
    why = "no service account cattle";
  }
  SUBCASE("another cluster's service account") {
    seen.identity = Identity::contradicted;
    why = "not of the cluster production (c-x7k2p)";
  }
  SUBCASE("nothing to tell by") {
    seen.identity = Identity::unproven;
    why = "nothing shows";
  }
  SUBCASE("the old CA is handed out") {
    seen.downstream.handed_out_ca = Downstream::HandedOutCa::does_not_verify;
    why = "does not verify its own API server";
  }
  try {
    check_right_clusters(seen);
    FAIL("not refused");
  } catch (const Failure& failure) {
    CHECK(failure.status == ExitStatus::refused);
    CHECK(std::string(failure.what()).find(why) != std::string::npos);
    CHECK_FALSE(failure.advice.empty());
  }
}

TEST_CASE("refused with 4: two CAs are handed out") {
  auto seen = renewed();
  CHECK_NOTHROW(check_one_ca(seen, {}));
  seen.downstream.root_ca = "another ca";
  CHECK_THROWS_AS(check_one_ca(seen, {}), Failure);
}

TEST_CASE("the holder of the CA that is behind is named, with the controller that writes it") {
  auto seen = renewed();
  const auto& secret = seen.downstream.tokens.front();
  seen.downstream.root_ca = "another ca";
  CHECK(ca_behind(seen.downstream, secret) == CaBehind::unknown);
  seen.downstream.right_ca = "another ca";
  CHECK(ca_behind(seen.downstream, secret) == CaBehind::secret);
  CHECK(ca_behind_text(seen.downstream, secret).find("token controller") != std::string::npos);
  CHECK(seen.live_credentials()->ca_pem == "another ca");
  seen.downstream.right_ca = secret.credentials.ca_pem;
  CHECK(ca_behind(seen.downstream, secret) == CaBehind::config_map);
  CHECK(ca_behind_text(seen.downstream, secret).find("root-ca-cert-publisher") !=
        std::string::npos);
  CHECK(seen.live_credentials()->ca_pem == secret.credentials.ca_pem);
}

TEST_CASE("a Rancher that is no Deployment is not restarted, and that is said") {
  auto seen = renewed();
  seen.local.rancher.version = Version{2, 1, 14};
  seen.local.rancher.deployment = {};
  const auto plan = make_plan(seen, {});
  CHECK(plan[Step::restart_rancher].need == Need::not_needed);
  CHECK(plan[Step::restart_rancher].reason.find("docker restart") != std::string::npos);
}

TEST_CASE("Rancher's container is restarted where it is known to be the local cluster's") {
  auto seen = renewed();
  seen.local.rancher.version = Version{2, 1, 14};
  seen.local.rancher.deployment = {};
  seen.local.rancher.pods.clear();
  seen.container.emplace();
  seen.container->name = "rancher";
  seen.container->proof = ServerContainer::Proof::same_cluster;
  const auto restart = [&] { return make_plan(seen, {})[Step::restart_rancher]; };
  CHECK(restart().need == Need::needed);
  CHECK(restart().commands == std::vector<std::string>{"docker restart rancher"});
  PlanOptions podman;
  podman.docker = "/opt/my tools/podman";
  CHECK(make_plan(seen, podman)[Step::restart_rancher].commands ==
        std::vector<std::string>{"'/opt/my tools/podman' restart rancher"});
  seen.container->proof = ServerContainer::Proof::none;
  CHECK(restart().need == Need::not_needed);
  CHECK(restart().reason.find("nothing shows") != std::string::npos);

  // Nothing differs: it depends on when it was started.
  seen.downstream.tokens = healthy().downstream.tokens;
  seen.local.cluster.stored = healthy().local.cluster.stored;
  seen.container->proof = ServerContainer::Proof::same_cluster;
  CHECK(restart().need == Need::needed);
  seen.container->container.started = long_ago - 1s;
  CHECK(restart().need == Need::needed);
  seen.container->container.started = later;
  CHECK(restart().need == Need::not_needed);
  seen.local.rancher.version = Version{2, 4, 17};
  CHECK(restart().need == Need::not_needed);
}

TEST_CASE("without check-cluster the repair does not wait for it") {
  auto seen = renewed();
  seen.downstream.tokens.front().verdict = Verdict::accepted;
  PlanOptions options;
  options.skip = {Step::check_cluster};
  CHECK(make_plan(seen, options)[Step::update_cluster].need == Need::needed);
}

TEST_CASE("what is well is not refused") {
  CHECK_NOTHROW(check_right_clusters(healthy()));
  CHECK_NOTHROW(check_right_clusters(renewed()));
  CHECK_NOTHROW(check_may_change(renewed(), make_plan(renewed(), {}), {}));
}

TEST_CASE("refused with 4: a change that could not work") {
  auto seen = renewed();
  SUBCASE("a permission is missing") {
    seen.missing_permissions = {"delete secrets in cattle-system (downstream cluster)"};
  }
  SUBCASE("a secret that new agents mount is missing") {
    seen.downstream.missing_secrets = {"cattle-credentials-1a2b3c4"};
  }
  CHECK_THROWS_AS(check_may_change(seen, make_plan(seen, {}), {}), Failure);
}

TEST_CASE("refused with 4: to store a token of another account") {
  const auto jwt_of = [](std::string_view name_space, std::string_view account) {
    return test::jwt("{}", fmt::format(R"({{"kubernetes.io": {{"namespace": "{}",
        "serviceaccount": {{"name": "{}"}}}}}})",
                                       name_space, account));
  };
  auto live = healthy().downstream.tokens.front();
  const auto said = [&](const std::string& jwt) {
    live.credentials.token = test::secret_from(jwt);
    try {
      PlanOptions options;
      options.downstream_kubectl.words = {"kubectl", "--kubeconfig=x"};
      check_token_owner(live, agent_account, options);
    } catch (const Failure& failure) {
      CHECK(failure.advice.text().find("kubectl --kubeconfig=x -n cattle-system delete secret/") !=
            std::string::npos);
      CHECK(failure.status == ExitStatus::refused);
      return std::string(failure.what());
    }
    return std::string();
  };
  CHECK(said(jwt_of("cattle-system", "cattle")).empty());
  CHECK(said(jwt_of("cattle-system", "default")) ==
        "the secret cattle-token-aaaaa of the downstream cluster holds a token of the service "
        "account cattle-system/default, not of cattle-system/cattle: retrust does not store it in "
        "Rancher");
  CHECK(said(jwt_of("kube-system", "cattle")).find("kube-system/cattle") != std::string::npos);
  CHECK(said(jwt_of("a\\u001b\\nb", "cattle")).find("a? b/cattle") != std::string::npos);
  CHECK(said(test::jwt("{}", "{}")).find("?/?") != std::string::npos);
}

TEST_CASE("versions") {
  CHECK(parse_version("v2.4.17") == Version{2, 4, 17});
  CHECK(parse_version("v1.20.15+k3s1") == Version{1, 20, 15});
  CHECK(parse_version("2.1.6-rc1") == Version{2, 1, 6});
  CHECK_FALSE(parse_version("dev"));
  CHECK_FALSE(parse_version("v2.x-head"));
  CHECK_FALSE(parse_version(""));
  CHECK(Version{2, 1, 14} < Version{2, 2, 0});
}

}  // namespace
}  // namespace retrust
