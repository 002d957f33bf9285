// Sections 2.5 and 3.1: what is done to Rancher's own cluster.
#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "credentials/certificate.h"
#include "observe/commands.h"
#include "observe/kubeconfig.h"
#include "observe/parse.h"
#include "observe/same_cluster.h"
#include "observe/stored_token.h"
#include "run/execution.h"
#include "run/preflight.h"
#include "steps/cluster_change.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

/// The rollout is over, as `kubectl rollout status` sees it.
bool rolled_out(const boost::json::value& deployment) {
  const auto number = [&](std::string_view pointer, std::int64_t missing) {
    const auto* found = find_at(deployment, pointer);
    return found != nullptr && found->is_int64() ? found->get_int64() : missing;
  };
  const auto wanted = number("/spec/replicas", 1);
  return number("/status/observedGeneration", 0) >= number("/metadata/generation", 0) &&
         number("/status/updatedReplicas", 0) == wanted &&
         number("/status/replicas", 0) == wanted &&
         number("/status/availableReplicas", 0) == wanted;
}

constexpr const char* token_advice =
    "kube-controller-manager's --service-account-private-key-file and kube-apiserver's "
    "--service-account-key-file must be a pair; then run again";

}  // namespace

void Execution::take_cluster(const boost::json::value& object) {
  const auto before = observation_.comparison();
  auto& cluster = observation_.local.cluster;
  auto fresh = parse_cluster(object, clusters_.redactor);
  check_same_resource(cluster, fresh);
  if (!fresh.token_secret_name.empty()) {
    // Rancher may write into the same Secret or name another: it is read before anything is judged.
    take_token_secret(fresh, std::nullopt, clusters_.redactor);
    stored_token_ = StoredToken::due;
  }
  cluster = std::move(fresh);
  note_equal(before);
}

awaitable<void> Execution::read_due_token() {
  const auto before = observation_.comparison();
  stored_token_ = StoredToken::read;
  auto copy = observation_.local.cluster;
  co_await read_stored_token(local(Step::check_cluster), copy, clusters_.redactor);
  // What the watch brought meanwhile is read in its turn.
  if (stored_token_ == StoredToken::due) co_return;
  observation_.local.cluster = std::move(copy);
  // The agents may have made a token secret of their own, and reported that one.
  if (observation_.comparison().token == Comparison::Part::differs) co_await read_tokens_again();
  note_equal(before);
}

void Execution::note_equal(const Comparison& before) {
  if (!before.equal() && observation_.comparison().equal()) {
    progress_.stored_changed =
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  }
}

awaitable<void> Execution::begin_cluster_watch() {
  co_await cluster_watch_.begin(local(Step::check_cluster), observation_.local.cluster.id);
}

awaitable<bool> Execution::await_cluster(Target target) {
  co_await begin_cluster_watch();
  std::string last;
  const auto look = [&] {
    if (stored_token_ == StoredToken::due) return Flow::stop;
    const auto& ready = observation_.local.cluster.ready;
    const auto equal = observation_.comparison().equal();
    auto text = fmt::format("stored and live {}; Rancher says: Ready {}{}",
                            equal ? "are the same" : "differ", ready.status,
                            ready.message.empty() ? "" : ": " + ready.message);
    if (text != last) {
      journal("2.5").wait_progress(text);
      last = std::move(text);
    }
    const auto reached = equal && (target == Target::stored || ready.status == "True");
    return reached ? Flow::stop : Flow::go_on;
  };
  const auto end = std::chrono::steady_clock::now() + options_.wait;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    const auto seen =
        co_await cluster_watch_.until(std::max(left, std::chrono::milliseconds{0}), look);
    if (!seen) {
      co_await local(Step::check_cluster)
          .check_answers(fmt::format("whether {} within {}",
                                     target == Target::stored
                                         ? "Rancher stored the live token and CA"
                                         : "Rancher said that the cluster is ready",
                                     duration_text(options_.wait)));
    }
    if (!seen || stored_token_ == StoredToken::read) co_return seen;
    co_await read_due_token();
  }
}

awaitable<void> Execution::check_cluster() {
  note_live();
  const auto comparison = observation_.comparison();
  const auto reason = comparison.equal() ? std::string() : no_report(observation_);
  if (!reason.empty()) {
    journal_.finding(fmt::format("no report is waited for: {}", reason));
    co_return;
  }
  journal("2.5").wait_started("for the live token and CA to be stored in Rancher", options_.wait);
  const auto equal = co_await await_cluster(Target::stored);
  if (!equal) report_ = Report::missing;
  journal("2.5").wait_ended(
      equal ? "Rancher has stored the live token and CA"
            : fmt::format("nothing was reported within {}", duration_text(options_.wait)));
}

awaitable<void> Execution::try_live() {
  const auto* live = observation_.live();
  if (live == nullptr || !live->complete()) {
    throw Failure(ExitStatus::failed,
                  live == nullptr ? "there is no token secret of cattle to repair with"
                                  : fmt::format("the token secret {} cannot be used to repair: {}",
                                                live->name, live->lack()),
                  "wait for a new one: retrust step delete-token");
  }
  check_token_owner(*live, options_.plan);
  if (live->verdict == Verdict::rejected) {
    throw Failure(ExitStatus::failed,
                  fmt::format("the cluster rejects the token in {}, so it is not stored in Rancher",
                              live->name),
                  options_.plan.skip.contains(Step::delete_token)
                      ? "run without --skip 2.1, which replaces it"
                      : "replace it first: retrust step delete-token",
                  live->reason);
  }
  if (parse_certificates(live->credentials.ca_pem).empty()) {
    throw Failure(
        ExitStatus::failed,
        fmt::format("the CA in {} is no certificate, so it is not stored in Rancher", live->name),
        "give kube-controller-manager the new CA with --root-ca-file; then run again");
  }
  if (proven_ == live->credentials) co_return;
  const auto kubectl = downstream(Step::update_cluster);
  if (observation_.downstream.handed_out_ca == Downstream::HandedOutCa::not_provable) {
    std::vector<Secret> tokens(1, live->credentials.token);
    const auto verdicts = co_await review_tokens(kubectl, std::move(tokens));
    if (verdicts.front().first == Verdict::accepted) co_return;
    throw Failure(ExitStatus::failed,
                  fmt::format("the cluster rejects the token in {}", live->name), token_advice,
                  verdicts.front().second);
  }
  const TemporaryKubeconfig temporary(observation_.downstream.kubeconfig, live->credentials);
  const auto with_live = kubectl.with_kubeconfig(temporary.path());
  try {
    const auto answer = co_await with_live.get_raw("/api/v1/namespaces/kube-system");
    const auto& uid = observation_.downstream.kube_system_uid;
    if (!uid.empty() && uid == text_at(answer, "/metadata/uid")) {
      proven_ = live->credentials;
    }
  } catch (const KubectlFailure& failure) {
    const auto ca = failure.kind == KubectlError::untrusted;
    const auto token =
        failure.kind == KubectlError::unauthorized || failure.kind == KubectlError::forbidden;
    if (is_away(failure.kind)) throw no_answer("live", failure);
    if (!ca && !token) throw;
    throw Failure(ExitStatus::failed,
                  fmt::format("the {} in {} is not good for the cluster that made it",
                              ca ? "CA" : "token", live->name),
                  ca ? "give kube-controller-manager the new CA with --root-ca-file" : token_advice,
                  failure.detail);
  }
}

awaitable<void> Execution::try_live_early() {
  try {
    co_await try_live();
  } catch (const std::exception&) {
    // What is wrong with them is said where they are needed: the agents need not wait for it.
  }
}

awaitable<void> Execution::update_cluster() {
  // What agents report has been accepted from them; what is written by hand is tried before.
  co_await try_live();
  co_await cluster_watch_.end();
  note_live();
  const auto live = *observation_.live();
  ClusterChange change;
  change.id = observation_.local.cluster.id;
  change.purpose = "with the live token and CA";
  change.look = [this](const ClusterResource& now) {
    check_same_resource(observation_.local.cluster, now);
    observation_.local.cluster = now;
    written_.reset();
    check_right_clusters(observation_);
    return !observation_.comparison().equal();
  };
  const auto& rancher = observation_.local.rancher;
  if (!rancher.version && observation_.local.cluster.stored.token.empty() &&
      observation_.local.cluster.token_secret_name.empty()) {
    throw Failure(
        ExitStatus::refused,
        fmt::format("whether Rancher \"{}\" keeps tokens in the clusters resource or in a "
                    "Secret cannot be told: it has stored none",
                    rancher.version_text),
        "import the cluster again, or let its agents report");
  }
  const auto kubectl = local(Step::update_cluster);
  auto path = co_await status_path(kubectl, observation_.local.cluster.id);
  change.status_path = std::move(path);
  if (keeps_token_in_secret(observation_.local.cluster, rancher)) {
    change.token_for_secret = live.credentials.token;
  }
  change.edit = [this, &live](boost::json::object& status, const ObjectName& token_secret) {
    written_ = digest_of(live.credentials);
    written_->token_secret = token_secret.text();
    status["caCert"] = base64_encode(live.credentials.ca_pem);
    // The plain field is nobody's where there is a Secret: to write it would only leak the token.
    if (token_secret.empty()) {
      status["serviceAccountToken"] = live.credentials.token.reveal();
    } else {
      status["serviceAccountTokenSecret"] = token_secret.text();
    }
  };
  change.announce = [this](const std::string& text) { announce("2.5", text); };
  change.not_made = [this, before = changed_] {
    changed_ = before;
    written_.reset();
  };
  change.done = [this](const ClusterResource& stored) {
    written_.reset();
    observation_.local.cluster = stored;
    return observation_.comparison().equal();
  };
  const auto stored = co_await change_cluster(kubectl, folder_, journal("2.5"), clusters_.redactor,
                                              std::move(change));
  if (!stored) {
    journal_.finding("Rancher has stored the live token and CA meanwhile: nothing to repair");
    co_return;
  }
  repaired_ = report_ == Report::missing ? Repaired::after_silence : Repaired::by_retrust;
  progress_.stored_changed =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  observation_.local.cluster.ready = {};
}

awaitable<void> Execution::restart_rancher() {
  const auto& rancher = observation_.local.rancher;
  if (!restartable(observation_)) {
    const auto restart =
        fmt::format("restart its container ({} restart NAME)", tools_.docker.shown());
    throw Failure(
        ExitStatus::failed,
        observation_.container
            ? "nothing shows that Rancher runs in the container that was named, so it was "
              "not restarted"
            : "Rancher's server is no Deployment in the local cluster, so it was not "
              "restarted",
        restart + (observation_.container
                       ? ": logs and shell work after that"
                       : ", or name it with --rancher-container: logs and shell work after that"));
  }
  co_await cluster_watch_.end();
  if (rancher.deployment.empty()) {
    co_await restart_container();
    co_return;
  }
  const auto kubectl = local(Step::restart_rancher);
  co_await check_same_cluster(kubectl, observation_.local.kube_system_uid);
  announce("3.1",
           fmt::format("restarting deployment {} in {}", rancher.deployment, rancher.name_space));
  co_await kubectl.change(commands::restart_deployment(rancher.name_space, rancher.deployment));
  journal("3.1").wait_started("for Rancher's new server pods to be ready", options_.wait);
  const auto args = commands::watched_deployment(rancher.name_space, rancher.deployment);
  const auto on_event = [](const WatchEvent& event) {
    return event.type != WatchEvent::Type::deleted && rolled_out(event.object) ? Flow::stop
                                                                               : Flow::go_on;
  };
  const auto in_time = co_await kubectl.watch(
      args, options_.wait, [] {}, on_event);
  if (!in_time) {
    co_await kubectl.check_answers(fmt::format(
        "whether Rancher's new server pods were ready within {}", duration_text(options_.wait)));
    throw Failure(ExitStatus::gave_up,
                  fmt::format("Rancher's new server pods were not ready within {}",
                              duration_text(options_.wait)),
                  fmt::format("see why with: {}",
                              kubectl.shown(commands::describe_pods(rancher.name_space))));
  }
  journal("3.1").wait_ended("Rancher's new server pods are ready");
  observation_.local.cluster.ready = {};
}

awaitable<void> Execution::await_ready() {
  if (observation_.local.cluster.ready.status == "True") co_return;
  journal("2.5").wait_started("for Rancher to say that the cluster is ready", options_.wait);
  const auto in_time = co_await await_cluster(Target::ready);
  if (!in_time) {
    const auto& ready = observation_.local.cluster.ready;
    throw Failure(ExitStatus::gave_up,
                  fmt::format("the live credentials are stored, but Rancher did not say that the "
                              "cluster is ready within {}",
                              duration_text(options_.wait)),
                  "look at the agents' logs; see what Rancher says: retrust status",
                  fmt::format("Ready {} {}", ready.status, ready.message));
  }
  journal("2.5").wait_ended("Rancher says that the cluster is ready");
}

}  // namespace retrust
