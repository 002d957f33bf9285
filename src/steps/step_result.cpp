#include "steps/step_result.h"

#include <fmt/format.h>

#include "base/text.h"
#include "credentials/certificate.h"
#include "credentials/token.h"

namespace retrust {
namespace {

std::string stored_text(const Observation& seen) {
  const auto comparison = seen.comparison();
  if (comparison.equal()) return "Rancher has stored the live token and CA";
  return text_of(comparison);
}

std::string agents_text(const Observation& seen) {
  std::vector<std::string> names;
  for (const auto& pod : agent_pods(seen.downstream.pods)) {
    if (pod.ready && !pod.terminating) names.push_back(pod.name.text());
  }
  return names.empty() ? std::string("new agents run")
                       : fmt::format("new agents run: {}", enumerated(names));
}

}  // namespace

StepResult result_of(Step step, const Observation& seen) {
  const auto* live = seen.live();
  switch (step) {
    case Step::backup_container:
      return {"Rancher's data are saved"};
    case Step::backup_etcd:
      return {"a snapshot of the etcd of Rancher's cluster is saved"};
    case Step::delete_token:
      return {live == nullptr ? std::string("the agents will make a token secret when they start")
                              : fmt::format("the agents' token secret is {}", live->name)};
    case Step::recreate_agents:
      return {agents_text(seen)};
    case Step::get_token:
      if (live == nullptr) return {"there is none"};
      return {fmt::format("token sha256:{} of the secret {}",
                          fingerprint(live->credentials.token.reveal()), live->name)};
    case Step::get_ca: {
      const auto credentials = seen.live_credentials();
      if (!credentials || !seen.seen_at) return {"there is none"};
      return {fmt::format("CA certificate, {}", validity_text(credentials->ca_pem, *seen.seen_at))};
    }
    case Step::check_cluster:
      return {stored_text(seen), seen.comparison().equal() ? "" : "not the same"};
    case Step::update_cluster:
      return {stored_text(seen)};
    case Step::restart_rancher:
      return {"Rancher's server was restarted"};
    case Step::repair_impersonation:
      return {fmt::format("{} left that Rancher would create again",
                          counted(seen.own_tokens.doomed(), "rejected token"))};
  }
  return {};
}

std::string verdict_of_run(const Observation& seen, Repaired repaired) {
  const auto& cluster = seen.local.cluster;
  auto text = fmt::format("Rancher has stored the live token and CA of {} ({})",
                          cluster.display_name, cluster.id.text());
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
  return text;
}

}  // namespace retrust
