#include "kubelet.h"

#include <algorithm>
#include <chrono>

#include <boost/json/array.hpp>

#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

bool told_to_go(const boost::json::value& pod) {
  return !text_at(pod, "/metadata/deletionTimestamp").empty();
}

bool is_rancher(const boost::json::value& pod) {
  const auto app = text_at(pod, "/metadata/labels/app");
  return app == "rancher" || app == "cattle";
}

bool scheduled(const boost::json::value& pod) {
  return !text_at(pod, "/spec/nodeName").empty();
}

}  // namespace

Kubelet::Kubelet(Objects& objects, Scheduler& scheduler, const Settings& settings, Log& log,
                 Hooks hooks)
    : objects_(objects),
      scheduler_(scheduler),
      settings_(settings),
      log_(log),
      hooks_(std::move(hooks)) {
  objects_.observe([this](const Change& change) { look(change); });
}

void Kubelet::look(const Change& change) {
  if (change.key.resource != "pods") return;
  switch (change.type) {
    case Change::Type::added:
      if (scheduled(change.object)) start(change.key, change.object);
      break;
    case Change::Type::modified:
      if (!scheduled(change.before) && scheduled(change.object)) start(change.key, change.object);
      if (!told_to_go(change.before) && told_to_go(change.object)) end(change.key, change.object);
      break;
    case Change::Type::deleted:
      log_.event("workload", "gone", change.key.name);
      if (hooks_.pod_gone) hooks_.pod_gone(change.key);
      break;
  }
}

void Kubelet::start(const ObjectKey& key, const boost::json::value& pod) {
  if (told_to_go(pod)) {
    end(key, pod);
    return;
  }
  if (text_at(pod, "/status/phase") == "Running") {
    if (hooks_.pod_ready) hooks_.pod_ready(key);
    return;
  }
  const auto rancher = is_rancher(pod);
  if (!rancher && settings_.faults.has("no-agents-start")) return;
  const auto delay = rancher && settings_.faults.has("slow-rancher")
                         ? settings_.faults.milliseconds("slow-rancher", 0)
                         : settings_.delay(400);
  scheduler_.after(delay, [this, key] { try_to_run(key); });
}

void Kubelet::try_to_run(const ObjectKey& key) {
  const auto* present = objects_.find(key);
  if (present == nullptr || told_to_go(*present)) return;
  const auto secrets = mounted_secrets(*present);
  const auto all_there = std::all_of(secrets.begin(), secrets.end(), [&](const auto& name) {
    return objects_.find({"secrets", key.name_space, name}) != nullptr;
  });
  if (!all_there) {
    // ContainerCreating, and tried again.
    scheduler_.after(settings_.delay(200), [this, key] { try_to_run(key); });
    return;
  }
  if (hold(key, *present)) {
    scheduler_.after(settings_.delay(500), [this, key] { try_to_run(key); });
    return;
  }
  auto changed = *present;
  const auto last_words = hooks_.last_words ? hooks_.last_words(key) : std::string();
  if (!last_words.empty()) {
    make_crashing(changed, last_words);
    objects_.update(key, std::move(changed));
    log_.event("workload", "crashes", key.name + ": " + last_words);
    scheduler_.after(settings_.delay(2000), [this, key] { try_to_run(key); });
    return;
  }
  make_running(changed);
  objects_.update(key, std::move(changed));
  log_.event("workload", "ready", key.name);
  if (hooks_.pod_ready) hooks_.pod_ready(key);
}

bool Kubelet::hold(const ObjectKey& key, const boost::json::value& pod) {
  const auto why = is_rancher(pod) ? std::string() : settings_.faults.value("new-pods");
  if (why.empty()) return false;
  auto changed = pod;
  if (why == "unauthorized") {
    make_waiting(changed, "ContainerCreating", {});
    const ObjectKey event{"events", key.name_space, key.name + ".17d2"};
    if (objects_.find(event) != nullptr) objects_.remove(event);
    objects_.add(event, no_network_event(key.name_space, key.name, now_text(),
                                         text_at(pod, "/metadata/uid")));
  } else if (why == "image") {
    const auto tried = text_at(pod, "/status/containerStatuses/0/state/waiting/reason");
    make_waiting(changed, tried == "ImagePullBackOff" ? "ErrImagePull" : "ImagePullBackOff",
                 "Back-off pulling image");
  } else if (why == "config") {
    make_waiting(changed, "CreateContainerConfigError", "couldn't find key url in Secret");
  } else if (why == "unscheduled") {
    make_unschedulable(changed);
  } else {
    make_crashing(changed, "the agent ends");
  }
  objects_.update(key, std::move(changed));
  log_.event("workload", "held", key.name + ": " + why);
  return true;
}

void Kubelet::end(const ObjectKey& key, const boost::json::value& pod) {
  log_.event("workload", "terminating", key.name);
  if (settings_.faults.has("node-away") &&
      text_at(pod, "/metadata/ownerReferences/0/kind") == "DaemonSet") {
    return;
  }
  auto delay = settings_.delay(300);
  if (settings_.faults.has("linger-old-agent") &&
      text_at(pod, "/metadata/labels/app") == "cattle-cluster-agent") {
    delay = settings_.faults.milliseconds("linger-old-agent", 1500);
  }
  if (hooks_.pod_terminating) hooks_.pod_terminating(key);
  scheduler_.after(delay, [this, key] { objects_.remove(key); });
}

}  // namespace retrust::sandbox
