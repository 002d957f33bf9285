#include "observe/observation.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

#include "base/text.h"
#include "credentials/certificate.h"

namespace retrust {

std::optional<Version> parse_version(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  Version version;
  int* const parts[] = {&version.major, &version.minor, &version.patch};
  for (std::size_t i = 0; i < std::size(parts); ++i) {
    if (text.starts_with('-')) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *parts[i]);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (i + 1 < std::size(parts)) {
      if (!text.starts_with('.')) return std::nullopt;
      text.remove_prefix(1);
    }
  }
  return version;
}

std::string TokenSecret::lack() const {
  if (complete()) return {};
  if (foreign_token) return "what it holds as its token is no JWT, so no service account's token";
  if (credentials.ca_pem.empty()) {
    return credentials.token.empty() ? "it holds no token and CA" : "it holds no CA";
  }
  return "it holds no token";
}

const TokenSecret* Observation::live() const {
  const auto& tokens = downstream.tokens;
  const auto is_good = [](const TokenSecret& secret) {
    return secret.complete() && secret.verdict != Verdict::rejected;
  };
  const auto in_use = std::find_if(tokens.begin(), tokens.end(), [&](const TokenSecret& secret) {
    return is_good(secret) && secret.credentials.token == local.cluster.stored.token;
  });
  if (in_use != tokens.end()) return &*in_use;
  const auto good = std::find_if(tokens.begin(), tokens.end(), is_good);
  if (good != tokens.end()) return &*good;
  return tokens.empty() ? nullptr : &tokens.front();
}

std::optional<Credentials> Observation::live_credentials() const {
  const auto* secret = live();
  if (secret == nullptr) return std::nullopt;
  auto credentials = secret->credentials;
  if (downstream.root_ca) credentials.ca_pem = *downstream.root_ca;
  if (downstream.right_ca) credentials.ca_pem = *downstream.right_ca;
  if (downstream.account != agent_account) {
    credentials.ca_pem = with_additional(credentials.ca_pem, local.cluster.stored.ca_pem);
  }
  return credentials;
}

Comparison Observation::comparison() const {
  const auto credentials = live_credentials();
  if (!credentials) return {Comparison::Part::differs, Comparison::Part::differs};
  const auto& stored = local.cluster.stored;
  auto comparison = compare(stored, *credentials);
  const auto gained = comparison.token == Comparison::Part::same &&
                      comparison.ca == Comparison::Part::differs &&
                      stored_verdict == Verdict::accepted && proven_ca &&
                      same_certificates(stored.ca_pem, *proven_ca) &&
                      contains_certificates(credentials->ca_pem, stored.ca_pem);
  if (gained) comparison.ca = Comparison::Part::gained;
  return comparison;
}

std::string says(Verdict verdict) {
  switch (verdict) {
    case Verdict::accepted:
      return "accepts it";
    case Verdict::rejected:
      return "rejects it";
    case Verdict::unknown:
      break;
  }
  return {};
}

std::string why_not_running(const Pod& pod) {
  // A pod is without these for some seconds at each start. kubernetes/kubernetes v1.35.0,
  // pkg/kubelet/kubelet_pods.go: ContainerCreating, PodInitializing.
  const auto starts =
      pod.waiting.empty() || pod.waiting == "ContainerCreating" || pod.waiting == "PodInitializing";
  // Between two restarts a container runs for a moment.
  constexpr std::int64_t few_restarts = 2;
  if (pod.ready) return {};
  if (pod.unschedulable) return fmt::format("no node takes it: {}", pod.detail);
  if (starts && pod.restarts <= few_restarts) return {};
  auto text = starts ? std::string("not ready") : pod.waiting.str();
  // A message about restarts tells nothing else.
  if (!starts && pod.restarts == 0 && !pod.detail.empty()) {
    text += fmt::format(" ({})", pod.detail);
  }
  if (pod.restarts > 0) {
    text += fmt::format(", {}", counted(static_cast<std::size_t>(pod.restarts), "restart"));
  }
  if (!pod.last_end.empty()) text += fmt::format(", last {}", pod.last_end);
  return text;
}

std::vector<Pod> agent_pods(const std::vector<Pod>& pods) {
  std::vector<Pod> agents;
  std::copy_if(pods.begin(), pods.end(), std::back_inserter(agents), [](const Pod& pod) {
    return pod.service_account == agent_account && pod.phase != "Succeeded" &&
           pod.phase != "Failed";
  });
  return agents;
}

}  // namespace retrust
