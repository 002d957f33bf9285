#pragma once

#include <string>
#include <vector>

#include "base/names.h"
#include "tools/arguments.h"
#include "tools/kubectl.h"
#include "tools/query.h"

namespace retrust::commands {

/// Arguments of the kubectl commands, in one place: the plan shows what the steps run.

/// Everything about the downstream cluster that matters, in one process.
Query observe_downstream(const NamespaceName& name_space);
/// Everything about the local cluster that matters, in one process.
/// `wanted` is the ID or the name of a cluster: of all clusters a session reads one by its ID
/// alone.
Query observe_local(const NamespaceName& rancher_namespace, const std::string& wanted);
/// Which cluster this is.
Query kube_system();
/// What agents of that cluster register with.
Query registration_tokens(const ClusterId& id);
/// The CRD of the clusters resource.
Query clusters_definition();
/// IDs and names of all clusters.
Arguments cluster_names();

/// 2.1
Arguments delete_secrets(const NamespaceName& name_space, const std::vector<ObjectName>& names);
/// 2.1: what the token controller makes
Query token_secrets(const NamespaceName& name_space);
Query service_account(const NamespaceName& name_space, const ObjectName& name);
/// 2.3: the tokens of an account, and which of them it prefers
Query accounts_and_secrets(const NamespaceName& name_space);
/// Both of what holds the CA: that token secret, and kube-root-ca.crt.
Query ca_holders(const NamespaceName& name_space, const ObjectName& secret);
/// 2.2
Arguments delete_pods(const NamespaceName& name_space, const std::vector<ObjectName>& names);
Query pods(const NamespaceName& name_space);
Query pod(const NamespaceName& name_space, const ObjectName& name);
Arguments describe_pods(const NamespaceName& name_space);
/// 2.3 and 2.4
Query secret(const NamespaceName& name_space, const ObjectName& name);
/// 2.5
Query cluster(const ClusterId& id);
/// The same, to be watched.
Query watched_cluster(const ClusterId& id);
/// 3.1
Arguments restart_deployment(const NamespaceName& name_space, const ObjectName& name);
Query watched_deployment(const NamespaceName& name_space, const ObjectName& name);

/// 3.2: of the objects in the list that is given on standard input
Arguments delete_given();
/// Names, uids and versions of the same objects, a line each; objects that are gone are left out.
Arguments versions_given();

}  // namespace retrust::commands
