#include "documents/sample_plan.h"

namespace retrust::documents {
namespace {

/// Observation of a cluster that needs every step.
Observation sample(Shown shown) {
  Observation seen;
  seen.downstream.kubernetes_version = "v1.20.15";
  TokenSecret secret;
  secret.name = "cattle-token-xxxxx";
  secret.verdict = Verdict::rejected;
  seen.downstream.tokens = {secret};
  Pod pod;
  pod.name = "cattle-cluster-agent-xxxxx";
  pod.service_account = agent_account;
  seen.downstream.pods = {pod};
  auto& local = seen.local;
  local.cluster.id = "c-xxxxx";
  local.rancher.version_text = shown == Shown::with_secrets ? "v2.12.3" : "v2.1.14";
  local.rancher.version = parse_version(local.rancher.version_text);
  local.rancher.deployment = "rancher";
  local.rancher.name_space = "cattle-system";
  if (shown == Shown::with_secrets)
    local.cluster.token_secret_name = "cluster-serviceaccounttoken-xxxxx";
  ContainerBackup backup;
  backup.archive = "/tmp/rancher-data-backup-VERSION-DATE.tar.gz";
  backup.folder = "RUN-DIR/backup";
  seen.backup.container = backup;
  seen.backup.resource_set = "rancher-resource-set-full";
  UserTokens::Group users;
  users.name_space = "cattle-impersonation-system";
  users.total = users.rejected = 1;
  seen.user_tokens.look = UserTokens::Look::done;
  seen.user_tokens.groups = {users};
  return seen;
}

}  // namespace

std::vector<std::string> commands_of(Step step, Shown shown) {
  PlanOptions options;
  options.extent = Extent::every;
  options.impersonation = Impersonation::repair;
  options.downstream_kubectl.words = {"kubectl", "--kubeconfig=DOWNSTREAM"};
  options.local_kubectl.words = {"kubectl", "--kubeconfig=LOCAL"};
  options.backup.container = "CONTAINER";
  options.backup.kind =
      step == Step::backup_rancher ? BackupChoice::Kind::backup_operator : BackupChoice::Kind::etcd;
  options.backup.rke_config = "cluster.yml";
  options.backup.snapshot = "SNAPSHOT-DATE.db";
  options.backup.date = "DATE";
  return make_plan(sample(shown), options)[step].commands;
}

}  // namespace retrust::documents
