#include <fmt/format.h>

#include "runbook/agent_token.h"
#include "runbook/execution.h"
#include "runbook/stored_token.h"
#include "transcript/text.h"

namespace retrust {
namespace {

std::string condition_text(const Condition& ready) {
  if (ready.status.empty()) return "Rancher has not said whether the cluster is ready";
  auto text = fmt::format("Rancher says: Ready {}", one_line(ready.status));
  if (!ready.reason.empty()) text += fmt::format(" ({})", one_line(ready.reason));
  if (!ready.message.empty()) text += fmt::format(": {}", one_line(ready.message));
  return text;
}

std::string verdict_text(const TokenSecret& secret) {
  if (!secret.complete()) return fmt::format("token secret {} is incomplete", secret.name);
  switch (secret.verdict) {
    case Verdict::accepted:
      return fmt::format("the cluster accepts the token in {}", secret.name);
    case Verdict::rejected:
      return fmt::format("the cluster rejects the token in {}", secret.name);
    case Verdict::unknown:
      break;
  }
  return fmt::format("token secret {}", secret.name);
}

}  // namespace

std::vector<std::string> findings(const Observation& observation) {
  const auto& cluster = observation.local.cluster;
  const auto& downstream = observation.downstream;
  std::vector<std::string> lines;
  lines.push_back(fmt::format(
      "cluster {} ({}), Kubernetes {}, driver {}, at {}", one_line(cluster.display_name),
      one_line(cluster.id),
      downstream.kubernetes_version.empty() ? "unknown" : one_line(downstream.kubernetes_version),
      cluster.driver.empty() ? "not set" : one_line(cluster.driver),
      one_line(downstream.kubeconfig.server)));
  const auto& version = observation.local.rancher.version_text;
  lines.push_back(
      fmt::format("Rancher {}", version.empty() ? "of unknown version" : one_line(version)));
  lines.push_back(condition_text(cluster.ready));
  if (!cluster.token_secret_name.empty()) {
    lines.push_back(fmt::format("Rancher keeps the token in the Secret {} of {}{}",
                                one_line(cluster.token_secret_name), credential_namespace,
                                cluster.token_secret ? "" : ", which is gone"));
  }
  for (const auto& secret : downstream.tokens) lines.push_back(verdict_text(secret));
  for (const auto& secret : downstream.tokens) {
    if (agree_on_ca(downstream, secret)) continue;
    lines.push_back(
        fmt::format("{} and the ConfigMap kube-root-ca.crt hold different CAs: "
                    "kube-controller-manager writes a new one into both, a moment "
                    "after it got it",
                    secret.name));
  }
  if (downstream.tokens.empty()) lines.emplace_back("there is no token secret of cattle");
  if (observation.stored_verdict == Verdict::rejected) {
    lines.emplace_back("the cluster rejects the token that Rancher has stored");
  }
  const auto comparison = observation.comparison();
  const auto part = [](Comparison::Part of) {
    switch (of) {
      case Comparison::Part::same:
        return "the same";
      case Comparison::Part::differs:
        return "different";
      case Comparison::Part::stored_missing:
        return "not stored";
    }
    return "";
  };
  lines.push_back(fmt::format("stored against live: token {}, CA {}", part(comparison.token),
                              part(comparison.ca)));
  if (downstream.handed_out_ca == Downstream::HandedOutCa::not_provable) {
    lines.push_back(fmt::format(
        "not provable from here: {} has a certificate of its own, so whether the CA fits the API "
        "server behind it cannot be seen",
        one_line(downstream.kubeconfig.server)));
  }
  for (auto& line : own_token_findings(observation.own_tokens)) lines.push_back(std::move(line));
  return lines;
}

std::string credentials_diff(const Observation& observation) {
  const auto live = observation.live_credentials();
  return unified_diff(render(observation.local.cluster.stored),
                      live ? render(*live) : std::vector<std::string>{}, "stored in Rancher",
                      "live in the cluster");
}

bool differs(const Observation& observation, const Plan& plan) {
  return plan.next_change() != nullptr || !observation.comparison().equal();
}

}  // namespace retrust
