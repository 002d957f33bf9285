#include "report/findings.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/display_text.h"
#include "credentials/certificate.h"
#include "credentials/token.h"
#include "observe/agent_token.h"
#include "observe/handed_out_ca.h"
#include "observe/live_account.h"
#include "observe/redeployment.h"
#include "observe/stored_token.h"
#include "observe/stuck_agents.h"
#include "report/affected.h"

namespace retrust {
namespace {

std::string condition_text(const Condition& ready) {
  if (ready.status.empty()) return "Rancher has not said whether the cluster is ready";
  auto text = fmt::format("Rancher says: Ready {}", ready.status);
  if (!ready.reason.empty()) text += fmt::format(" ({})", ready.reason);
  if (!ready.message.empty()) text += fmt::format(": {}", ready.message);
  return text;
}

std::string verdict_text(const TokenSecret& secret) {
  if (!secret.complete()) {
    return fmt::format("token secret {} is incomplete: {}", secret.name, secret.lack());
  }
  switch (secret.verdict) {
    case Verdict::accepted:
      return fmt::format("the cluster accepts the token in {}", secret.name);
    case Verdict::rejected:
      return fmt::format("the cluster rejects the token in {}", secret.name);
    case Verdict::unknown:
      break;
  }
  if (!secret.reason.empty()) {
    return fmt::format("whether the cluster accepts the token in {} is not clear: {}", secret.name,
                       secret.reason);
  }
  return fmt::format("token secret {}", secret.name);
}

/// Text of the known parts of a place: " at https://…, kube-system UID".
std::string where(const std::string& server, const std::string& uid) {
  std::string text;
  if (!server.empty()) text += " at " + server;
  if (!uid.empty()) text += ", kube-system " + uid;
  return text;
}

}  // namespace

std::vector<std::string> findings(const Observation& observation, Detail detail) {
  const auto& cluster = observation.local.cluster;
  const auto& downstream = observation.downstream;
  std::vector<std::string> lines;
  lines.push_back(fmt::format(
      "cluster {} ({}), Kubernetes {}, driver {}, at {}", cluster.display_name, cluster.id.text(),
      downstream.kubernetes_version.empty() ? "unknown" : downstream.kubernetes_version,
      cluster.driver.empty() ? "not set" : cluster.driver, downstream.kubeconfig.server));
  const auto& version = observation.local.rancher.version_text;
  const auto rancher = fmt::format("Rancher {}", version.empty() ? "of unknown version" : version);
  auto condition = condition_text(cluster.ready);
  const auto brief = detail == Detail::brief;
  if (brief) {
    constexpr std::size_t most = 260;
    lines.back() += ", " + rancher;
    condition = DisplayText(condition, most);
  } else {
    lines.push_back(rancher);
  }
  lines.push_back(std::move(condition));
  if (!cluster.token_secret_name.empty()) {
    lines.push_back(fmt::format("Rancher keeps the token in the Secret {} of {}{}",
                                cluster.token_secret_name.text(), credential_namespace,
                                cluster.token_secret ? "" : ", which is gone"));
  }
  if (!cluster.unread_secret.empty()) {
    lines.push_back(
        fmt::format("the record names the Secret {}, which Rancher {} does not read: it "
                    "reads the plain field serviceAccountToken. Was Rancher rolled "
                    "back?",
                    cluster.unread_secret, version));
  }
  if (cluster.deletion) {
    lines.push_back(fmt::format("the clusters resource is being deleted by Rancher since {}",
                                minute_text(*cluster.deletion)));
  }
  if (is_ranchers_own(observation)) {
    lines.push_back(fmt::format("the token is of the service account {}, not of the agents'",
                                account_text(observation)));
    lines.push_back(who_rotates(observation));
  }
  for (const auto& secret : downstream.tokens) lines.push_back(verdict_text(secret));
  for (const auto& secret : downstream.tokens) {
    auto text = ca_behind_text(downstream, secret);
    if (!text.empty()) lines.push_back(std::move(text));
  }
  for (const auto& secret : downstream.tokens) {
    if (secret.invalid_since.empty()) continue;
    lines.push_back(
        fmt::format("Kubernetes has marked {} as unused since {}, and rejects its token "
                    "for that",
                    secret.name, secret.invalid_since));
  }
  if (auto text = account_trouble(observation); !text.empty()) lines.push_back(std::move(text));
  if (downstream.tokens.empty()) {
    lines.push_back(fmt::format("there is no token secret of {}", account_text(observation)));
  }
  if (observation.stored_verdict == Verdict::rejected && !brief) {
    lines.emplace_back("the cluster rejects the token that Rancher has stored");
  }
  if (observation.is_unclear()) {
    lines.push_back(fmt::format(
        "whether the cluster accepts the token that Rancher has stored is not clear: {}",
        observation.stored_reason));
  }
  if (auto text = registration_trouble(observation.registration); !text.empty()) {
    lines.push_back(std::move(text));
  }
  if (const auto& deployed = cluster.agent_deployed; deployed.status == "False") {
    lines.push_back(fmt::format("Rancher could not deploy its agents{}{}",
                                deployed.message.empty() ? "" : ": ", deployed.message));
  }
  for (const auto& stuck : stuck_agents(observation)) lines.push_back(stuck_text({stuck}));
  if (const auto& unread = observation.new_pods.unread; !unread.empty()) {
    lines.push_back(fmt::format("whether new pods start is unknown: {}", unread));
  }
  if (auto text = new_pods_trouble(observation.new_pods); !text.empty()) {
    lines.push_back(std::move(text));
  }
  if (observation.identity == Identity::claimed) {
    lines.push_back(
        fmt::format("nothing proves that this is {}: only its agents claim it, which "
                    "any cluster can",
                    cluster.id));
  }
  lines.push_back(text_of(observation.comparison()));
  if (observation.comparison().ca == Comparison::Part::gained) {
    lines.emplace_back(
        "Rancher works with its stored CA, which verifies the API server. Rancher would not trust "
        "a server certificate of a CA that the cluster gained");
  }
  if (downstream.handed_out_ca == Downstream::HandedOutCa::not_provable) {
    lines.push_back(fmt::format(
        "not provable from here: {} has a certificate of its own, so whether the CA fits the API "
        "server behind it cannot be seen",
        downstream.kubeconfig.server));
  }
  for (auto& line : user_token_findings(observation.user_tokens)) lines.push_back(std::move(line));
  for (auto& line : affected_findings(observation)) lines.push_back(std::move(line));
  return lines;
}

Finding facts(const Observation& observation, const Programs& programs) {
  const auto& cluster = observation.local.cluster;
  const auto& downstream = observation.downstream;
  Finding told;
  told.downstream_cluster =
      fmt::format("{} ({}){}", cluster.display_name, cluster.id.text(),
                  where(downstream.kubeconfig.server, downstream.kube_system_uid));
  // Rancher calls its own cluster "local".
  std::string local = "local";
  if (observation.container) local += " in container " + observation.container->name.text();
  told.local_cluster =
      local + where(observation.local.kubeconfig.server, observation.local.kube_system_uid);
  told.rancher_version = observation.local.rancher.version_text.str();
  told.kubernetes_version = downstream.kubernetes_version.str();
  told.kubectl_version = observation.kubectl_version.str();
  told.kubectl_path = programs.kubectl;
  if (observation.container) {
    told.docker_version = observation.container->docker.str();
    told.docker_path = programs.docker;
  }
  told.backup_tool_version = observation.backup.tool_version.str();
  told.backup_tool_path = observation.backup.tool_program;
  return told;
}

void tell_waived_backup(const Journal& journal) {
  Finding told;
  told.rancher_backup = waived_backup;
  journal.finding(fmt::format("the backup of Rancher is {}", waived_backup), std::move(told));
}

std::vector<std::string> render_stored(const Observation& observation) {
  return render(observation.local.cluster.stored,
                {says(observation.stored_verdict), observation.seen_at});
}

std::string credentials_diff(const Observation& observation) {
  const auto* secret = observation.live();
  const auto live = observation.live_credentials();
  if (live && observation.comparison().same()) return {};
  return unified_diff(render_stored(observation),
                      live ? render(*live, {says(secret->verdict), observation.seen_at})
                           : std::vector<std::string>{},
                      "stored in Rancher", "live in the cluster");
}

std::vector<std::string> credentials_table(const Observation& observation) {
  struct Held {
    std::string place;
    Credentials credentials;
    Verdict verdict = Verdict::unknown;
  };
  const auto* secret = observation.live();
  const auto& cluster = observation.local.cluster;
  const Held stored{cluster.token_secret_name.empty()
                        ? "clusters " + cluster.id.text()
                        : "secret " + cluster.token_secret_name.text(),
                    cluster.stored, observation.stored_verdict};
  const Held live{secret == nullptr ? "nowhere" : "secret " + secret->name.text(),
                  observation.live_credentials().value_or(Credentials{}),
                  secret == nullptr ? Verdict::unknown : secret->verdict};
  const auto token = [](const Held& side) {
    if (side.credentials.token.empty()) return std::string("none");
    const auto word = side.verdict == Verdict::accepted   ? ", accepted"
                      : side.verdict == Verdict::rejected ? ", rejected"
                                                          : "";
    return fingerprint(side.credentials.token.reveal()) + word;
  };
  const auto ca = [&](const Held& side) {
    const auto certificates = parse_certificates(side.credentials.ca_pem);
    if (side.credentials.ca_pem.empty()) return std::string("none");
    if (certificates.empty()) return std::string("cannot be read");
    auto text = certificates.front().sha256.substr(0, 12);
    if (certificates.size() > 1) text += fmt::format(" and {} more", certificates.size() - 1);
    if (observation.seen_at) {
      text += ", " + validity_text(side.credentials.ca_pem, *observation.seen_at);
    }
    return text;
  };
  const auto comparison = observation.comparison();
  const auto word = [](Comparison::Part part) {
    return part == Comparison::Part::same     ? "same"
           : part == Comparison::Part::gained ? "gained"
                                              : "different";
  };
  const std::vector<std::array<std::string, 4>> rows{
      {"SHA-256", "stored in Rancher", "live in the cluster", ""},
      {"in", stored.place, live.place, ""},
      {"token", token(stored), token(live), word(comparison.token)},
      {"CA", ca(stored), ca(live), word(comparison.ca)}};
  std::array<std::size_t, 4> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::vector<std::string> lines;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
  return lines;
}

bool differs(const Observation& observation, const Plan& plan) {
  return plan.next_change() != nullptr || !observation.comparison().equal() ||
         holders_differ(observation) || observation.is_unclear() || is_cut_off(observation);
}

}  // namespace retrust
