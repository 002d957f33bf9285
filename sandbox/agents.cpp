#include "agents.h"

#include <algorithm>

#include "cluster.h"
#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

constexpr std::string_view reporter = "cattle-cluster-agent";

bool is_reporter(const boost::json::value& pod) {
  return text_at(pod, "/metadata/labels/app") == reporter;
}

}  // namespace

Agents::Agents(Objects& downstream, Rancher& rancher, Scheduler& scheduler,
               const Settings& settings, Log& log)
    : downstream_(downstream),
      rancher_(rancher),
      scheduler_(scheduler),
      settings_(settings),
      log_(log) {}

bool Agents::reports(const ObjectKey& pod) const {
  const auto* present = downstream_.find(pod);
  return present != nullptr && is_reporter(*present);
}

void Agents::settled(const Rancher::Report& read) {
  old_report_ = read;
  for (const auto* pod : downstream_.list("pods", std::string(agents_namespace))) {
    old_.insert(text_at(*pod, "/metadata/name"));
  }
}

void Agents::ready(const ObjectKey& pod) {
  if (!reports(pod) || settings_.faults.has("agents-never-report")) return;
  const auto mounted = mounted_secrets(*downstream_.find(pod));
  const auto name = std::find_if(mounted.begin(), mounted.end(), [](const std::string& each) {
    return each.starts_with("cattle-token");
  });
  if (name == mounted.end()) return;
  const auto* secret = downstream_.find({"secrets", pod.name_space, *name});
  if (secret == nullptr) return;
  // Read now, reported when it has connected.
  report_soon(pod,
              {decoded_secret(text_at(*secret, "/data/token")), text_at(*secret, "/data/ca.crt")});
}

void Agents::report_soon(const ObjectKey& pod, const Rancher::Report& report) {
  scheduler_.after(settings_.delay(200), [this, pod, report] {
    if (downstream_.find(pod) != nullptr) rancher_.report(report);
  });
}

void Agents::terminating(const ObjectKey& pod) {
  if (!settings_.faults.has("linger-old-agent") || !reports(pod) || !old_.contains(pod.name)) {
    return;
  }
  scheduler_.after(settings_.faults.milliseconds("linger-old-agent", 1500) / 2, [this] {
    log_.event("agent", "lingers", "the old one reports again");
    rancher_.report(old_report_);
  });
}

void Agents::gone(const ObjectKey& pod) {
  // With the old agent's connection the new one's is made anew, and it reports again.
  if (!settings_.faults.has("linger-old-agent")) return;
  for (const auto* other : downstream_.list("pods", pod.name_space)) {
    if (is_reporter(*other) && text_at(*other, "/status/phase") == "Running") {
      ready({"pods", pod.name_space, text_at(*other, "/metadata/name")});
    }
  }
}

}  // namespace retrust::sandbox
