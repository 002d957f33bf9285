// Rancher deploys its agents: rancher/rancher v2.15.0, pkg/controllers/management/clusterdeploy/
// clusterdeploy.go (deployAgent), as its own user for the cluster.
#include "account_token.h"
#include "downstream.h"
#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {

std::string Downstream::deploy_agents() {
  const std::string impersonation(impersonation_namespace);
  auto& store = cluster_->store();
  const auto* account = store.find({"serviceaccounts", impersonation, system_account(names_.id)});
  if (account != nullptr) {
    impersonators_->use();
    const TokenSecrets secrets(store, impersonation);
    const auto name = secrets.find(settings_.rancher.account_secret, *account);
    const auto* secret = store.find({"secrets", impersonation, name});
    const auto token =
        secret == nullptr ? std::string() : decoded_secret(text_at(*secret, "/data/token"));
    if (cluster_->authenticate(token).access == Access::none) {
      // The error of kubectl's process, and what kubectl prints up to 1.28 (tried). Later ones say
      // that they cannot download openapi.
      return "Error while applying agent YAML, it will be retried automatically: exit status 1, "
             "error: You must be logged in to the server (the server has asked for the client to "
             "provide credentials)";
    }
  }
  const auto fresh = "cattle-credentials-" + random_suffix(7);
  store.create({"secrets", std::string(agents_namespace), fresh},
               agent_credentials(rancher_.registration(), names_.id));
  controllers_->deploy_with(fresh);
  return {};
}

}  // namespace retrust::sandbox
