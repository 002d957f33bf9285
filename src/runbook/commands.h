#pragma once

#include <string>
#include <vector>

#include "binaries/kubectl.h"

namespace retrust::commands {

/// Arguments of the kubectl commands of the runbook, in one place: the plan shows what the steps
/// run. Names that are not known yet are given as placeholders, e.g. "<new cattle token>".

/// Everything about the downstream cluster that matters, in one process.
std::vector<std::string> observe_downstream(const std::string& name_space);
/// Everything about the local cluster that matters, in one process.
std::vector<std::string> observe_local(const std::string& rancher_namespace);

/// 2.1
std::vector<std::string> delete_secrets(const std::string& name_space,
                                        const std::vector<std::string>& names,
                                        KubectlDefaults defaults = KubectlDefaults::built_in);
/// 2.1: what the token controller makes
std::vector<std::string> token_secrets(const std::string& name_space);
/// 2.3: the tokens of an account, and which of them it prefers
std::vector<std::string> accounts_and_secrets(const std::string& name_space);
/// Both of what holds the CA: that token secret, and kube-root-ca.crt.
std::vector<std::string> ca_holders(const std::string& name_space, const std::string& secret);
/// 2.2
std::vector<std::string> delete_pods(const std::string& name_space,
                                     const std::vector<std::string>& names,
                                     KubectlDefaults defaults = KubectlDefaults::built_in);
std::vector<std::string> pods(const std::string& name_space);
/// 2.3 and 2.4
std::vector<std::string> secret(const std::string& name_space, const std::string& name);
/// 2.5
std::vector<std::string> cluster(const std::string& id);
/// The same, to be watched.
std::vector<std::string> watched_cluster(const std::string& id);
/// 3.1
std::vector<std::string> restart_deployment(const std::string& name_space, const std::string& name);
std::vector<std::string> watched_deployment(const std::string& name_space, const std::string& name);

/// 3.2: of the objects in the list that is given on standard input
std::vector<std::string> delete_given(KubectlDefaults defaults = KubectlDefaults::built_in);
/// The same ones' names, uids and versions, a line each; those that are gone are left out.
std::vector<std::string> versions_given();

}  // namespace retrust::commands
