#include "runbook/commands.h"

namespace retrust::commands {
namespace {

std::vector<std::string> with_names(std::vector<std::string> args,
                                    const std::vector<std::string>& names,
                                    const std::vector<std::string>& options) {
  args.insert(args.end(), names.begin(), names.end());
  args.insert(args.end(), options.begin(), options.end());
  return args;
}

/// The options of every deletion. --wait=false: what comes of a deletion is watched, for everything
/// at once. A kuberc can make `kubectl delete` ask, and do nothing without an answer, or try only:
/// what is given here stands above it (kubernetes/kubectl kubernetes-1.33.0, pkg/kuberc/kuberc.go,
/// applyOverrides). --interactive is known since 1.28, --dry-run=none since 1.18.
std::vector<std::string> deletion_options(KubectlDefaults defaults) {
  std::vector<std::string> options{"--ignore-not-found", "--wait=false"};
  if (defaults == KubectlDefaults::of_kuberc) {
    options.insert(options.end(), {"--interactive=false", "--dry-run=none"});
  }
  return options;
}

}  // namespace

std::vector<std::string> observe_downstream(const std::string& name_space) {
  return {"namespaces,serviceaccounts,secrets,configmaps,pods,deployments.apps,daemonsets.apps",
          "-n", name_space};
}

// The full names: since Rancher 2.6 there are several resource types called `clusters`.
std::vector<std::string> observe_local(const std::string& rancher_namespace) {
  return {
      "clusters.management.cattle.io,settings.management.cattle.io,namespaces,"
      "deployments.apps,pods",
      "-n", rancher_namespace};
}

std::vector<std::string> delete_secrets(const std::string& name_space,
                                        const std::vector<std::string>& names,
                                        KubectlDefaults defaults) {
  return with_names({"-n", name_space, "delete", "secret"}, names, deletion_options(defaults));
}

std::vector<std::string> token_secrets(const std::string& name_space) {
  return {"secrets", "-n", name_space, "--field-selector=type=kubernetes.io/service-account-token"};
}

std::vector<std::string> accounts_and_secrets(const std::string& name_space) {
  return {"serviceaccounts,secrets", "-n", name_space};
}

std::vector<std::string> ca_holders(const std::string& name_space, const std::string& secret) {
  return {"secret/" + secret, "configmap/kube-root-ca.crt", "-n", name_space};
}

std::vector<std::string> delete_pods(const std::string& name_space,
                                     const std::vector<std::string>& names,
                                     KubectlDefaults defaults) {
  return with_names({"-n", name_space, "delete", "pod"}, names, deletion_options(defaults));
}

std::vector<std::string> pods(const std::string& name_space) {
  return {"pods", "-n", name_space};
}

std::vector<std::string> secret(const std::string& name_space, const std::string& name) {
  return {"secret", name, "-n", name_space};
}

std::vector<std::string> cluster(const std::string& id) {
  return {"clusters.management.cattle.io", id};
}

// By a selector: of a single object named outright kubectl drops the first event of its watch, and
// with it whatever happened since it read the object.
std::vector<std::string> watched_cluster(const std::string& id) {
  return {"clusters.management.cattle.io", "--field-selector=metadata.name=" + id};
}

std::vector<std::string> restart_deployment(const std::string& name_space,
                                            const std::string& name) {
  return {"-n", name_space, "rollout", "restart", "deployment/" + name};
}

std::vector<std::string> watched_deployment(const std::string& name_space,
                                            const std::string& name) {
  return {"deployments.apps", "-n", name_space, "--field-selector=metadata.name=" + name};
}

// Not by names: kubectl holds such requests back to five in a second, and these not at all.
std::vector<std::string> delete_given(KubectlDefaults defaults) {
  return with_names({"delete", "-f", "-"}, {}, deletion_options(defaults));
}

std::vector<std::string> versions_given() {
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
