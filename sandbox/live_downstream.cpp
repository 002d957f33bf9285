#include "live_downstream.h"

#include <algorithm>
#include <numeric>

#include <boost/json/array.hpp>

#include "cluster.h"
#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

const std::string agents_space(agents_namespace);

std::vector<Mirror::Kind> mirrored() {
  return {Mirror::of_namespace("secrets", agents_namespace),
          Mirror::of_namespace("serviceaccounts", agents_namespace),
          Mirror::of_namespace("configmaps", agents_namespace),
          Mirror::of_namespace("pods", agents_namespace),
          Mirror::of_namespace("secrets", impersonation_namespace),
          Mirror::of_namespace("serviceaccounts", impersonation_namespace)};
}

}  // namespace

LiveDownstream::LiveDownstream(const Surroundings& around, Downstream::Names names,
                               unsigned short port, Settings& settings)
    : names_(std::move(names)),
      settings_(settings),
      local_(around.local),
      port_(port),
      log_(names_.server == Downstream::Names{}.server ? around.log
                                                       : around.log.of(names_.display_name)),
      mirror_(around.io, around.plane / (names_.server + "-stand-in.kubeconfig"), mirrored(), log_),
      pod_tokens_(around.io, mirror_),
      rancher_(around.io, local_, around.scheduler, settings_, log_, names_.id),
      agents_(mirror_, rancher_, around.scheduler, settings_, log_,
              [this](const ObjectKey& pod) { return pod_tokens_.find(pod); }),
      impersonators_(mirror_, settings_, log_),
      kubelet_(mirror_, around.scheduler, settings_, log_,
               {.last_words = [this](const ObjectKey& pod) { return agents_.last_words(pod); },
                .pod_ready = [this](const ObjectKey& pod) { agents_.ready(pod); },
                .pod_terminating = [this](const ObjectKey& pod) { agents_.terminating(pod); },
                .pod_gone = [this](const ObjectKey& pod) { agents_.gone(pod); }}) {
  bind_pods(mirror_);
}

asio::awaitable<ClusterRecord> LiveDownstream::fill() {
  settings_.kubernetes = co_await kubernetes_of(mirror_.client());
  ClusterRecord record{.id = names_.id,
                       .display_name = names_.display_name,
                       .registration = random_suffix(54),
                       .stored = {}};
  record.stored =
      co_await fill_downstream(mirror_.client(), record.registration, names_.id, settings_);
  co_return record;
}

asio::awaitable<void> LiveDownstream::start() {
  rancher_.start(port_);
  mirror_.start();
  co_await start_agents(mirror_.client(), settings_);
}

bool LiveDownstream::settled() const {
  const auto pods = mirror_.list("pods", agents_space);
  const auto running = std::count_if(pods.begin(), pods.end(), [](const json::value* pod) {
    return text_at(*pod, "/status/phase") == "Running";
  });
  const auto agents = agent_workloads(settings_);
  const auto expected = std::accumulate(
      agents.begin(), agents.end(), 1,  // the helm operation
      [](int sum, const AgentWorkload& workload) { return sum + workload.replicas; });
  return running >= expected && agents_.quiet() && is_ready();
}

bool LiveDownstream::is_ready() const {
  const auto* resource = local_.find({"clusters.management.cattle.io", "", names_.id});
  if (resource == nullptr) return false;
  const auto* conditions = find_at(*resource, "/status/conditions");
  if (conditions == nullptr || !conditions->is_array()) return false;
  const auto& list = conditions->get_array();
  return std::any_of(list.begin(), list.end(), [](const json::value& condition) {
    return text_at(condition, "/type") == "Ready" && text_at(condition, "/status") == "True";
  });
}

}  // namespace retrust::sandbox
