#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/redactor.h"
#include "observe/observation.h"
#include "tools/kubectl_errors.h"

namespace retrust {

/// Parsers of the lists that kubectl prints. Each parser registers every secret with the redactor
/// before any other use.

/// Parses the form of Kubernetes's metav1.Time, which is always in UTC. 1970 for any other text.
std::chrono::sys_seconds parse_time(const std::string& text);

/// The text that a Secret holds in base64 at a JSON pointer. Empty if there is none.
std::string decoded(const boost::json::value& object, std::string_view pointer);

/// The items of a List of one kind.
std::vector<const boost::json::value*> items_of(const boost::json::value& list,
                                                std::string_view kind);

/// Parses a Secret with a token of the account; nothing for any other. Type and annotation decide,
/// because names differ between versions, and others' secrets have similar names.
std::optional<TokenSecret> parse_token_secret(const boost::json::value& secret,
                                              std::string_view account, Redactor& redactor);

/// Limit of token secrets of one account: retrust reviews each, and registers each in some 50
/// forms.
inline constexpr std::size_t most_token_secrets = 500;

/// The token secrets of one account, best first: the one in the account's annotation
/// rancher.io/service-account.secret-ref (Rancher 2.9.5, 2.10.1 and later), then the label
/// cattle.io/service-account.name (2.7.11, 2.8 and later), then the order of the account's
/// `secrets`, then the youngest. Throws Failure (refused) beyond most_token_secrets.
std::vector<TokenSecret> parse_tokens(const boost::json::value& list,
                                      const NamespaceName& name_space, const ObjectName& account,
                                      Redactor& redactor);

/// Parses a pod of one cluster. Throws Failure (refused) if the pod has no name.
Pod parse_pod(const boost::json::value& pod, Side side);

/// Parses `kubectl get namespaces,secrets,pods,… -o json`. The address and the reviews are not part
/// of the result. The token secrets are those of the agents' account.
Downstream parse_downstream(const boost::json::value& list, const NamespaceName& name_space,
                            Redactor& redactor);

ClusterResource parse_cluster(const boost::json::value& cluster, Redactor& redactor);

/// The token text in a credential Secret, valid or not; empty if there is none.
std::string credential_in(const boost::json::value& secret);

/// Puts the token of the Secret that the resource names into the resource. The resource has no
/// token if the Secret is gone.
void take_token_secret(ClusterResource& cluster, std::optional<boost::json::object> secret,
                       Redactor& redactor);

/// Parses Rancher's version, and its server's Deployment and pods, which may not be there.
RancherServer parse_rancher(const boost::json::value& list);

/// Rancher's address for its agents, the setting server-url; empty if there is none.
DisplayText server_url(const boost::json::value& list);

/// uid of the namespace kube-system in a list. It identifies the cluster.
Uid kube_system_uid(const boost::json::value& list);

}  // namespace retrust
