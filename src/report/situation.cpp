#include "report/situation.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "credentials/certificate.h"

namespace retrust {
namespace {

using Part = Comparison::Part;

/// The day on which the first certificate of a CA became valid: "2026-11-26". Empty without one.
std::string day_of(const std::string& ca_pem) {
  const auto certificates = parse_certificates(ca_pem);
  if (certificates.empty()) return {};
  return utc_text(certificates.front().not_before).substr(0, std::string_view("2026-11-26").size());
}

/// Whether Rancher trusts the cluster, a sentence.
std::string trust(const Observation& seen) {
  const auto comparison = seen.comparison();
  const auto& ready = seen.local.cluster.ready.status;
  if (comparison.equal()) {
    if (seen.stored_verdict == Verdict::rejected) return "The cluster rejects Rancher's token.";
    if (ready == "True") return "Rancher trusts it.";
    return ready.empty() ? "Rancher has its credentials."
                         : fmt::format("Rancher has its credentials, and says Ready {}.", ready);
  }
  // Without a live token nothing is known of the CA either.
  if (!seen.live_credentials()) {
    return seen.stored_verdict == Verdict::rejected ? "The cluster rejects Rancher's token."
                                                    : "The cluster has no token for Rancher.";
  }
  if (comparison.ca == Part::stored_missing || comparison.token == Part::stored_missing) {
    return "Rancher lacks its credentials.";
  }
  if (comparison.ca == Part::differs) return "Rancher does not trust it.";
  return "Rancher's token is not the live one.";
}

/// What both sides hold, a sentence; empty if that is unknown.
std::string holdings(const Observation& seen) {
  const auto stored = day_of(seen.local.cluster.stored.ca_pem);
  const auto credentials = seen.live_credentials();
  const auto live = credentials ? day_of(credentials->ca_pem) : std::string();
  const auto said = seen.stored_verdict == Verdict::rejected   ? "rejects"
                    : seen.stored_verdict == Verdict::accepted ? "accepts"
                                                               : "";
  const auto token = said[0] == '\0' ? std::string() : fmt::format("{} the stored token", said);
  const auto ca = seen.comparison().ca;
  const auto same = ca == Part::same || ca == Part::gained;
  std::string text =
      stored.empty() ? "Rancher holds no CA" : fmt::format("Rancher holds the CA of {}", stored);
  auto joint = live.empty() ? "; the cluster " : " and ";
  if (!stored.empty() && stored == live) {
    text = same ? fmt::format("Both have the CA of {}", stored)
                : fmt::format("Both have a CA of {}, not the same", stored);
    joint = "; the cluster ";
  } else if (!live.empty()) {
    text += fmt::format("; the cluster has the CA of {}", live);
  }
  if (!token.empty()) text += joint + token;
  return text + ".";
}

/// Objects of a kind that the commands of a step name: "secret/x pod/y".
std::size_t count_of(const PlannedStep& step, std::string_view kind) {
  std::size_t count = 0;
  for (const auto& command : step.commands) {
    for (auto at = command.find(kind); at != std::string::npos; at = command.find(kind, at + 1)) {
      ++count;
    }
  }
  return std::max<std::size_t>(count, 1);
}

std::string change_text(const Observation& seen, const PlannedStep& step) {
  switch (step.step) {
    case Step::delete_token:
      return fmt::format("delete {}", counted(count_of(step, " secret/"), "secret"));
    case Step::make_token:
      return "create 1 secret";
    case Step::recreate_agents:
      return fmt::format("restart {}", counted(count_of(step, " pod/"), "pod"));
    case Step::redeploy_agents:
      return "let Rancher deploy its agents again";
    case Step::update_cluster:
      return "repair Rancher's record";
    case Step::restart_rancher:
      return "restart Rancher";
    case Step::repair_impersonation:
      return fmt::format("delete {} of Rancher's users",
                         counted(seen.user_tokens.doomed(), "token"));
    default:
      return std::string(info_of(step.step).title);
  }
}

/// The condition of a step that may come.
std::string_view condition_of(Step step) {
  return step == Step::update_cluster ? "only if the agents do not report" : "only if needed";
}

std::string backup_text(const Plan& plan, const BackupChoice& backup) {
  if (backup.kind == BackupChoice::Kind::none) return "waived";
  for (const auto& step : plan.steps) {
    const auto& info = info_of(step.step);
    if (info.effect == StepInfo::Effect::saves && step.need == Need::needed) {
      return fmt::format("{} {}", info.section, info.name);
    }
  }
  return backup.kind == BackupChoice::Kind::not_chosen ? "not chosen yet" : "none needed";
}

}  // namespace

std::string situation_text(const Observation& seen) {
  const auto& cluster = seen.local.cluster;
  return fmt::format("{} ({}): {} {}", cluster.display_name, cluster.id, trust(seen),
                     holdings(seen));
}

std::string planned_text(const Observation& seen, const Plan& plan, const BackupChoice& backup) {
  std::vector<std::string> certain;
  std::vector<std::string> perhaps;
  for (const auto& step : plan.steps) {
    if (info_of(step.step).effect != StepInfo::Effect::changes) continue;
    if (step.need == Need::needed) certain.push_back(change_text(seen, step));
    if (step.need == Need::depends) {
      perhaps.push_back(fmt::format("{} {}", change_text(seen, step), condition_of(step.step)));
    }
  }
  auto text = fmt::format("{}", fmt::join(certain, ", "));
  if (!perhaps.empty()) {
    text += fmt::format("{}{}", text.empty() ? "" : "; ", fmt::join(perhaps, ", "));
  }
  if (text.empty()) return text;
  return fmt::format("Plan: {}. Backup of Rancher: {}.", text, backup_text(plan, backup));
}

}  // namespace retrust
