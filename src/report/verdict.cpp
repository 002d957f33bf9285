#include "report/verdict.h"

#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "observe/stuck_agents.h"
#include "report/affected.h"

namespace retrust {
namespace {

/// A clause about the rejected tokens of Rancher's users, and one about those of others.
void add_tokens(std::vector<std::string>& clauses, const UserTokens& tokens) {
  // rancher/rancher v2.12.3, pkg/clusterrouter/proxy/proxy_server.go.
  std::size_t users = 0;
  for (const auto& group : tokens.groups) {
    if (group.owner == TokenOwner::user) users += group.doomed();
  }
  if (users > 0) {
    clauses.push_back(fmt::format("{} of Rancher's users cannot use it until 3.2", users));
  }
  if (const auto others = tokens.rejected() - users; others > 0) {
    clauses.push_back(
        fmt::format("the cluster rejects {} of Rancher's there", counted(others, "other token")));
  }
}

std::vector<std::string> wrong_beside_ready(const Observation& seen) {
  std::vector<std::string> clauses;
  const auto add = [&](std::string clause) {
    if (!clause.empty()) clauses.push_back(std::move(clause));
  };
  add(stuck_text(stuck_agents(seen)));
  add(new_pods_trouble(seen.new_pods));
  const auto& registration = seen.registration;
  if (registration.state != Registration::State::unknown || registration.is_another_rancher()) {
    add(registration_trouble(registration));
  }
  if (seen.local.cluster.agent_deployed.status == "False") {
    add("Rancher could not deploy its agents");
  }
  add_tokens(clauses, seen.user_tokens);
  for (auto& clause : affected_clauses(seen)) add(std::move(clause));
  return clauses;
}

}  // namespace

std::vector<std::string> still_wrong(const Observation& seen) {
  auto clauses = wrong_beside_ready(seen);
  const auto& ready = seen.local.cluster.ready.status;
  // Rancher does not say Ready before the agents run.
  if (!ready.empty() && ready != "True" && stuck_agents(seen).empty()) {
    clauses.insert(clauses.begin(), fmt::format("Rancher says Ready {}", ready));
  }
  return clauses;
}

std::string verdict_of_run(const Observation& seen, Repaired repaired) {
  const auto& cluster = seen.local.cluster;
  if (!seen.comparison().equal()) return text_of(seen.comparison());
  auto text = fmt::format("Rancher has stored the live token and {} of {} ({})",
                          seen.comparison().same() ? "CA" : "a good CA", cluster.display_name,
                          cluster.id.text());
  const auto& server = seen.downstream.kubeconfig.server;
  if (seen.downstream.handed_out_ca == Downstream::HandedOutCa::not_provable) {
    text += ", whether they reach it is not provable from here";
  } else if (seen.stored_verdict == Verdict::accepted) {
    text += fmt::format(", and {} was reached with them", server);
  }
  if (repaired == Repaired::by_retrust) text += "; retrust wrote them";
  if (repaired == Repaired::after_silence) {
    text += "; retrust wrote them, as the agents did not report them in time";
  }
  if (!cluster.ready.status.empty()) {
    text += fmt::format("; Rancher says Ready {}", cluster.ready.status);
  }
  for (const auto& clause : wrong_beside_ready(seen)) text += "; " + clause;
  return text;
}

}  // namespace retrust
