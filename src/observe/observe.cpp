#include "observe/observe.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include <boost/asio/this_coro.hpp>
#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"
#include "credentials/certificate.h"
#include "credentials/token.h"
#include "observe/agent_token.h"
#include "observe/cluster_choice.h"
#include "observe/commands.h"
#include "observe/handed_out_ca.h"
#include "observe/impersonation.h"
#include "observe/kubeconfig.h"
#include "observe/kubeconfig_mistakes.h"
#include "observe/kubeconfig_registration.h"
#include "observe/live_account.h"
#include "observe/login.h"
#include "observe/observe_affected.h"
#include "observe/observe_new_pods.h"
#include "observe/observe_registration.h"
#include "observe/parse.h"
#include "observe/permissions.h"
#include "observe/stored_token.h"
#include "observe/trim.h"
#include "process/tasks.h"

namespace retrust {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;

/// Answers to the first round of questions.
struct Answers {
  json::value config;
  json::value downstream;
  json::value local;
  json::value local_config;  ///< null if a container has the kubeconfig
  KubectlVersions versions;
};

awaitable<void> store(awaitable<json::value> question, json::value& answer) {
  answer = co_await std::move(question);
}

awaitable<void> ask_versions(const Kubectl& downstream, KubectlVersions& answer) {
  answer = co_await downstream.versions();
}

/// The failure, if the server did not answer at all.
std::optional<KubectlFailure> absence(const std::exception_ptr& end) {
  try {
    if (end) std::rethrow_exception(end);
  } catch (const KubectlFailure& failure) {
    if (is_away(failure.kind)) return failure;
  } catch (...) {
    return std::nullopt;
  }
  return std::nullopt;
}

/// Whether the local cluster answered, and has no clusters resource.
bool lacks_clusters(const std::exception_ptr& end, const json::value& answer) {
  try {
    if (end) std::rethrow_exception(end);
  } catch (const KubectlFailure& failure) {
    return failure.kind == KubectlError::no_such_type;
  } catch (...) {
    return false;
  }
  return items_of(answer, "Cluster").empty();
}

/// Throws the failure that tells the operator most. A kubeconfig that cannot work at all explains
/// the others. A kubeconfig from before the renewal gets another text than one of another cluster.
void throw_most_specific(const std::vector<std::exception_ptr>& ends, const Answers& answers,
                         const std::string& wanted, const std::string& listing) {
  const auto& downstream_end = ends[2];
  const auto& local_end = ends[3];
  const auto view = parse_kubeconfig(answers.config);
  const auto downstream = absence(downstream_end);
  const auto local = absence(local_end);
  if (downstream && local) {
    auto advice = downstream->advice;
    advice.sentence = "check the network of this machine first, such as a VPN; " + advice.sentence;
    throw Failure(FailureCode::unreachable,
                  fmt::format("neither cluster answers: {}; {}", downstream->what(), local->what()),
                  std::move(advice),
                  downstream->detail == local->detail ? downstream->detail
                                                      : downstream->detail + "\n" + local->detail);
  }
  if (downstream_end) {
    try {
      std::rethrow_exception(downstream_end);
    } catch (KubectlFailure& failure) {
      if (failure.kind != KubectlError::untrusted || local_end) throw;
      const auto& cluster = choose_cluster(answers.local, wanted, listing);
      const auto stored = base64_decode(text_at(cluster, "/status/caCert")).value_or("");
      if (view.ca_pem.empty() || !same_certificates(view.ca_pem, stored)) throw;
      throw KubectlFailure(
          failure.kind,
          Failure(FailureCode::stale_kubeconfig,
                  "--kubeconfig was made before the renewal: its CA is the old one, which Rancher "
                  "still has stored too",
                  "fetch a fresh kubeconfig from a control plane node of the downstream cluster",
                  failure.detail));
    }
  }
  if (local_end) std::rethrow_exception(local_end);
}

/// Permissions of one cluster that the steps need.
std::vector<Permission> permissions_in(Side side, const ObserveOptions& options,
                                       const Observation& seen) {
  auto permissions = options.permissions ? options.permissions(seen) : std::vector<Permission>{};
  std::erase_if(permissions, [&](const Permission& each) { return each.side != side; });
  return permissions;
}

/// True if the stored token names a secret that is not among those of the agents' namespace.
bool stored_secret_is_gone(const Observation& seen, const NamespaceName& name_space) {
  const auto claims = parse_token(seen.local.cluster.stored.token.reveal());
  if (!claims || claims->secret_name.empty() || claims->name_space != name_space.text()) {
    return false;
  }
  const auto& names = seen.downstream.secret_names;
  return !names.contains(ObjectName::if_allowed(claims->secret_name.str()));
}

/// Notes a permission that the answer denies.
void take_review(const json::value& answer, const Permission& permission, Observation& seen) {
  if (is_allowed(answer)) return;
  auto& missing = permission.lack == Permission::Lack::refuses ? seen.missing_permissions
                                                               : seen.missing_optional;
  missing.push_back(text_of(permission));
}

/// Asks for the tokens and the permissions in one process.
awaitable<void> review_downstream(const Clusters& clusters, const ObserveOptions& options,
                                  Observation& seen) {
  json::array reviews;
  for (const auto& secret : seen.downstream.tokens) {
    if (secret.complete()) reviews.push_back(token_review(secret.credentials.token));
  }
  // A token is shown only to its own cluster.
  const auto proven = seen.identity == Identity::account || seen.identity == Identity::registration;
  const auto stored = proven ? seen.local.cluster.stored.token : Secret();
  if (!stored.empty()) reviews.push_back(token_review(stored));
  const auto permissions = permissions_in(Side::downstream, options, seen);
  for (const auto& permission : permissions) reviews.push_back(access_review(permission));
  if (reviews.empty()) co_return;
  const auto answers = co_await clusters.downstream.review(std::move(reviews));
  auto answer = answers.begin();
  for (auto& secret : seen.downstream.tokens) {
    if (!secret.complete()) continue;
    std::tie(secret.verdict, secret.reason) = verdict_of(*answer++);
  }
  if (!stored.empty()) {
    std::tie(seen.stored_verdict, seen.stored_reason) = verdict_of(*answer++);
    if (may_lack_secret(seen.stored_reason) && stored_secret_is_gone(seen, options.name_space)) {
      seen.stored_verdict = Verdict::rejected;
    }
  }
  for (const auto& permission : permissions) {
    take_review(*answer++, permission, seen);
  }
}

/// rancher/rancher v2.15.0, pkg/data/dashboard/cluster_data.go: the ID of Rancher's own cluster is
/// always "local".
void refuse_own_cluster(const ClusterResource& cluster, const Kubectl& local) {
  if (cluster.id != "local") return;
  throw Failure(
      FailureCode::wrong_cluster,
      "\"local\" is the cluster that Rancher itself runs in, and no agent or stored token "
      "leads there",
      {"after a renewal of its own CA, restart Rancher",
       local.shown(commands::restart_deployment("cattle-system", "rancher"))});
}

awaitable<void> take_registration(const Clusters& clusters, Observation& seen) {
  seen.registration = co_await observe_registration(clusters, seen);
}

awaitable<void> take_new_pods(const Clusters& clusters, NamespaceName name_space,
                              Observation& seen) {
  seen.new_pods = co_await observe_new_pods(clusters, std::move(name_space), seen);
}

/// Asks for the tokens of an account that was not asked for before.
awaitable<void> review_live(const Clusters& clusters, Observation& seen) {
  std::vector<Secret> values;
  for (const auto& secret : seen.downstream.tokens) {
    if (secret.complete()) values.push_back(secret.credentials.token);
  }
  const auto verdicts = co_await review_tokens(clusters.downstream, std::move(values));
  auto verdict = verdicts.begin();
  for (auto& secret : seen.downstream.tokens) {
    if (secret.complete()) std::tie(secret.verdict, secret.reason) = *verdict++;
  }
}

}  // namespace

void warn_if_unverified(const Kubectl& kubectl, const KubeconfigView& view,
                        const Journal& journal) {
  if (view.verifies_server) return;
  const auto& target = kubectl.target();
  journal.warning(
      fmt::format("kubectl does not verify the server of the {} ({}): {} says "
                  "insecure-skip-tls-verify: true",
                  name_of(target.side), view.server, target.kubeconfig));
}

void take_kubeconfigs(Clusters& clusters, const Observation& seen, const Journal& journal) {
  const auto take = [&](Kubectl& kubectl, const KubeconfigView& view) {
    kubectl = kubectl.in_context(view.context);
    if (!clusters.warned) warn_if_unverified(kubectl, view, journal);
  };
  take(clusters.downstream, seen.downstream.kubeconfig);
  take(clusters.local, seen.local.kubeconfig);
  clusters.warned = true;
  clusters.downstream = clusters.downstream.of_version(seen.kubectl_version);
  if (clusters.local.target().program == clusters.downstream.target().program) {
    clusters.local = clusters.local.of_version(seen.kubectl_version);
  }
  for (auto* kubectl : {&clusters.downstream, &clusters.local}) {
    auto selected = kubectl->as_selected();
    if (!selected) continue;
    journal.finding(fmt::format("{} starts {} for the {}: retrust starts that one itself from here",
                                kubectl->target().named, selected->target().program,
                                name_of(kubectl->target().side)));
    *kubectl = std::move(*selected);
  }
}

const json::value& choose_cluster(const json::value& local_list, const std::string& wanted,
                                  const std::string& listing) {
  const auto clusters = items_of(local_list, "Cluster");
  std::vector<NamedCluster> known;
  for (const auto* cluster : clusters) {
    known.push_back({ClusterId::if_allowed(text_at(*cluster, "/metadata/name")),
                     text_at(*cluster, "/spec/displayName")});
  }
  const auto id = selected_cluster(wanted, known, listing);
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const NamedCluster& each) { return each.id == id; });
  return *clusters[static_cast<std::size_t>(found - known.begin())];
}

awaitable<std::vector<std::pair<Verdict, DisplayText>>> review_tokens(const Kubectl& downstream,
                                                                      std::vector<Secret> tokens) {
  json::array reviews;
  for (const auto& token : tokens) reviews.push_back(token_review(token));
  std::vector<std::pair<Verdict, DisplayText>> verdicts;
  const auto answers = co_await downstream.review(std::move(reviews));
  for (const auto& answer : answers) {
    verdicts.push_back(verdict_of(answer));
  }
  co_return verdicts;
}

awaitable<void> review_permissions(Kubectl kubectl, std::vector<Permission> permissions,
                                   Observation& seen) {
  if (permissions.empty()) co_return;
  json::array reviews;
  for (const auto& permission : permissions) reviews.push_back(access_review(permission));
  const auto answers = co_await kubectl.review(std::move(reviews));
  for (std::size_t i = 0; i < permissions.size(); ++i) {
    take_review(answers[i], permissions[i], seen);
  }
}

Identity identity_of(const Observation& seen) {
  const auto claims = parse_token(seen.local.cluster.stored.token.reveal());
  const auto named = claims && !claims->service_account_uid.empty();
  const auto& accounts = seen.downstream.accounts;
  const auto same = named && std::any_of(accounts.begin(), accounts.end(), [&](const auto& each) {
                      return claims->service_account == each.first.text() &&
                             claims->service_account_uid == each.second.text();
                    });
  if (same) return Identity::account;
  // The account may have been deleted and created again. The agents' registration token is the
  // other evidence.
  const auto state = seen.registration.state;
  if (state == Registration::State::present || state == Registration::State::previous) {
    return Identity::registration;
  }
  if (seen.registration.claims(seen.local.cluster.id)) return Identity::claimed;
  return named ? Identity::contradicted : Identity::unproven;
}

awaitable<Observation> observe(Clusters& clusters, const ObserveOptions& options, Journal journal) {
  Answers answers;
  // All questions start together. Their output waits until both kubeconfigs are read.
  const auto executor = co_await boost::asio::this_coro::executor;
  Gate gate(executor);
  KubeconfigRegistration registration(gate, clusters.redactor, 2);
  const auto downstream = clusters.downstream.behind(gate);
  const auto local = clusters.local.behind(gate);
  std::vector<awaitable<void>> questions;
  questions.push_back(registration.read(clusters.downstream, answers.config));
  questions.push_back(registration.read(clusters.local, answers.local_config));
  questions.push_back(
      store(downstream.get(commands::observe_downstream(options.name_space), downstream_trim()),
            answers.downstream));
  questions.push_back(store(local.get(commands::observe_local("cattle-system", options.cluster),
                                      local_trim(options.cluster)),
                            answers.local));
  questions.push_back(ask_versions(downstream, answers.versions));
  auto ends = co_await all_settled(std::move(questions));
  registration.check();
  ends[2] = with_login_advice(ends[2], answers.config, downstream);
  ends[3] = with_login_advice(ends[3], answers.local_config, local);
  ends[2] = told_by_kubeconfig(ends[2], answers.config, downstream);
  ends[3] = told_by_kubeconfig(ends[3], answers.local_config, local);
  auto given = parse_kubeconfig(answers.config);
  check_two_contexts(clusters, given, parse_kubeconfig(answers.local_config));
  co_await check_direct(clusters, std::move(given));
  if (!ends[2] && lacks_clusters(ends[3], answers.local)) {
    co_await check_not_swapped(clusters, options.cluster);
  }
  const auto listing = clusters.local.shown(commands::cluster_names());
  throw_most_specific(ends, answers, options.cluster, listing);

  Observation seen;
  seen.seen_at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto view = parse_kubeconfig(answers.config);
  seen.downstream = parse_downstream(answers.downstream, options.name_space, clusters.redactor);
  seen.downstream.kubeconfig = view;
  if (!options.expected.empty() && seen.downstream.kube_system_uid != options.expected) {
    throw Failure(
        FailureCode::wrong_cluster,
        fmt::format("{} leads to another cluster than a moment ago, when retrust chose it",
                    clusters.downstream.target().kubeconfig),
        "find out who changes this file, then run again");
  }
  seen.local.kube_system_uid = kube_system_uid(answers.local);
  seen.local.cluster =
      parse_cluster(choose_cluster(answers.local, options.cluster, listing), clusters.redactor);
  refuse_own_cluster(seen.local.cluster, clusters.local);
  seen.local.rancher = parse_rancher(answers.local);
  seen.local.server_url = server_url(answers.local);
  seen.local.kubeconfig = parse_kubeconfig(answers.local_config);
  seen.kubectl_version = answers.versions.kubectl;
  // The API server's own version counts. Rancher's record may be from before an upgrade that broke
  // the connection.
  seen.downstream.kubernetes_version = answers.versions.server;
  if (seen.downstream.kubernetes_version.empty()) {
    seen.downstream.kubernetes_version = seen.local.cluster.kubernetes_version;
  }
  answers.local = {};
  take_kubeconfigs(clusters, seen, journal);
  take_read_place(seen.local.cluster, seen.local.rancher, clusters.redactor);
  std::vector<awaitable<void>> stored;
  stored.push_back(read_stored_token(clusters.local, seen.local.cluster, clusters.redactor));
  const auto two = !seen.downstream.kube_system_uid.empty() &&
                   seen.downstream.kube_system_uid != seen.local.kube_system_uid;
  if (two) stored.push_back(take_registration(clusters, seen));
  co_await wait_all(std::move(stored));
  const auto take_account = [&](ObjectName account) {
    auto& there = seen.downstream;
    there.account = std::move(account);
    there.tokens.clear();
    if (there.account.empty()) return;
    there.tokens =
        parse_tokens(answers.downstream, options.name_space, there.account, clusters.redactor);
    std::erase_if(there.other_tokens,
                  [&](const UserToken& token) { return token.account == there.account; });
  };
  if (auto account = live_account(seen, options.name_space); account != agent_account) {
    take_account(std::move(account));
  }

  if (two) seen.identity = identity_of(seen);
  if (seen.identity == Identity::account || seen.identity == Identity::registration ||
      seen.identity == Identity::claimed) {
    std::vector<awaitable<void>> reviews;
    reviews.push_back(review_downstream(clusters, options, seen));
    reviews.push_back(
        review_permissions(clusters.local, permissions_in(Side::local, options, seen), seen));
    reviews.push_back(check_handed_out_ca(clusters, view, seen));
    if (options.affected == AffectedChoice::look) {
      reviews.push_back(observe_affected(clusters.downstream, options.name_space, seen));
    }
    reviews.push_back(take_new_pods(clusters, options.name_space, seen));
    co_await wait_all(std::move(reviews));
    // The agents report their own account's token when they start.
    const auto reported =
        why_not_reported(seen.local.cluster, seen.local.rancher, Reported::token_and_ca).empty();
    if (is_ranchers_own(seen) && reported && seen.stored_verdict == Verdict::rejected) {
      take_account(agent_account);
      co_await review_live(clusters, seen);
    }
    // The verdicts on the other tokens are the cause to review those of the users.
    co_await observe_user_tokens(clusters, options, journal, seen);
  }
  co_return seen;
}

}  // namespace retrust
