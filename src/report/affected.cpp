#include "report/affected.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "credentials/compare.h"
#include "observe/commands.h"
#include "report/reaching.h"

namespace retrust {
namespace {

namespace json = boost::json;
using Role = AffectedWorkload::Role;

/// Limit of workloads that have advice of their own, and of names in a sentence.
constexpr std::size_t most_alone = 4;
constexpr std::size_t most_names = 3;
/// Limit of workloads in a transcript and in the JSON output.
constexpr std::size_t most_listed = 500;

Arguments restart_args(const AffectedWorkload& workload) {
  return commands::restart_workload(workload.kind, workload.name_space, workload.restartable);
}

/// The command that restarts the workload; empty if none can.
std::string restart_command(const AffectedWorkload& workload,
                            const std::vector<std::string>& downstream) {
  if (workload.restartable.empty()) return {};
  return shell_line(downstream, restart_args(workload));
}

std::string_view role_text(Role role) {
  switch (role) {
    case Role::network_plugin:
      return "the network plugin ";
    case Role::fleet_agent:
      return "Fleet's agent ";
    case Role::webhook:
    case Role::upgrade_controller:
    case Role::other:
      break;
  }
  return "";
}

std::string_view word(Role role) {
  switch (role) {
    case Role::network_plugin:
      return "network-plugin";
    case Role::fleet_agent:
      return "fleet-agent";
    case Role::webhook:
      return "rancher-webhook";
    case Role::upgrade_controller:
      return "system-upgrade-controller";
    case Role::other:
      break;
  }
  return "other";
}

/// The first names, and how many more there are.
std::string names_text(const std::vector<const AffectedWorkload*>& workloads, std::size_t more) {
  std::vector<std::string> names;
  for (const auto* workload : workloads) {
    if (names.size() < most_names) {
      names.push_back(workload->text());
    } else {
      ++more;
    }
  }
  if (more > 0) names.push_back(fmt::format("{} more", more));
  return enumerated(names);
}

constexpr std::string_view old_endpoint =
    "the authorized cluster endpoint's caCerts are the old CA";

/// The first of the unavailable APIServices, and how many more there are. Empty if there is none.
std::string unavailable_text(const std::vector<UnavailableApi>& apis) {
  if (apis.empty()) return {};
  const auto& first = apis.front();
  return fmt::format("the APIService {} is not available{}{}{}", first.name,
                     first.reason.empty() ? "" : ": ", first.reason,
                     apis.size() == 1 ? "" : fmt::format("; neither are {} more", apis.size() - 1));
}

/// True if the cluster's CA changed lately, as far as anybody can tell.
bool ca_changed(const Observation& seen) {
  const auto live = seen.live_credentials();
  const auto differs = live && !seen.local.cluster.stored.ca_pem.empty() &&
                       seen.comparison().ca != Comparison::Part::same;
  return differs || seen.affected.recent;
}

bool endpoint_has_old_ca(const Observation& seen) {
  const auto& cluster = seen.local.cluster;
  return cluster.endpoint.enabled && seen.downstream.root_ca &&
         has_old_ca(cluster.endpoint, cluster.stored.ca_pem, *seen.downstream.root_ca);
}

/// True if kubeconfigs of the authorized cluster endpoint hold the old CA: they hold
/// status.caCert, or caCerts where the endpoint has a name (rancher/rancher v2.12.3,
/// pkg/kubeconfig/kubeconfig.go: ForClusterTokenBased).
bool kubeconfigs_are_old(const Observation& seen) {
  const auto& endpoint = seen.local.cluster.endpoint;
  if (!endpoint.enabled) return false;
  return endpoint.has_name ? endpoint_has_old_ca(seen) : ca_changed(seen);
}

/// True if the key was renewed and the CA was not: the cluster rejects a token that it still holds.
/// No object tells when a key changed.
bool key_alone_changed(const Observation& seen) {
  const auto& tokens = seen.downstream.tokens;
  return seen.affected.look == Affected::Look::none &&
         seen.comparison().ca == Comparison::Part::same &&
         std::any_of(tokens.begin(), tokens.end(), [](const TokenSecret& secret) {
           return secret.complete() && secret.verdict == Verdict::rejected &&
                  secret.invalid_since.empty();
         });
}

/// Why it is unknown which workloads are affected; empty if it is known.
std::string unknown_text(const Observation& seen) {
  if (seen.affected.look == Affected::Look::unknown) return seen.affected.trouble;
  return key_alone_changed(seen) ? "no object tells when the key of the service accounts changed"
                                 : "";
}

void add_workloads(std::vector<Advice>& next, const Options& options, const Observation& seen) {
  const auto& affected = seen.affected;
  const auto downstream = downstream_words(options, seen);
  const auto is_own = [&](const AffectedWorkload* workload) {
    return workload->name_space == options.name_space;
  };
  std::vector<const AffectedWorkload*> others;
  auto alone = 0U;
  auto told = false;
  for (const auto& workload : affected.workloads) {
    if (workload.role == Role::other || alone == most_alone) {
      others.push_back(&workload);
      continue;
    }
    ++alone;
    const auto* more =
        !told && is_own(&workload) ? "; --all-pods makes section 2.2 recreate its pods, too" : "";
    told = told || is_own(&workload);
    next.emplace_back(fmt::format("restart {}{}, which started before the CA changed{}",
                                  role_text(workload.role), workload.text(), more),
                      restart_command(workload, downstream));
  }
  if (others.empty() && affected.more == 0) return;
  const auto in_own = !told && std::any_of(others.begin(), others.end(), is_own);
  const auto first = others.empty() ? std::string() : restart_command(*others.front(), downstream);
  const auto several = others.size() > 1 && !first.empty();
  next.emplace_back(
      fmt::format("{} started before the CA changed, {}; restart each that uses the Kubernetes "
                  "API{}{}",
                  counted(others.size() + affected.more, "other workload"),
                  names_text(others, affected.more), several ? ", as here the first" : "",
                  in_own
                      ? fmt::format("; --all-pods makes section 2.2 recreate the pods of {}, too",
                                    options.name_space)
                      : ""),
      first);
}

}  // namespace

std::vector<std::string> affected_findings(const Observation& seen) {
  const auto& affected = seen.affected;
  std::vector<std::string> lines;
  if (const auto why = unknown_text(seen); !why.empty()) {
    lines.push_back(fmt::format("which workloads still use the old {} is unknown: {}",
                                affected.look == Affected::Look::unknown ? "CA" : "key", why));
  }
  const auto count = affected.workloads.size() + affected.more;
  if (count > 0) {
    const auto* first = affected.workloads.empty() ? nullptr : &affected.workloads.front();
    const auto plugin = first != nullptr && first->role == Role::network_plugin;
    lines.push_back(fmt::format(
        "{} that {} not the agents' started before the CA changed on {}{}; retrust restarts none",
        counted(count, "workload"), count == 1 ? "is" : "are", minute_text(*affected.since),
        plugin ? fmt::format(", the network plugin {} is among them", first->text()) : ""));
  }
  if (auto text = unavailable_text(affected.apis); !text.empty()) lines.push_back(std::move(text));
  if (!affected.api_trouble.empty()) {
    lines.push_back(
        fmt::format("which APIServices are unavailable is unknown: {}", affected.api_trouble));
  }
  if (endpoint_has_old_ca(seen)) {
    lines.emplace_back(old_endpoint);
  }
  return lines;
}

std::vector<std::string> affected_clauses(const Observation& seen) {
  const auto& affected = seen.affected;
  std::vector<std::string> clauses;
  if (const auto count = affected.workloads.size() + affected.more; count > 0) {
    clauses.push_back(fmt::format("{} started before the CA changed", counted(count, "workload")));
  }
  if (auto text = unavailable_text(affected.apis); !text.empty()) {
    clauses.push_back(std::move(text));
  }
  if (endpoint_has_old_ca(seen)) clauses.emplace_back(old_endpoint);
  if (kubeconfigs_are_old(seen)) {
    clauses.emplace_back("kubeconfigs of the authorized cluster endpoint may hold the old CA");
  }
  return clauses;
}

std::vector<std::string> affected_notes(const Observation& seen, const KubectlLine& downstream) {
  std::vector<std::string> lines;
  const auto& workloads = seen.affected.workloads;
  for (const auto& workload : workloads) {
    if (lines.size() == most_listed) {
      lines.push_back(fmt::format("{} more started before the CA changed",
                                  counted(workloads.size() - most_listed, "workload")));
      break;
    }
    auto line = fmt::format("{}{} started before the CA changed", role_text(workload.role),
                            workload.text());
    if (!workload.restartable.empty()) {
      line += ": " + shell_line(downstream, restart_args(workload));
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

void add_affected(std::vector<Advice>& next, const Options& options, const Observation& seen) {
  add_workloads(next, options, seen);
  const auto& affected = seen.affected;
  if (!affected.apis.empty()) {
    const auto& first = affected.apis.front();
    auto words = downstream_words(options, seen);
    words.insert(words.end(), {"describe", "apiservice/" + first.object.text()});
    next.emplace_back(fmt::format("see why the APIService {} is not available", first.name),
                      first.object.empty() ? std::string() : shell_line(words));
  }
  const auto& cluster = seen.local.cluster;
  if (endpoint_has_old_ca(seen)) {
    auto words = local_words(options, seen);
    words.insert(words.end(), {"edit", "clusters.management.cattle.io/" + cluster.id.text()});
    next.emplace_back(
        "put the new CA into spec.localClusterAuthEndpoint.caCerts, here or in Rancher under "
        "Cluster Management, Edit Config",
        shell_line(words));
  }
  if (kubeconfigs_are_old(seen)) {
    next.emplace_back(fmt::format(
        "kubeconfigs of the authorized cluster endpoint hold the old CA: users download them again "
        "once Rancher has the new one, under Cluster Management, {}, Download KubeConfig",
        cluster.display_name));
  }
}

json::value affected_report(const Observation& seen, const Options& options) {
  const auto& affected = seen.affected;
  const auto downstream = downstream_words(options, seen);
  json::object whole;
  const auto why = unknown_text(seen);
  whole["state"] = !why.empty()                            ? "unknown"
                   : affected.look == Affected::Look::done ? "known"
                                                           : "none";
  whole["trouble"] = why;
  whole["caChangedAt"] =
      affected.since ? json::value(utc_text(*affected.since)) : json::value(nullptr);
  json::array workloads;
  for (const auto& workload : affected.workloads) {
    if (workloads.size() == most_listed) break;
    const auto command = restart_command(workload, downstream);
    json::object entry;
    entry["namespace"] = workload.name_space.text();
    entry["kind"] = workload.kind.str();
    entry["name"] = workload.name.str();
    entry["role"] = word(workload.role);
    entry["pods"] = workload.pods;
    entry["command"] = command.empty() ? json::value(nullptr) : json::value(command);
    workloads.emplace_back(std::move(entry));
  }
  whole["workloadCount"] = affected.workloads.size();
  whole["workloads"] = std::move(workloads);
  json::array services;
  for (const auto& api : affected.apis) {
    json::object entry;
    entry["name"] = api.name.str();
    entry["reason"] = api.reason.str();
    services.emplace_back(std::move(entry));
  }
  whole["unavailableApiServices"] = std::move(services);
  whole["endpointHasOldCa"] = endpoint_has_old_ca(seen);
  whole["kubeconfigsAreOld"] = kubeconfigs_are_old(seen);
  return whole;
}

}  // namespace retrust
