#include "observe/right_clusters.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "credentials/token.h"
#include "observe/commands.h"
#include "observe/handed_out_ca.h"

namespace retrust {
namespace {

[[noreturn]] void refuse(FailureCode code, std::string why, Advice advice,
                         std::string detail = {}) {
  throw Failure(code, std::move(why), std::move(advice), std::move(detail));
}

std::string called(const ClusterResource& cluster) {
  return fmt::format("{} ({})", cluster.display_name, cluster.id.text());
}

/// Description of the cluster behind --kubeconfig, and of its difference from the wanted cluster.
std::string what_is_there(const Observation& observation) {
  const auto& downstream = observation.downstream;
  const auto claims = parse_token(observation.local.cluster.stored.token.reveal());
  return fmt::format(
      "--kubeconfig leads to {}, kube-system {}\nthere the service account cattle has the uid {}\n"
      "Rancher's stored token is of {}",
      downstream.kubeconfig.server, downstream.kube_system_uid.text(),
      downstream.service_account_uid.text(),
      claims && !claims->service_account_uid.empty() ? claims->service_account_uid
                                                     : "no service account that it names");
}

}  // namespace

void check_right_clusters(const Observation& observation) {
  const auto& downstream = observation.downstream;
  const auto& cluster = observation.local.cluster;
  if (downstream.kube_system_uid.empty() || observation.local.kube_system_uid.empty()) {
    refuse(FailureCode::refused,
           "a cluster does not show its namespace kube-system, so it cannot be told which it is",
           "use administrators' kubeconfigs");
  }
  if (downstream.kube_system_uid == observation.local.kube_system_uid) {
    refuse(FailureCode::wrong_cluster, "both kubeconfigs are of the same cluster",
           "--kubeconfig is the downstream cluster's, --local-kubeconfig that of the cluster that "
           "Rancher runs in",
           fmt::format("--kubeconfig leads to {}, --local-kubeconfig to {}: the uid of kube-system "
                       "is {} in both",
                       downstream.kubeconfig.server, observation.local.kubeconfig.server,
                       downstream.kube_system_uid.text()));
  }
  if (downstream.service_account_uid.empty()) {
    refuse(FailureCode::wrong_cluster,
           "the downstream cluster has no service account cattle: Rancher's agents are not there",
           fmt::format("is --kubeconfig really of {}? Otherwise import the cluster again",
                       called(cluster)));
  }
  if (observation.identity == Identity::contradicted &&
      observation.registration.state != Registration::State::another_cluster) {
    refuse(FailureCode::wrong_cluster,
           fmt::format("--kubeconfig is not of the cluster {}: the service account that Rancher's "
                       "token for it names is not the one that is there",
                       called(cluster)),
           "check --kubeconfig and --cluster", what_is_there(observation));
  }
  if (observation.identity == Identity::unproven &&
      observation.registration.state != Registration::State::another_cluster) {
    refuse(FailureCode::wrong_cluster,
           fmt::format("nothing shows that --kubeconfig is of the cluster {}: no stored token to "
                       "compare, and its agents did not register with this clusters resource",
                       called(cluster)),
           "check --kubeconfig and --cluster; a cluster that never connected has to be imported",
           what_is_there(observation));
  }
  if (const auto& registration = observation.registration;
      observation.identity != Identity::account &&
      registration.state == Registration::State::another_cluster) {
    refuse(FailureCode::wrong_cluster,
           fmt::format("--kubeconfig is not of the cluster {}: {}", called(cluster),
                       registration_trouble(registration)),
           fmt::format("check --kubeconfig; is --cluster={} meant?", registration.cluster),
           what_is_there(observation));
  }
  if (downstream.account.empty()) {
    const auto claims = parse_token(cluster.stored.token.reveal());
    refuse(FailureCode::refused,
           fmt::format("the service account {} that Rancher's token for {} names is gone, and "
                       "Rancher takes no reports of the agents for the driver {}",
                       claims && !claims->service_account.empty() ? claims->service_account : "",
                       called(cluster), cluster.driver.empty() ? "\"\"" : cluster.driver.str()),
           "nobody can tell which account's token Rancher should have. Find out who deleted that "
           "account; Rancher makes another when the cluster is registered again",
           what_is_there(observation));
  }
  if (downstream.handed_out_ca == Downstream::HandedOutCa::does_not_verify) {
    refuse(FailureCode::old_ca,
           "the CA that the cluster hands out (token secret, ca.crt) does not verify its own API "
           "server",
           "give kube-controller-manager the new CA with --root-ca-file and restart it, then run "
           "again (if a proxy with a certificate of its own stands between, use a kubeconfig that "
           "goes straight to an API server)",
           downstream.handed_out_reason);
  }
}

void check_stays(const Observation& observation) {
  const auto& cluster = observation.local.cluster;
  if (!cluster.deletion) return;
  refuse(FailureCode::refused,
         fmt::format("the clusters resource {} is being deleted by Rancher", called(cluster)),
         "a repair would not stay. Find out why the deletion hangs (its finalizers), or import the "
         "cluster again");
}

void check_registration(const Observation& observation) {
  using State = Registration::State;
  const auto& registration = observation.registration;
  const auto& cluster = observation.local.cluster;
  const auto trouble = registration_trouble(registration);
  if (registration.state == State::another_cluster) {
    refuse(FailureCode::wrong_cluster,
           fmt::format("{}, so a repair of {} connects nothing", trouble, called(cluster)),
           fmt::format("the cluster was imported twice. Work on the clusters resource that its "
                       "agents feed: --cluster={}",
                       registration.cluster));
  }
  // An agent that is connected here has another name of this Rancher.
  if (registration.is_another_rancher() && cluster.connected.status != "True") {
    refuse(FailureCode::wrong_cluster,
           fmt::format("{}, so a repair of {} connects nothing", trouble, called(cluster)),
           "find out which Rancher manages the cluster: give that one's --local-kubeconfig, or "
           "register the cluster with this one again");
  }
}

void check_one_ca(const Observation& observation, const KubectlLine& downstream_kubectl) {
  const auto* live = observation.live();
  if (live == nullptr) return;
  const auto text = ca_behind_text(observation.downstream, *live);
  if (text.empty()) return;
  refuse(
      FailureCode::old_ca, text,
      {"find the reason in the log of kube-controller-manager, then run again. See on which node "
       "it is active",
       shell_line(downstream_kubectl, commands::controller_manager_lease())});
}

}  // namespace retrust
