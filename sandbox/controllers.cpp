#include "controllers.h"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "json_util.h"
#include "pki.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

const std::string name_space(agents_namespace);

}  // namespace

Controllers::Controllers(Cluster& cluster, Scheduler& scheduler, Settings& settings, Log& log)
    : cluster_(cluster),
      scheduler_(scheduler),
      settings_(settings),
      log_(log),
      tokens_(cluster, scheduler, settings, log) {
  cluster_.store().observe([this](const Change& change) { look(change); });
}

void Controllers::look(const Change& change) {
  if (change.key.resource == "pods" && change.type == Change::Type::modified &&
      text_at(change.before, "/metadata/deletionTimestamp").empty() &&
      !text_at(change.object, "/metadata/deletionTimestamp").empty()) {
    const auto found = pods_.find(change.key.name);
    if (found != pods_.end() && !found->second.owner.empty()) start_new_pod(found->second);
  }
  if (change.key.resource == "deployments.apps") {
    const auto* generation = find_at(change.object, "/metadata/generation");
    if (generation == nullptr) return;
    const auto now = generation->to_number<std::int64_t>();
    auto& known = generations_.try_emplace(change.key.name, now).first->second;
    if (now > known) {
      known = now;
      roll_out(change.key);
    }
  }
}

void Controllers::start_pod(const PodSpec& spec, PodState state) {
  const auto name = (spec.owner.empty() ? spec.app : spec.owner) + "-" + random_suffix(5);
  pods_[name] = spec;
  cluster_.store().create({"pods", name_space, name}, pod(spec, state));
}

void Controllers::deploy_with(const std::string& credentials) {
  const auto old = [](const std::string& name) { return name.starts_with("cattle-credentials-"); };
  for (auto& [name, spec] : pods_)
    std::replace_if(spec.secrets.begin(), spec.secrets.end(), old, credentials);
  auto& store = cluster_.store();
  for (const auto* resource : {"deployments.apps", "daemonsets.apps"}) {
    std::vector<ObjectKey> keys;
    for (const auto* each : store.list(resource, name_space)) {
      keys.push_back({resource, name_space, text_at(*each, "/metadata/name")});
    }
    for (const auto& key : keys) {
      auto changed = *store.find(key);
      auto& volumes = changed.at_pointer("/spec/template/spec/volumes").as_array();
      for (auto& volume : volumes) {
        if (old(text_at(volume, "/secret/secretName"))) {
          put(volume, "/secret/secretName", credentials);
        }
      }
      const auto generation = find_at(changed, "/metadata/generation")->to_number<std::int64_t>();
      put(changed, "/metadata/generation", generation + 1);
      store.update(key, std::move(changed));
    }
  }
}

void Controllers::start_new_pod(const PodSpec& spec) {
  auto fresh = spec;
  fresh.started.clear();
  const auto mounts = cluster_.kubernetes().pod_token == PodToken::secret;
  if (mounts && spec.account == "cattle" && cluster_.name() != "local") {
    // The API server adds the account's token when a pod is made, and refuses the pod as long as
    // there is none; its workload tries again.
    const auto token = tokens_.mountable();
    if (token.empty()) {
      scheduler_.after(settings_.delay(200), [this, spec] { start_new_pod(spec); });
      return;
    }
    std::erase_if(fresh.secrets,
                  [](const std::string& name) { return name.starts_with("cattle-token"); });
    fresh.secrets.push_back(token);
  }
  start_pod(fresh, PodState::pending);
}

void Controllers::roll_out(const ObjectKey& deployment) {
  auto& store = cluster_.store();
  const auto app = text_at(*store.find(deployment), "/spec/template/metadata/labels/app");
  std::vector<ObjectKey> old;
  PodSpec spec;
  for (const auto* pod : store.list("pods", name_space)) {
    if (text_at(*pod, "/metadata/labels/app") != app) continue;
    old.push_back({"pods", name_space, text_at(*pod, "/metadata/name")});
    spec = pods_[old.back().name];
    // It will not be replaced by another of its kind: the new ReplicaSet has its own.
    pods_[old.back().name].owner.clear();
  }
  log_.event("workload", "rollout", deployment.name);
  auto changed = *store.find(deployment);
  const auto replicas = find_at(changed, "/spec/replicas")->to_number<int>();
  put(changed, "/status/observedGeneration",
      find_at(changed, "/metadata/generation")->to_number<std::int64_t>());
  put(changed, "/status/replicas", 2 * replicas);
  put(changed, "/status/updatedReplicas", replicas);
  store.update(deployment, std::move(changed));
  if (settings_.faults.has("rollout-awaits-reader")) held_rollouts_.insert(deployment);
  spec.owner = deployment.name + "-" + random_suffix(9);
  for (int i = 0; i < replicas; ++i) start_new_pod(spec);
  // Old pods go when new ones are ready.
  const auto number = std::make_shared<int>(0);
  *number = store.observe([this, spec, replicas, old, deployment, number](const Change& change) {
    if (change.key.resource != "pods" || ready_pods(spec.owner) < replicas) return;
    cluster_.store().unobserve(*number);
    for (const auto& key : old) {
      const auto* present = cluster_.store().find(key);
      if (present == nullptr) continue;
      auto told = *present;
      put(told, "/metadata/deletionTimestamp", now_text());
      cluster_.store().update(key, std::move(told));
    }
    if (settings_.faults.has("rollout-awaits-reader")) return;
    scheduler_.after(settings_.delay(300), [this, deployment] { end_roll_out(deployment); });
  });
}

int Controllers::ready_pods(const std::string& owner) const {
  int ready = 0;
  for (const auto* pod : cluster_.store().list("pods", name_space)) {
    if (text_at(*pod, "/metadata/ownerReferences/0/name") == owner &&
        text_at(*pod, "/status/conditions/0/status") == "True") {
      ++ready;
    }
  }
  return ready;
}

void Controllers::deployments_read() {
  for (const auto& deployment : std::exchange(held_rollouts_, {})) {
    // Not before the reader has the answer.
    scheduler_.after(std::chrono::milliseconds{0},
                     [this, deployment] { end_roll_out(deployment); });
  }
}

void Controllers::end_roll_out(const ObjectKey& deployment) {
  auto done = *cluster_.store().find(deployment);
  const auto replicas = find_at(done, "/spec/replicas")->to_number<int>();
  put(done, "/status/replicas", replicas);
  put(done, "/status/availableReplicas", replicas);
  cluster_.store().update(deployment, std::move(done));
}

}  // namespace retrust::sandbox
