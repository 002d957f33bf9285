#include "run/rollback.h"

#include <algorithm>
#include <exception>

#include <boost/asio/this_coro.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "credentials/token.h"
#include "observe/commands.h"
#include "observe/kubeconfig.h"
#include "observe/kubeconfig_mistakes.h"
#include "observe/kubeconfig_registration.h"
#include "observe/observe_registration.h"
#include "observe/parse.h"
#include "observe/right_clusters.h"
#include "observe/same_cluster.h"
#include "observe/stored_token.h"
#include "observe/trim.h"
#include "process/tasks.h"
#include "report/findings.h"
#include "run/holder.h"
#include "steps/cluster_change.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

std::string uid_of(const ClusterResource& cluster) {
  return text_at(cluster.raw, "/metadata/uid");
}

std::string called(const ClusterResource& cluster) {
  return fmt::format("{} ({})", cluster.display_name, cluster.id);
}

/// Parts of the present credentials that were neither saved nor came of the run: "the token", "the
/// CA" …
std::vector<std::string> foreign_parts(const ClusterResource& now, const SavedCluster& saved) {
  auto known = saved.left;
  known.push_back(digest_of(saved.cluster));
  const auto digest = digest_of(now);
  const auto is_known = [&](auto part) {
    return std::any_of(known.begin(), known.end(),
                       [&](const StoredDigest& each) { return each.*part == digest.*part; });
  };
  std::vector<std::string> parts;
  if (!is_known(&StoredDigest::token)) parts.emplace_back("the token");
  if (!is_known(&StoredDigest::ca)) parts.emplace_back("the CA");
  // Agents' reports make Secrets of any name, so a Secret with a known token is known.
  if (digest.token.empty() && !is_known(&StoredDigest::token_secret))
    parts.emplace_back("the name of the token's Secret");
  return parts;
}

/// Text of the Ready condition: "Rancher says Ready False: …". `still` comes before "says".
std::string rancher_says(const Condition& ready, std::string_view still) {
  if (ready.status.empty()) return "Rancher has not said whether the cluster is ready";
  auto text = fmt::format("Rancher {}says Ready {}", still, ready.status);
  if (!ready.message.empty()) text += fmt::format(": {}", ready.message);
  return text;
}

/// Asks for the facts of the local cluster and kubectl in the head of a transcript.
awaitable<void> ask_local(const Kubectl& local, Observation& seen) {
  const auto list =
      co_await local.get(commands::observe_local("cattle-system", seen.local.cluster.id),
                         local_trim(seen.local.cluster.id));
  seen.local.kube_system_uid = kube_system_uid(list);
  seen.local.rancher = parse_rancher(list);
  seen.local.server_url = server_url(list);
  const auto versions = co_await local.versions();
  seen.kubectl_version = versions.kubectl;
}

/// Asks for the facts of the downstream cluster, and for the evidence of its identity.
awaitable<void> ask_downstream(const Clusters& clusters, const Kubectl& downstream,
                               NamespaceName name_space, Observation& seen) {
  auto words = commands::observe_downstream(name_space);
  const auto list = co_await downstream.get(std::move(words), downstream_trim());
  seen.downstream = parse_downstream(list, name_space, clusters.redactor);
}

}  // namespace

void Rollback::check_cluster_wanted() const {
  const auto& wanted = options_.cluster;
  if (wanted.empty() || wanted == saved_.cluster.id || wanted == saved_.cluster.display_name)
    return;
  throw Failure(FailureCode::wrong_cluster,
                fmt::format("{} is of the cluster {}, not of {}", options_.from.string(),
                            called(saved_.cluster), wanted),
                "nothing was changed; check --cluster and the folder");
}

bool Rollback::is_due(const ClusterResource& now) const {
  if (uid_of(now) != uid_of(saved_.cluster)) {
    throw Failure(
        FailureCode::wrong_cluster,
        fmt::format("the clusters resource {} is not the one that was saved: it was "
                    "deleted and created again, or this is another Rancher's local cluster",
                    now.id),
        "nothing was changed; check --local-kubeconfig");
  }
  if (digest_of(now) == digest_of(saved_.cluster)) return false;
  if (saved_.cluster.token_secret_name.empty() && !now.token_secret_name.empty()) {
    throw Failure(ExitStatus::refused,
                  "Rancher keeps the token in a Secret by now, and did not when this was saved",
                  "nothing was changed: the field that was saved is not read any more");
  }
  const auto foreign = foreign_parts(now, saved_);
  if (!foreign.empty() && !options_.overwrites_others) {
    throw Failure(
        ExitStatus::refused,
        fmt::format("{} that Rancher has stored came neither of that run nor was there "
                    "before it: somebody else changed it since",
                    enumerated(foreign)),
        Advice::retrust("nothing was changed; --overwrite puts back what was saved all the "
                        "same; see what is stored",
                        "status"));
  }
  return true;
}

awaitable<void> Rollback::check_token_secret() const {
  const auto& name = saved_.cluster.token_secret_name;
  if (name.empty()) co_return;
  auto then = saved_.cluster;
  const auto local = clusters_.local.in_section("2.5");
  co_await read_stored_token(local, then, clusters_.redactor);
  if (!then.token_secret) {
    throw Failure(
        ExitStatus::refused,
        fmt::format("the Secret {} in cattle-global-data, which held the token, is gone", name),
        "nothing was changed: pointing Rancher at it would leave it without a token");
  }
  if (then.stored.token != saved_.cluster.stored.token) {
    throw Failure(ExitStatus::refused,
                  fmt::format("the Secret {} in {} holds another token than it did then", name,
                              credential_namespace),
                  "nothing was changed: Rancher has written into it since, so its name does not "
                  "bring the saved token back");
  }
}

awaitable<void> Rollback::try_saved_token() {
  const auto& token = saved_.cluster.stored.token;
  if (token.empty()) co_return;
  if (!options_.tries_token) {
    journal_.in_section("2.5").warning(
        "whether the cluster still accepts the token that is put back was not tried: --kubeconfig "
        "was not given");
    co_return;
  }
  const auto downstream = clusters_.downstream.in_section("2.5");
  const auto claims = parse_token(token.reveal());
  // read_saved_cluster lets 2 accounts pass: cattle and kontainer-engine.
  const ObjectName name = claims ? claims->service_account.str() : std::string(agent_account);
  const auto account =
      co_await downstream.find(commands::service_account(options_.name_space, name));
  const auto account_uid = account ? text_at(*account, "/metadata/uid") : std::string();
  // A token is only shown to its own cluster.
  if (!claims || account_uid.empty() || claims->service_account_uid != account_uid) {
    throw Failure(FailureCode::wrong_cluster,
                  "--kubeconfig is not of the cluster that the saved token is for",
                  "nothing was changed; check --kubeconfig, or leave it out");
  }
  std::vector<Secret> tokens(1, token);
  const auto verdicts = co_await review_tokens(downstream, std::move(tokens));
  if (verdicts.front().first != Verdict::accepted) {
    journal_.in_section("2.5").warning(
        "the cluster rejects the token that is put back: Rancher will not reach it with that. A "
        "deleted token, or one of an old key, cannot be brought back");
  }
  saved_verdict_ = verdicts.front().first;
}

void Rollback::set_verdict(const Condition& before, const Condition& now) {
  verdict_ = "Rancher has stored again what was saved";
  if (!saved_.cluster.stored.token.empty()) judge_token();
  // Rancher checks the cluster from time to time, so the condition may be from before the change.
  verdict_ += fmt::format("; {}", rancher_says(now, before.status == now.status ? "still " : ""));
  next_.push_back(
      saved_verdict_ == Verdict::rejected
          ? Advice::retrust("see what brings Rancher and the cluster together again", "plan")
          : Advice::retrust("see in some minutes whether Rancher reaches the cluster", "status"));
}

void Rollback::judge_token() {
  switch (saved_verdict_) {
    case Verdict::accepted:
      verdict_ += ", and the cluster accepts that token";
      break;
    case Verdict::rejected:
      verdict_ += fmt::format(", and does not reach {} with it: the cluster rejects that token",
                              called(saved_.cluster));
      break;
    case Verdict::unknown:
      verdict_ += "; whether the cluster accepts that token was not tried";
      break;
  }
}

awaitable<void> Rollback::look_around() {
  auto& seen = seen_;
  seen.local.cluster = saved_.cluster;
  const auto asks_downstream = options_.tries_token;
  const auto executor = co_await boost::asio::this_coro::executor;
  Gate gate(executor);
  KubeconfigRegistration registration(gate, clusters_.redactor, asks_downstream ? 2 : 1);
  boost::json::value local_config;
  boost::json::value downstream_config;
  const auto local = clusters_.local.behind(gate);
  const auto downstream = clusters_.downstream.behind(gate);
  std::vector<awaitable<void>> questions;
  questions.push_back(registration.read(clusters_.local, local_config));
  questions.push_back(ask_local(local, seen));
  if (asks_downstream) {
    questions.push_back(registration.read(clusters_.downstream, downstream_config));
    questions.push_back(ask_downstream(clusters_, downstream, options_.name_space, seen));
  }
  // Unanswered questions matter only to check_clusters.
  const auto ends = co_await all_settled(std::move(questions));
  registration.check();
  for (const auto& end : ends) {
    if (end && !unanswered_) unanswered_ = end;
  }
  seen.local.kubeconfig = parse_kubeconfig(local_config);
  seen.downstream.kubeconfig = parse_kubeconfig(downstream_config);
  if (asks_downstream) {
    check_two_contexts(clusters_, seen.downstream.kubeconfig, seen.local.kubeconfig);
  }
  journal_.finding(
      fmt::format("cluster {}, as {} has it", called(saved_.cluster), saved_.path.string()),
      facts(seen, {clusters_.local.target().program, {}}));
  take_kubeconfigs(clusters_, seen, journal_);
}

awaitable<void> Rollback::check_clusters(const ClusterResource& now) {
  if (!options_.tries_token) co_return;
  if (unanswered_) std::rethrow_exception(unanswered_);
  seen_.local.cluster = now;
  if (seen_.downstream.kube_system_uid != seen_.local.kube_system_uid) {
    seen_.registration = co_await observe_registration(clusters_, seen_);
    seen_.identity = identity_of(seen_);
  }
  check_right_clusters(seen_);
}

awaitable<void> Rollback::take_hold() {
  HoldOptions options;
  options.cluster = saved_.cluster.id;
  options.uid = uid_of(saved_.cluster);
  options.called = called(saved_.cluster);
  const auto folder = folder_.path().filename().string();
  options.holder = text_of(this_process(clusters_.redactor.mask(options_.operator_name),
                                        clusters_.redactor.mask(folder)));
  options.wait = options_.wait;
  co_await hold_.take(clusters_.local, std::move(options));
}

awaitable<void> Rollback::run() {
  std::exception_ptr failure;
  try {
    co_await put_back();
  } catch (...) {
    failure = std::current_exception();
  }
  co_await hold_.end();
  if (failure) std::rethrow_exception(failure);
}

awaitable<void> Rollback::put_back() {
  saved_ = read_saved_cluster(options_.from, options_.name_space.text(), clusters_.redactor);
  if (saved_.integrity == SavedCluster::Integrity::unverified) {
    journal_.in_section("2.5").warning(
        fmt::format("the files in {} were not verified: their transcript holds no SHA-256, like "
                    "those of earlier builds",
                    options_.from.string()));
  }
  check_cluster_wanted();
  clusters_.downstream.call_cluster(saved_.cluster.display_name);
  const auto& id = saved_.cluster.id;
  co_await look_around();
  take_read_place(saved_.cluster, seen_.local.rancher, clusters_.redactor);
  const auto local = clusters_.local.in_section("2.5");
  const auto now = co_await find_cluster(local, id, seen_.local.rancher, clusters_.redactor);
  if (!now) {
    throw Failure(FailureCode::unknown_cluster,
                  fmt::format("Rancher has no cluster {} any more", called(saved_.cluster)),
                  "nothing was changed; check --local-kubeconfig");
  }
  if (!is_due(*now)) {
    journal_.finding("nothing is needed: Rancher has stored what was saved");
    verdict_ = "Rancher has stored what was saved; " + rancher_says(now->ready, "");
    if (now->ready.status != "True") {
      next_.push_back(Advice::retrust("see what Rancher and the cluster have", "status"));
    }
    co_return;
  }
  co_await check_clusters(*now);
  co_await check_token_secret();
  auto diff = unified_diff(render(now->stored), render(saved_.cluster.stored), "stored in Rancher",
                           "as it was saved");
  journal_.difference(std::move(diff));
  if (now->token_secret_name != saved_.cluster.token_secret_name) {
    journal_.finding(fmt::format("the token's Secret: {} again, instead of {}",
                                 saved_.cluster.token_secret_name.text(),
                                 now->token_secret_name.text()));
  }
  co_await try_saved_token();
  ConsentQuestion question{fmt::format("Put this back for cluster {}?", called(saved_.cluster))};
  question.cluster = called(saved_.cluster);
  question.changes = "put back what Rancher had stored";
  const auto answer = co_await confirm_(std::move(question));
  co_await take_hold();
  // change_cluster reads the resource again before the change, but not the Secret.
  if (answer == Answer::yes || hold_.followed_another()) co_await check_token_secret();
  if (options_.before_change) co_await options_.before_change();

  const auto journal = journal_.in_section("2.5");
  journal.step_started("rollback", "puts back what Rancher had stored");
  ClusterChange change;
  change.id = id;
  change.rancher = seen_.local.rancher;
  change.purpose = fmt::format("with the CA and token of {}", saved_.path.string());
  change.look = [this, expected = *now](const ClusterResource& fresh) {
    check_same_resource(expected, fresh);
    return is_due(fresh);
  };
  auto path = co_await status_path(local, id);
  change.status_path = std::move(path);
  change.edit = [this](boost::json::object& status, const ObjectName&) {
    const auto& saved = saved_.cluster.raw.at("status").as_object();
    for (const auto* field : restored_fields) {
      const auto* before = saved.if_contains(field);
      if (before == nullptr) {
        status.erase(field);
      } else {
        status[field] = *before;
      }
    }
  };
  change.announce = [this, journal](const std::string& text) {
    clusters_.local.be_patient(options_.wait);
    folder_.save("live-" + saved_.cluster.id.text(), to_json(digest_of(saved_.cluster)), journal,
                 "digests of what is put back", Weight::routine);
    journal.change(text);
    changed_ = true;
  };
  change.not_made = [this] { changed_ = false; };
  change.done = [this](const ClusterResource& stored) {
    return digest_of(stored) == digest_of(saved_.cluster);
  };
  // As a run's steps, it waits for a server that is away.
  const auto waits = local.with(RetryPolicy{options_.wait});
  const auto stored =
      co_await change_cluster(waits, folder_, journal, clusters_.redactor, std::move(change));
  set_verdict(now->ready, stored ? stored->ready : now->ready);
  journal.step_ended("rollback", "Rancher has stored again what was saved");
}

}  // namespace retrust
