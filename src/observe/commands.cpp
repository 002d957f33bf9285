#include "observe/commands.h"

namespace retrust::commands {
namespace {

/// --wait=false: what comes of a deletion is watched, for everything at once.
Arguments deletion(const NamespaceName& name_space, Word kind,
                   const std::vector<ObjectName>& names) {
  return Arguments()
      .option("-n", name_space)
      .words({"delete"})
      .objects(kind, names)
      .words({"--ignore-not-found", "--wait=false"});
}

}  // namespace

Arguments observe_downstream(const NamespaceName& name_space) {
  return Arguments{
      "namespaces,serviceaccounts,secrets,configmaps,pods,deployments.apps,daemonsets.apps"}
      .option("-n", name_space);
}

// The full names: since Rancher 2.6 there are several resource types called `clusters`.
Arguments observe_local(const NamespaceName& rancher_namespace) {
  return Arguments{
      "clusters.management.cattle.io,settings.management.cattle.io,namespaces,"
      "deployments.apps,pods"}
      .option("-n", rancher_namespace);
}

Arguments delete_secrets(const NamespaceName& name_space, const std::vector<ObjectName>& names) {
  return deletion(name_space, "secret", names);
}

Arguments delete_pods(const NamespaceName& name_space, const std::vector<ObjectName>& names) {
  return deletion(name_space, "pod", names);
}

Arguments token_secrets(const NamespaceName& name_space) {
  return Arguments{"secrets"}
      .option("-n", name_space)
      .words({"--field-selector=type=kubernetes.io/service-account-token"});
}

Arguments accounts_and_secrets(const NamespaceName& name_space) {
  return Arguments{"serviceaccounts,secrets"}.option("-n", name_space);
}

Arguments ca_holders(const NamespaceName& name_space, const ObjectName& secret) {
  return Arguments()
      .object("secret", secret)
      .words({"configmap/kube-root-ca.crt"})
      .option("-n", name_space);
}

Arguments pods(const NamespaceName& name_space) {
  return Arguments{"pods"}.option("-n", name_space);
}

Arguments pod(const NamespaceName& name_space, const ObjectName& name) {
  return Arguments().object("pod", name).option("-n", name_space);
}

Arguments secret(const NamespaceName& name_space, const ObjectName& name) {
  return Arguments().object("secret", name).option("-n", name_space);
}

Arguments service_account(const NamespaceName& name_space, const ObjectName& name) {
  return Arguments().object("serviceaccount", name).option("-n", name_space);
}

Arguments kube_system() {
  return {"namespace/kube-system"};
}

Arguments registration_tokens(const ClusterId& id) {
  return Arguments{"clusterregistrationtokens.management.cattle.io"}.option("-n", id);
}

Arguments clusters_definition() {
  return {"customresourcedefinitions.apiextensions.k8s.io/clusters.management.cattle.io"};
}

Arguments cluster(const ClusterId& id) {
  return Arguments().object("clusters.management.cattle.io", id.text());
}

Arguments describe_pods(const NamespaceName& name_space) {
  return Arguments().option("-n", name_space).words({"describe", "pod"});
}

// Of each cluster these two fields alone: the resource holds a token.
Arguments cluster_names() {
  return {"get", "clusters.management.cattle.io", "-o",
          R"(jsonpath={range .items[*]}{.metadata.name}{"\t"}{.spec.displayName}{"\n"}{end})"};
}

// By a selector: of a single object named outright kubectl drops the first event of its watch, and
// with it each change since it read the object.
Arguments watched_cluster(const ClusterId& id) {
  return Arguments{"clusters.management.cattle.io"}.joined("--field-selector=metadata.name=",
                                                           id.text());
}

Arguments restart_deployment(const NamespaceName& name_space, const ObjectName& name) {
  return Arguments()
      .option("-n", name_space)
      .words({"rollout", "restart"})
      .object("deployment", name);
}

Arguments watched_deployment(const NamespaceName& name_space, const ObjectName& name) {
  return Arguments{"deployments.apps"}
      .option("-n", name_space)
      .joined("--field-selector=metadata.name=", name.text());
}

// Not by names: kubectl holds such requests back to five in a second, and these not at all.
Arguments delete_given() {
  return {"delete", "-f", "-", "--ignore-not-found", "--wait=false"};
}

Arguments versions_given() {
  return {"get",
          "-f",
          "-",
          "--ignore-not-found",
          "--no-headers",
          "-o",
          "custom-columns=NAME:.metadata.name,UID:.metadata.uid,"
          "VERSION:.metadata.resourceVersion"};
}

}  // namespace retrust::commands
