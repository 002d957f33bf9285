#include "observe/same_cluster.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/json.h"
#include "observe/commands.h"
#include "tools/session.h"

namespace retrust {
namespace {

[[noreturn]] void refuse(Side side, const std::string& difference) {
  throw Failure(FailureCode::wrong_cluster,
                fmt::format("the kubeconfig of the {} leads to another cluster than before: {}",
                            name_of(side), difference),
                Advice::retrust("find out who replaced the kubeconfig, or what answers at its "
                                "address; then look again",
                                "plan"));
}

void check_uid(Side side, const Uid& before, const Uid& now) {
  if (before == now) return;
  refuse(side, fmt::format("the uid of kube-system was {} and is {}", before.text(),
                           now.empty() ? std::string("unknown") : now.text()));
}

}  // namespace

void check_same_clusters(const Observation& before, const Observation& now) {
  check_uid(Side::downstream, before.downstream.kube_system_uid, now.downstream.kube_system_uid);
  check_uid(Side::local, before.local.kube_system_uid, now.local.kube_system_uid);
  check_same_resource(before.local.cluster, now.local.cluster);
}

void check_same_resource(const ClusterResource& before, const ClusterResource& now) {
  if (before.id == now.id && before.uid == now.uid) return;
  refuse(Side::local, fmt::format("the uid of the clusters resource {} was {} and is {}",
                                  before.id.text(), before.uid.text(), now.uid.text()));
}

boost::asio::awaitable<void> check_same_cluster(Kubectl kubectl, Uid kube_system) {
  // A process connects again, as the change will. A session keeps its connection to where the
  // address led.
  const auto object = co_await kubectl.by_process().get(commands::kube_system());
  const Uid now = text_at(object, "/metadata/uid");
  check_uid(kubectl.target().side, kube_system, now);
  if (const auto& session = kubectl.session()) session->saw(now);
}

boost::asio::awaitable<void> check_same_cluster_lately(Kubectl kubectl, Uid kube_system) {
  const auto session = kubectl.session();
  if (session && session->saw_lately(kube_system, fresh_for)) co_return;
  co_await check_same_cluster(std::move(kubectl), std::move(kube_system));
}

}  // namespace retrust
