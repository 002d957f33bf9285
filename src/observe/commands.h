#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"
#include "tools/arguments.h"
#include "tools/kubectl.h"
#include "tools/query.h"

namespace retrust::commands {

/// Arguments of all kubectl commands, for the steps that run them and the plan that shows them.

/// Reads everything of the downstream cluster that decisions need, in one process.
Query observe_downstream(const NamespaceName& name_space);
/// Reads everything of the local cluster that decisions need, in one process. `wanted` is the ID or
/// the name of a cluster. A session reads one cluster if `wanted` is its ID, else all.
Query observe_local(const NamespaceName& rancher_namespace, const std::string& wanted);
/// Reads the namespace kube-system, whose uid identifies the cluster.
Query kube_system();
/// Reads the tokens with which agents of the cluster register.
Query registration_tokens(const ClusterId& id);
/// Prints the command that registers the cluster. A person runs it: it holds a secret.
Arguments registration_command(const ClusterId& id);
/// Asks Rancher to deploy its agents again, if the resource still has that version.
Arguments deploy_agents_again(const ClusterId& id, const ResourceVersion& version);
/// Prints the node on which kube-controller-manager is active.
Arguments controller_manager_lease();
/// Reads the Lease of that name, as a list: none is no error then.
Query leases(const NamespaceName& name_space, const ObjectName& name);
/// Deletes the Lease. A person runs it, if its holder is known to be gone.
Arguments delete_lease(const NamespaceName& name_space, const ObjectName& name);
/// The name of the CRD of the clusters resource.
inline constexpr const char* clusters_definition_name = "clusters.management.cattle.io";
/// Reads the CRD of the clusters resource.
Query clusters_definition();
/// Reads all clusters.
Query clusters();
/// Reads Rancher's version, the setting server-version, as a list.
Query rancher_version();
/// Reads the Secrets with clusters' tokens.
Query credential_secrets();
/// Reads the tokens with which the agents of all clusters are registered.
Query agents_registration_tokens();
/// Prints the IDs and names of all clusters.
Arguments cluster_names();

/// 1.3: reads the backup operator's resource sets
Query resource_sets();
/// 1.3: watches a Backup
Query watched_operator_backup(const ObjectName& name);
/// 1.3: shows a Backup and its events
Arguments described_operator_backup(const ObjectName& name);
/// 1.3: shows the operator's pods
Arguments backup_operators();

/// 2.1
Arguments delete_secrets(const NamespaceName& name_space, const std::vector<ObjectName>& names);
/// 2.1: deletes one secret, with options from standard input
Arguments delete_secret_with(const NamespaceName& name_space, const ObjectName& name);
/// 2.1: takes away the mark of a token that Kubernetes rejects as unused. For a person.
Arguments unmark_secret(const NamespaceName& name_space, const ObjectName& secret);
/// 2.1: reads or watches token secrets of the namespace
Query token_secrets(const NamespaceName& name_space);
Query service_account(const NamespaceName& name_space, const ObjectName& name);
/// 2.3: reads service accounts and secrets, for the tokens of an account and its preferred one
Query accounts_and_secrets(const NamespaceName& name_space);
/// Reads both holders of the CA: the token secret, and kube-root-ca.crt.
Query ca_holders(const NamespaceName& name_space, const ObjectName& secret);
/// Reads the token secret, if it has a name, and what exists of kube-root-ca.crt and the namespace
/// kube-system. What does not exist is no error.
Query live_credentials(const NamespaceName& name_space, const ObjectName& secret);
/// 2.2
Arguments delete_pods(const NamespaceName& name_space, const std::vector<ObjectName>& names);
Query pods(const NamespaceName& name_space);
Query pod(const NamespaceName& name_space, const ObjectName& name);
Arguments describe_pods(const NamespaceName& name_space);
/// Prints the end of the log of the container before. For a person.
Arguments previous_log(const NamespaceName& name_space, const ObjectName& pod);
/// Reads the events of pods that got no sandbox, in the namespace, or in all if it is empty.
Query failed_sandboxes(const NamespaceName& name_space = {});
/// Reads the warnings in the namespace.
Query warnings(const NamespaceName& name_space);
Query nodes();
/// Lists nodes, or the DaemonSets, of which the network plugin is one. For a person.
Arguments node_list();
Arguments daemon_sets();
/// Reads Rancher's own CA, the setting cacerts.
Query rancher_ca();
/// 2.3 and 2.4
Query secret(const NamespaceName& name_space, const ObjectName& name);
/// 2.5
Query cluster(const ClusterId& id);
/// 2.5: watches the cluster
Query watched_cluster(const ClusterId& id);
/// 3.1
Arguments restart_deployment(const NamespaceName& name_space, const ObjectName& name);
/// 3.1: reads the deployment after a restart whose answer was lost
Query deployment(const NamespaceName& name_space, const ObjectName& name);
Query watched_deployment(const NamespaceName& name_space, const ObjectName& name);

/// Restarts a workload that is not Rancher's. A person runs it. `kind` is daemonset, statefulset or
/// deployment; any other is taken for the last.
Arguments restart_workload(std::string_view kind, const NamespaceName& name_space,
                           const ObjectName& name);

/// 3.2: deletes the objects in the list on standard input
Arguments delete_given();
/// Prints names, uids and versions of the objects on standard input, a line each, without the
/// objects that are gone.
Arguments versions_given();

}  // namespace retrust::commands
