// The cattle agents: each reads its credentials once, when it starts, and reports them when it has
// connected to Rancher.
#include <boost/json/array.hpp>

#include "json_util.h"
#include "objects.h"
#include "world.h"

namespace retrust::sandbox {
namespace {

constexpr std::string_view reporter = "cattle-cluster-agent";

bool reports(const boost::json::value* pod) {
  return pod != nullptr && text_at(*pod, "/metadata/labels/app") == reporter;
}

std::string mounted_token(const boost::json::value& pod) {
  const auto* volumes = find_at(pod, "/spec/volumes");
  if (volumes == nullptr || !volumes->is_array()) return {};
  for (const auto& volume : volumes->get_array()) {
    const auto name = text_at(volume, "/secret/secretName");
    if (name.starts_with("cattle-token")) return name;
  }
  return {};
}

}  // namespace

void World::agent_ready(const ObjectKey& pod) {
  const auto* present = downstream_->store().find(pod);
  if (!reports(present) || settings_.faults.has("agents-never-report")) return;
  const auto name = mounted_token(*present);
  const auto* secret = downstream_->store().find({"secrets", pod.name_space, name});
  if (secret == nullptr) return;
  // Read now, reported when it has connected.
  const Rancher::Report report{decoded_secret(text_at(*secret, "/data/token")),
                               text_at(*secret, "/data/ca.crt")};
  scheduler_.after(settings_.delay(200), [this, pod, report] {
    if (downstream_->store().find(pod) != nullptr) rancher_->report(report);
  });
}

void World::agent_terminating(const ObjectKey& pod) {
  if (!settings_.faults.has("linger-old-agent")) return;
  const auto* present = downstream_->store().find(pod);
  if (!reports(present) ||
      text_at(*present, "/metadata/creationTimestamp") != "2025-11-21T08:00:00Z") {
    return;
  }
  const auto lingers = settings_.faults.milliseconds("linger-old-agent", 1500);
  scheduler_.after(lingers / 2, [this] {
    log_.event("agent", "lingers", "the old one reports again");
    rancher_->report(old_report_);
  });
}

void World::agent_gone(const ObjectKey& pod) {
  // With the old agent's connection the new one's is made anew, and it reports again.
  if (!settings_.faults.has("linger-old-agent")) return;
  for (const auto* other : downstream_->store().list("pods", pod.name_space)) {
    if (reports(other) && text_at(*other, "/status/phase") == "Running") {
      agent_ready({"pods", pod.name_space, text_at(*other, "/metadata/name")});
    }
  }
}

}  // namespace retrust::sandbox
