#include "report/verdict.h"

#include <fmt/format.h>

namespace retrust {

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
  // rancher/rancher v2.12.3, pkg/clusterrouter/proxy/proxy_server.go.
  std::size_t users = 0;
  for (const auto& group : seen.user_tokens.groups) {
    if (group.owner == TokenOwner::user) users += group.doomed();
  }
  if (users > 0) {
    text += fmt::format("; {} of Rancher's users cannot use it until 3.2", users);
  }
  return text;
}

}  // namespace retrust
