#include "run/current_plan.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/failure.h"
#include "base/text.h"
#include "observe/stored_digest.h"
#include "transcript/plan_text.h"

namespace retrust {
namespace {

namespace json = boost::json;

/// The options without what differs between two calls for the same plan: the ways to the clusters,
/// and how they are read.
PlanOptions anywhere(PlanOptions options) {
  const auto line = [](std::string_view cluster) {
    return KubectlLine{{"kubectl", fmt::format("--kubeconfig={}", cluster)}};
  };
  options.downstream_kubectl = line("DOWNSTREAM");
  options.local_kubectl = line("LOCAL");
  options.local_age = KubectlAge::present;
  options.downstream_session = false;
  options.local_session = false;
  options.docker = "docker";
  return options;
}

/// "sha256:…"; empty where there is none.
std::string digest_text(const std::string& hex) {
  return hex.empty() ? hex : "sha256:" + hex;
}

/// One digest for all certificates of a bundle.
std::string digest_text(const std::vector<std::string>& certificates) {
  if (certificates.size() <= 1) return certificates.empty() ? "" : digest_text(certificates[0]);
  return digest_text(sha256_hex(fmt::format("{}", fmt::join(certificates, "\n"))));
}

json::object facts_of(const Observation& seen) {
  const auto& cluster = seen.local.cluster;
  const auto stored = digest_of(cluster);
  const auto* secret = seen.live();
  const auto credentials = seen.live_credentials();
  const auto live = credentials ? digest_of(*credentials) : StoredDigest{};
  json::object facts;
  facts["clusterUid"] = seen.downstream.kube_system_uid.text();
  facts["localClusterUid"] = seen.local.kube_system_uid.text();
  facts["recordUid"] = cluster.uid.text();
  facts["rancherVersion"] = seen.local.rancher.version_text.str();
  facts["kubernetesVersion"] = seen.downstream.kubernetes_version.str();
  facts["storedToken"] = digest_text(stored.token);
  facts["storedTokenSecret"] = stored.token_secret;
  facts["storedCa"] = digest_text(stored.ca);
  facts["liveTokenSecret"] = secret == nullptr ? "" : secret->name.text();
  facts["liveToken"] = digest_text(live.token);
  facts["liveCa"] = digest_text(live.ca);
  return facts;
}

const SavedStep* find(const ClusterPlan& plan, Step step) {
  const auto found = std::find_if(plan.steps.begin(), plan.steps.end(),
                                  [&](const SavedStep& each) { return each.step == step; });
  return found == plan.steps.end() ? nullptr : &*found;
}

/// A plan leaves out some steps that are not needed.
PlannedStep planned(const SavedStep* saved, Step step) {
  if (saved == nullptr) return {step, Need::not_needed, ""};
  PlannedStep planned{step, saved->need, saved->reason};
  // The names of backups have the time of the run.
  if (info_of(step).effect == StepInfo::Effect::changes) planned.commands = saved->commands;
  return planned;
}

std::string text_of(const PlannedStep& step) {
  constexpr std::size_t most = 2000;
  auto text =
      fmt::format("{}{}{}", word_of(step.need), step.reason.empty() ? "" : ": ", step.reason);
  for (const auto& command : step.commands) text += "; " + command;
  return display_text(text, most);
}

/// The steps that come and do more than to read, in their order.
std::vector<Step> coming(const ClusterPlan& plan) {
  std::vector<Step> steps;
  for (const auto& each : plan.steps) {
    const auto reads = info_of(each.step).effect == StepInfo::Effect::reads;
    if (comes(each.need) && !reads) steps.push_back(each.step);
  }
  return steps;
}

std::string names_of(const std::vector<Step>& steps) {
  std::vector<std::string> names;
  for (const auto step : steps) names.emplace_back(info_of(step).name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

json::object cluster_plan(const Observation& seen, const PlanOptions& options,
                          const Redactor& redactor) {
  const auto& cluster = seen.local.cluster;
  json::object plan;
  plan["id"] = cluster.id.text();
  plan["name"] = cluster.display_name.str();
  plan["facts"] = facts_of(seen);
  plan["steps"] = to_json(shown(make_plan(seen, anywhere(options))));
  json::value whole(std::move(plan));
  mask_values(whole, redactor);
  return std::move(whole.get_object());
}

std::vector<PlanDifference> differences(const ClusterPlan& saved, const ClusterPlan& now) {
  std::vector<PlanDifference> found;
  for (const auto& fact : plan_facts) {
    const auto& before = saved.facts.find(fact.name)->second;
    const auto& present = now.facts.find(fact.name)->second;
    if (before == present) continue;
    const auto text = [](const DisplayText& value) {
      return value.empty() ? std::string("none") : value.str();
    };
    found.push_back({std::string(fact.changed), text(before), text(present)});
  }
  for (const auto& info : all_steps()) {
    if (info.effect == StepInfo::Effect::reads) continue;
    const auto before = planned(find(saved, info.step), info.step);
    const auto present = planned(find(now, info.step), info.step);
    const auto what = what_changed(before, present);
    if (what.empty()) continue;
    found.push_back({fmt::format("{} {} {}", info.section, info.name, what), text_of(before),
                     text_of(present)});
  }
  const auto before = coming(saved);
  const auto present = coming(now);
  const auto same_steps =
      std::is_permutation(before.begin(), before.end(), present.begin(), present.end());
  if (before != present && same_steps) {
    found.push_back({"the steps have another order", names_of(before), names_of(present)});
  }
  return found;
}

void check_same(const ClusterPlan& saved, const ClusterPlan& now, const std::string& file,
                const std::string& unchanged, Advice advice) {
  const auto found = differences(saved, now);
  if (found.empty()) return;
  std::vector<std::string> clauses;
  std::string lines;
  for (const auto& each : found) {
    clauses.push_back(each.what);
    lines += fmt::format("{}{}\n  saved: {}\n  now:   {}", lines.empty() ? "" : "\n", each.what,
                         each.saved, each.now);
  }
  const auto another = [&](std::string_view fact) {
    return saved.facts.find(fact)->second != now.facts.find(fact)->second;
  };
  auto happened = fmt::format("the plan saved in {} no longer holds for {}: {}; {}", file,
                              now.in_full(), enumerated(clauses), unchanged);
  if (another("clusterUid") || another("localClusterUid")) {
    throw Failure(FailureCode::wrong_cluster, std::move(happened),
                  "give the kubeconfigs of the clusters that the plan is of", std::move(lines));
  }
  throw Failure(FailureCode::plan_changed, std::move(happened), std::move(advice),
                std::move(lines));
}

}  // namespace retrust
