#include "observe/live_account.h"

#include "credentials/token.h"
#include "observe/stored_token.h"

namespace retrust {

ObjectName live_account(const Observation& seen, const NamespaceName& name_space) {
  const auto& cluster = seen.local.cluster;
  const auto& accounts = seen.downstream.accounts;
  const auto claims = parse_token(cluster.stored.token.reveal());
  if (claims && claims->name_space == name_space.text()) {
    auto named = ObjectName::if_allowed(claims->service_account.str());
    const auto found = accounts.find(named);
    const auto same = found != accounts.end() && !found->second.empty() &&
                      claims->service_account_uid == found->second.text();
    if (same) return named;
  }
  const auto reported =
      why_not_reported(cluster, seen.local.rancher, Reported::token_and_ca).empty();
  return reported || cluster.stored.token.empty() ? ObjectName(agent_account) : ObjectName();
}

bool is_ranchers_own(const Observation& seen) {
  return seen.downstream.account != agent_account;
}

std::string_view account_text(const Observation& seen) {
  const auto& account = seen.downstream.account;
  return account.empty() ? std::string_view("the stored token's account")
                         : std::string_view(account.text());
}

std::string who_rotates(const Observation& seen) {
  if (!is_ranchers_own(seen)) return {};
  // rancher/rancher v2.9.5, pkg/controllers/management/clusterprovisioner/provisioner.go:565.
  if (seen.local.cluster.driver == "rancherKubernetesEngine") {
    return "Rancher made this cluster, and records a new CA itself if its own certificate rotation "
           "renews it";
  }
  // rancher/rancher v2.15.0, pkg/controllers/management/eks/eks_cluster_handler.go:254-285: the CA
  // is set while there is no address, the token while no Secret is named.
  return "Rancher makes this account's token once, and records no other by itself";
}

}  // namespace retrust
