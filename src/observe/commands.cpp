#include "observe/commands.h"

#include "observe/token_place.h"

namespace retrust::commands {
namespace {

/// Arguments of a deletion. --wait=false, because a watch follows all deletions at once.
Arguments deletion(const NamespaceName& name_space, Word kind,
                   const std::vector<ObjectName>& names) {
  return Arguments()
      .option("-n", name_space)
      .words({"delete"})
      .objects(kind, names)
      .words({"--ignore-not-found", "--wait=false"});
}

}  // namespace

Query observe_downstream(const NamespaceName& name_space) {
  return {
      Arguments{"namespaces,serviceaccounts,secrets,configmaps,pods,deployments.apps,"
                "daemonsets.apps"}
          .option("-n", name_space),
      {ApiRead::list(Resource::namespaces), ApiRead::list(Resource::service_accounts, name_space),
       ApiRead::list(Resource::secrets, name_space),
       ApiRead::list(Resource::config_maps, name_space), ApiRead::list(Resource::pods, name_space),
       ApiRead::list(Resource::deployments, name_space),
       ApiRead::list(Resource::daemon_sets, name_space)}};
}

// Full names, because Rancher 2.6 and later has several resource types called `clusters`.
Query observe_local(const NamespaceName& rancher_namespace, const std::string& wanted) {
  // Rancher has hundreds of settings, and several namespaces for each cluster and user.
  return {Arguments{"clusters.management.cattle.io,settings.management.cattle.io,namespaces,"
                    "deployments.apps,pods"}
              .option("-n", rancher_namespace),
          {wanted.empty() || !LabelRule::allows(wanted)
               ? ApiRead::list(Resource::clusters)
               : ApiRead::one_or_all(Resource::clusters, wanted),
           ApiRead::one_or_all(Resource::settings, "server-version"),
           ApiRead::one_or_all(Resource::settings, "server-url"),
           ApiRead::object(Resource::namespaces, {}, "kube-system"),
           ApiRead::list(Resource::deployments, rancher_namespace),
           ApiRead::list(Resource::pods, rancher_namespace)}};
}

Arguments delete_secrets(const NamespaceName& name_space, const std::vector<ObjectName>& names) {
  return deletion(name_space, "secret", names);
}

Arguments delete_secret_with(const NamespaceName& name_space, const ObjectName& name) {
  return Arguments{"delete", "--raw"}
      .absolute_path(fmt::format("/api/v1/namespaces/{}/secrets/{}", name_space, name))
      .words({"-f", "-"});
}

Arguments delete_pods(const NamespaceName& name_space, const std::vector<ObjectName>& names) {
  return deletion(name_space, "pod", names);
}

Arguments previous_log(const NamespaceName& name_space, const ObjectName& pod) {
  return Arguments()
      .option("-n", name_space)
      .words({"logs", "--previous", "--tail=50"})
      .object("pod", pod);
}

Query failed_sandboxes(const NamespaceName& name_space) {
  auto args = name_space.empty() ? Arguments{"events", "--all-namespaces"}
                                 : Arguments{"events"}.option("-n", name_space);
  return {
      std::move(args).words({"--field-selector=reason=FailedCreatePodSandBox"}),
      {ApiRead::list(Resource::events, name_space).with_field("reason", "FailedCreatePodSandBox")}};
}

Query warnings(const NamespaceName& name_space) {
  return {Arguments{"events"}.option("-n", name_space).words({"--field-selector=type=Warning"}),
          {ApiRead::list(Resource::events, name_space).with_field("type", "Warning")}};
}

Query nodes() {
  return {Arguments{"nodes"}, {ApiRead::list(Resource::nodes)}};
}

Arguments node_list() {
  return {"get", "nodes"};
}

Arguments daemon_sets() {
  return {"get", "daemonsets.apps", "--all-namespaces"};
}

Query rancher_ca() {
  return {Arguments{"settings.management.cattle.io/cacerts"},
          {ApiRead::object(Resource::settings, {}, "cacerts")}};
}

Arguments unmark_secret(const NamespaceName& name_space, const ObjectName& secret) {
  return Arguments()
      .option("-n", name_space)
      .words({"label"})
      .object("secret", secret)
      .words({"kubernetes.io/legacy-token-invalid-since-"});
}

Query token_secrets(const NamespaceName& name_space) {
  return {Arguments{"secrets"}
              .option("-n", name_space)
              .words({"--field-selector=type=kubernetes.io/service-account-token"}),
          {ApiRead::list(Resource::secrets, name_space)
               .with_field("type", "kubernetes.io/service-account-token")}};
}

Query accounts_and_secrets(const NamespaceName& name_space) {
  return {Arguments{"serviceaccounts,secrets"}.option("-n", name_space),
          {ApiRead::list(Resource::service_accounts, name_space),
           ApiRead::list(Resource::secrets, name_space)}};
}

Query ca_holders(const NamespaceName& name_space, const ObjectName& secret) {
  return {Arguments()
              .object("secret", secret)
              .words({"configmap/kube-root-ca.crt"})
              .option("-n", name_space),
          {ApiRead::object(Resource::secrets, name_space, secret),
           ApiRead::object(Resource::config_maps, name_space, "kube-root-ca.crt")}};
}

// The namespace is always there, so that kubectl prints a list also if nothing else is.
Query live_credentials(const NamespaceName& name_space, const ObjectName& secret) {
  Arguments args;
  if (!secret.empty()) args.object("secret", secret);
  return std::move(args)
      .words({"configmap/kube-root-ca.crt", "namespace/kube-system"})
      .option("-n", name_space)
      .words({"--ignore-not-found"});
}

Query pods(const NamespaceName& name_space) {
  return {Arguments{"pods"}.option("-n", name_space), {ApiRead::list(Resource::pods, name_space)}};
}

Query pod(const NamespaceName& name_space, const ObjectName& name) {
  return {Arguments().object("pod", name).option("-n", name_space),
          {ApiRead::object(Resource::pods, name_space, name)}};
}

Query secret(const NamespaceName& name_space, const ObjectName& name) {
  return {Arguments().object("secret", name).option("-n", name_space),
          {ApiRead::object(Resource::secrets, name_space, name)}};
}

Query service_account(const NamespaceName& name_space, const ObjectName& name) {
  return {Arguments().object("serviceaccount", name).option("-n", name_space),
          {ApiRead::object(Resource::service_accounts, name_space, name)}};
}

Query kube_system() {
  return {Arguments{"namespace/kube-system"},
          {ApiRead::object(Resource::namespaces, {}, "kube-system")}};
}

Query registration_tokens(const ClusterId& id) {
  return {Arguments{"clusterregistrationtokens.management.cattle.io"}.option("-n", id),
          {ApiRead::list(Resource::registration_tokens, id)}};
}

// rancher/rancher v2.15.0, pkg/controllers/dashboard/clusterregistrationtoken/status.go:
// AssignCommands.
Arguments registration_command(const ClusterId& id) {
  return Arguments()
      .words({"get", "clusterregistrationtokens.management.cattle.io"})
      .option("-n", id)
      .words({"-o", "jsonpath={.items[0].status.insecureCommand}"});
}

Arguments deploy_agents_again(const ClusterId& id, const ResourceVersion& version) {
  return Arguments()
      .words({"annotate"})
      .object("clusters.management.cattle.io", id.text())
      .words({"io.cattle.agent.force.deploy=true", "--overwrite"})
      .joined("--resource-version=", version.text());
}

Query leases(const NamespaceName& name_space, const ObjectName& name) {
  return {Arguments{"leases.coordination.k8s.io"}
              .option("-n", name_space)
              .joined("--field-selector=metadata.name=", name.text()),
          {ApiRead::list(Resource::leases, name_space).with_field("metadata.name", name.text())}};
}

Arguments delete_lease(const NamespaceName& name_space, const ObjectName& name) {
  return Arguments()
      .option("-n", name_space)
      .words({"delete"})
      .object("leases.coordination.k8s.io", name);
}

Query clusters() {
  return {Arguments{"clusters.management.cattle.io"}, {ApiRead::list(Resource::clusters)}};
}

Query rancher_version() {
  return {Arguments{"settings.management.cattle.io"}.words(
              {"--field-selector=metadata.name=server-version"}),
          {ApiRead::list(Resource::settings).with_field("metadata.name", "server-version")}};
}

Query credential_secrets() {
  return {Arguments{"secrets"}.option("-n", NamespaceName(credential_namespace)),
          {ApiRead::list(Resource::secrets, credential_namespace)}};
}

// rancher/rancher v2.15.0, pkg/controllers/management/clusterdeploy/clusterdeploy.go: the agents
// get the token of this name.
Query agents_registration_tokens() {
  return {Arguments{"clusterregistrationtokens.management.cattle.io", "--all-namespaces",
                    "--field-selector=metadata.name=system"},
          {ApiRead::list(Resource::registration_tokens).with_field("metadata.name", "system")}};
}

// The API version is left to kubectl, because it depends on the server's.
Query clusters_definition() {
  return Arguments().object("customresourcedefinitions.apiextensions.k8s.io",
                            clusters_definition_name);
}

Query cluster(const ClusterId& id) {
  return {Arguments().object("clusters.management.cattle.io", id.text()),
          {ApiRead::object(Resource::clusters, {}, id.text())}};
}

Arguments describe_pods(const NamespaceName& name_space) {
  return Arguments().option("-n", name_space).words({"describe", "pod"});
}

// Only these two fields of each cluster, because the resource holds a token.
Arguments cluster_names() {
  return {"get", "clusters.management.cattle.io", "-o",
          R"(jsonpath={range .items[*]}{.metadata.name}{"\t"}{.spec.displayName}{"\n"}{end})"};
}

Arguments controller_manager_lease() {
  // kubernetes/kubernetes v1.20.0, cmd/kube-controller-manager/app/options/options.go: the name of
  // the Lease.
  return {"get", "lease/kube-controller-manager",  "-n", "kube-system",
          "-o",  "jsonpath={.spec.holderIdentity}"};
}

// A selector, because kubectl drops the first event of a watch of a single object, and with it each
// change since kubectl read the object.
Query watched_cluster(const ClusterId& id) {
  return {Arguments{"clusters.management.cattle.io"}.joined("--field-selector=metadata.name=",
                                                            id.text()),
          {ApiRead::list(Resource::clusters).with_field("metadata.name", id.text())}};
}

Arguments restart_workload(std::string_view kind, const NamespaceName& name_space,
                           const ObjectName& name) {
  if (kind != "daemonset" && kind != "statefulset") return restart_deployment(name_space, name);
  return Arguments()
      .option("-n", name_space)
      .words({"rollout", "restart"})
      .object(kind == "daemonset" ? Word("daemonset") : Word("statefulset"), name);
}

Query resource_sets() {
  return {Arguments{"resourcesets.resources.cattle.io"}, {ApiRead::list(Resource::resource_sets)}};
}

Query watched_operator_backup(const ObjectName& name) {
  return {Arguments{"backups.resources.cattle.io"}.joined("--field-selector=metadata.name=",
                                                          name.text()),
          {ApiRead::list(Resource::operator_backups).with_field("metadata.name", name.text())}};
}

Arguments described_operator_backup(const ObjectName& name) {
  return Arguments{"describe"}.object("backups.resources.cattle.io", name);
}

// rancher/backup-restore-operator v2.0.0, charts/rancher-backup/templates/_helpers.tpl: the label
// of the operator, wherever it is installed.
Arguments backup_operators() {
  return {"get", "pods", "--all-namespaces", "-l", "resources.cattle.io/operator=backup-restore"};
}

Arguments restart_deployment(const NamespaceName& name_space, const ObjectName& name) {
  return Arguments()
      .option("-n", name_space)
      .words({"rollout", "restart"})
      .object("deployment", name);
}

Query deployment(const NamespaceName& name_space, const ObjectName& name) {
  return {Arguments().option("-n", name_space).object("deployments.apps", name),
          {ApiRead::object(Resource::deployments, name_space, name)}};
}

Query watched_deployment(const NamespaceName& name_space, const ObjectName& name) {
  return {
      Arguments{"deployments.apps"}
          .option("-n", name_space)
          .joined("--field-selector=metadata.name=", name.text()),
      {ApiRead::list(Resource::deployments, name_space).with_field("metadata.name", name.text())}};
}

// A list instead of names, because kubectl limits deletions by name to 5 per second.
Arguments delete_given() {
  return {"delete", "-f", "-", "--ignore-not-found", "--wait=false"};
}

Arguments versions_given() {
  constexpr Word columns =
      "custom-columns=NAME:.metadata.name,UID:.metadata.uid,VERSION:.metadata.resourceVersion";
  return {"get", "-f", "-", "--ignore-not-found", "--no-headers", "-o", columns};
}

}  // namespace retrust::commands
