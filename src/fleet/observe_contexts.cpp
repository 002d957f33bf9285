#include "fleet/observe_contexts.h"

#include <exception>
#include <utility>

#include <fmt/format.h>

#include "base/failure.h"
#include "observe/commands.h"
#include "observe/kubeconfig_registration.h"
#include "observe/observe.h"
#include "observe/observe_registration.h"
#include "observe/parse.h"
#include "observe/trim.h"
#include "process/tasks.h"

namespace retrust {
namespace {

using boost::asio::awaitable;

/// What the reads of all files share.
struct Reading {
  KubectlFor kubectl;
  std::vector<KubeconfigFile> files;
  std::vector<std::vector<GivenContext>> found;
};

awaitable<void> read_file(Reading& reading, std::size_t index) {
  const auto& file = reading.files[index];
  auto& found = reading.found[index];
  GivenContext unread{file.path, {}, {}};
  unread.trouble = file.trouble;
  if (unread.trouble.empty()) {
    try {
      const auto kubectl = reading.kubectl(file.path, {});
      const auto config = co_await kubectl.whole_config();
      found = contexts_of(file, config);
      co_return;
    } catch (const Failure& failure) {
      unread.trouble = failure.in_full();
    }
  }
  found.push_back(std::move(unread));
}

/// What the questions to all contexts share.
struct Matching {
  KubectlFor kubectl;
  Kubectl local;
  Redactor& redactor;
  KnownClusters known;
  std::vector<Match> matches;
};

awaitable<ContextFacts> observe_context(Matching& matching, GivenContext context) {
  auto kubectl = matching.kubectl(context.file, context.name);
  // Among many, one that hangs must not hold up the others for long.
  if (matching.matches.size() > 1) kubectl = kubectl.within(longest_answer);
  // Nothing that a cluster prints is shown before the secrets of its kubeconfig are known.
  co_await register_kubeconfig(kubectl, matching.redactor);
  const auto& name_space = matching.known.name_space;
  const auto list =
      co_await kubectl.get(commands::observe_downstream(name_space), downstream_trim());
  auto seen = parse_downstream(list, name_space, matching.redactor);
  co_return ContextFacts{std::move(seen.kube_system_uid), std::move(seen.accounts),
                         std::move(seen.agent_credentials)};
}

/// Clusters of which Rancher knows the registration token that the agents mount. The agents' claim
/// says where to look, and the token proves it.
awaitable<std::vector<ClusterId>> clusters_by_token(Matching& matching, Match& match,
                                                    const ContextFacts& facts) {
  using State = Registration::State;
  const Clusters clusters{matching.kubectl(match.context.file, match.context.name), matching.local,
                          matching.redactor};
  std::vector<ClusterId> found;
  const auto claimed = claimed_clusters(facts, matching.known.accounts);
  for (const auto& id : claimed) {
    Observation seen;
    seen.seen_at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    seen.local.cluster.id = id;
    seen.downstream.agent_credentials = facts.agents;
    const auto registration = co_await observe_registration(clusters, std::move(seen));
    const auto state = registration.state;
    if (state == State::present || state == State::previous) found.push_back(id);
    if (!registration.trouble.empty()) match.trouble = registration.trouble;
  }
  co_return found;
}

awaitable<void> match_context(Matching& matching, std::size_t index) {
  using Result = Match::Result;
  auto& match = matching.matches[index];
  const auto& context = match.context;
  match.trouble = context.trouble;
  if (!match.trouble.empty()) co_return;
  if (!context.through.empty()) {
    match.result = Result::through;
    co_return;
  }
  try {
    const auto facts = co_await observe_context(matching, context);
    match.kube_system_uid = facts.kube_system_uid;
    if (!facts.kube_system_uid.empty() && facts.kube_system_uid == matching.known.kube_system_uid) {
      match.result = Result::own;
      co_return;
    }
    match.clusters = clusters_by_account(facts, matching.known.accounts);
    if (match.clusters.empty()) {
      auto by_token = co_await clusters_by_token(matching, match, facts);
      match.clusters = std::move(by_token);
    }
    match.result = match.clusters.empty()       ? Result::unproven
                   : match.clusters.size() == 1 ? Result::proven
                                                : Result::several;
  } catch (const Failure& failure) {
    match.result = Result::no_answer;
    match.trouble = failure.in_full();
    match.failure = std::current_exception();
  }
}

}  // namespace

awaitable<std::vector<GivenContext>> read_contexts(KubectlFor kubectl,
                                                   std::vector<KubeconfigFile> files,
                                                   std::size_t at_once) {
  Reading reading{std::move(kubectl), std::move(files), {}};
  reading.found.resize(reading.files.size());
  std::function<awaitable<void>(std::size_t)> read = [&reading](std::size_t index) {
    return read_file(reading, index);
  };
  co_await some_at_once(reading.files.size(), at_once, std::move(read));
  std::vector<GivenContext> contexts;
  for (auto& found : reading.found) {
    for (auto& each : found) contexts.push_back(std::move(each));
  }
  if (contexts.size() > most_contexts) {
    throw Failure(ExitStatus::usage,
                  fmt::format("the kubeconfigs hold {} contexts, and {} are the limit",
                              contexts.size(), most_contexts),
                  "give kubeconfigs with the contexts that are meant");
  }
  co_return contexts;
}

awaitable<std::vector<Match>> match_contexts(KubectlFor kubectl, Kubectl local, Redactor& redactor,
                                             KnownClusters known,
                                             std::vector<GivenContext> contexts,
                                             std::size_t at_once) {
  Matching matching{std::move(kubectl), std::move(local), redactor, std::move(known), {}};
  for (auto& context : contexts) {
    Match match;
    match.context = std::move(context);
    matching.matches.push_back(std::move(match));
  }
  std::function<awaitable<void>(std::size_t)> ask = [&matching](std::size_t index) {
    return match_context(matching, index);
  };
  co_await some_at_once(matching.matches.size(), at_once, std::move(ask));
  mark_repeated(matching.matches);
  co_return std::move(matching.matches);
}

}  // namespace retrust
