#include "report/report.h"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "credentials/certificate.h"
#include "credentials/token.h"
#include "observe/stuck_agents.h"
#include "report/affected.h"
#include "report/findings.h"
#include "report/verdict.h"

namespace retrust {
namespace {

namespace json = boost::json;

/// Limit of certificates of a bundle. Beyond the limit the report holds only their number.
constexpr std::size_t most_certificates = 16;

json::object credentials_report(const Credentials& credentials) {
  json::array certificates;
  const auto parsed = parse_certificates(credentials.ca_pem);
  for (const auto& certificate : parsed) {
    if (certificates.size() == most_certificates) break;
    json::object entry;
    entry["subject"] = certificate.subject.str();
    entry["sha256"] = certificate.sha256;
    entry["notBefore"] = utc_text(certificate.not_before);
    entry["notAfter"] = utc_text(certificate.not_after);
    certificates.emplace_back(std::move(entry));
  }
  json::object entry;
  entry["token"] =
      credentials.token.empty()
          ? json::value(nullptr)
          : json::value(fmt::format("sha256:{}", fingerprint(credentials.token.reveal())));
  entry["caCertificates"] = std::move(certificates);
  entry["caCertificateCount"] = parsed.size();
  return entry;
}

std::string_view word(Verdict verdict) {
  switch (verdict) {
    case Verdict::accepted:
      return "accepted";
    case Verdict::rejected:
      return "rejected";
    case Verdict::unknown:
      break;
  }
  return "unknown";
}

json::value user_tokens_report(const UserTokens& own) {
  if (own.look == UserTokens::Look::none) return nullptr;
  json::object whole;
  if (own.look == UserTokens::Look::failed) {
    whole["trouble"] = own.trouble.str();
    return whole;
  }
  json::array groups;
  for (const auto& group : own.groups) {
    json::object entry;
    entry["namespace"] = group.name_space.text();
    entry["owner"] = group.owner == TokenOwner::user ? "users" : "other";
    entry["total"] = group.total;
    entry["rejected"] = group.rejected;
    entry["unclear"] = group.unclear;
    entry["notReviewed"] = group.unreviewed;
    entry["leftAlone"] = group.kept;
    json::object because;
    for (const auto& [why, count] : group.kept_because) because[why] = count;
    entry["leftAloneBecause"] = std::move(because);
    entry["reason"] = group.reason.str();
    groups.emplace_back(std::move(entry));
  }
  whole["groups"] = std::move(groups);
  return whole;
}

std::string_view word(Registration::State state) {
  switch (state) {
    case Registration::State::present:
      return "present";
    case Registration::State::previous:
      return "previous";
    case Registration::State::dead:
      return "dead";
    case Registration::State::another_cluster:
      return "another-cluster";
    case Registration::State::unknown:
      break;
  }
  return "unknown";
}

json::object registration_report(const Registration& registration) {
  json::object entry;
  entry["state"] = word(registration.state);
  entry["until"] =
      registration.until ? json::value(utc_text(*registration.until)) : json::value(nullptr);
  entry["cluster"] = registration.cluster.text();
  entry["rancher"] = registration.url.str();
  return entry;
}

/// The agents that do not run, and why new pods would not start.
json::object agents_report(const Observation& seen) {
  json::array stuck;
  for (const auto& each : stuck_agents(seen)) {
    json::object entry;
    entry["pod"] = each.pod.name.text();
    entry["why"] = each.why;
    stuck.emplace_back(std::move(entry));
  }
  const auto trouble = new_pods_trouble(seen.new_pods);
  json::object entry;
  entry["stuck"] = std::move(stuck);
  entry["newPods"] = trouble.empty() ? json::value(nullptr) : json::value(trouble);
  return entry;
}

}  // namespace

json::object report(const Observation& observation, const Plan& plan, const Options& options) {
  const auto& cluster = observation.local.cluster;
  const auto* live = observation.live();
  json::object ready;
  ready["status"] = cluster.ready.status.str();
  ready["reason"] = cluster.ready.reason.str();
  ready["message"] = cluster.ready.message.str();

  json::object described;
  described["id"] = cluster.id.text();
  described["displayName"] = cluster.display_name.str();
  described["driver"] = cluster.driver.str();
  described["server"] = observation.downstream.kubeconfig.server.str();
  described["kubernetes"] = observation.downstream.kubernetes_version.str();
  described["ready"] = std::move(ready);

  auto stored = credentials_report(cluster.stored);
  stored["verdict"] = word(observation.stored_verdict);
  stored["tokenSecret"] = cluster.token_secret_name.empty()
                              ? json::value(nullptr)
                              : json::value(cluster.token_secret_name.text());

  json::object whole;
  whole["version"] = 1;
  whole["differs"] = differs(observation, plan);
  json::array wrong;
  for (const auto& clause : still_wrong(observation)) wrong.emplace_back(clause);
  whole["stillWrong"] = std::move(wrong);
  whole["cluster"] = std::move(described);
  whole["rancher"] = observation.local.rancher.version_text.str();
  whole["stored"] = std::move(stored);
  if (live == nullptr) {
    whole["live"] = nullptr;
  } else {
    auto entry = credentials_report(*observation.live_credentials());
    entry["secret"] = live->name.text();
    entry["verdict"] = word(live->verdict);
    whole["live"] = std::move(entry);
  }
  whole["account"] = observation.downstream.account.text();
  whole["registration"] = registration_report(observation.registration);
  whole["agents"] = agents_report(observation);
  whole["impersonation"] = user_tokens_report(observation.user_tokens);
  whole["affected"] = affected_report(observation, options);
  whole["steps"] = to_json(shown(plan));
  return whole;
}

}  // namespace retrust
