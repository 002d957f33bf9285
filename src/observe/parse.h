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

/// What the lists that kubectl prints are made into. Every secret that is met is registered with
/// the redactor before anything else is done with it.

/// The items of a List that are of that kind.
std::vector<const boost::json::value*> items_of(const boost::json::value& list,
                                                std::string_view kind);

/// A Secret that holds a token of the account; nothing where it is any other. Chosen by type and
/// annotation: names differ between versions, and others' secrets have names like it.
std::optional<TokenSecret> parse_token_secret(const boost::json::value& secret,
                                              std::string_view account, Redactor& redactor);

/// Token secrets of one account: each is reviewed, and registered in some 50 forms.
inline constexpr std::size_t most_token_secrets = 500;

/// The token secrets of the agents' account, best first: the one in the account's annotation
/// rancher.io/service-account.secret-ref (Rancher 2.9.5, 2.10.1 and later), then the label
/// cattle.io/service-account.name (2.7.11, 2.8 and later), then the order of the account's
/// `secrets`, then the youngest. Throws Failure (refused) beyond most_token_secrets.
std::vector<TokenSecret> parse_tokens(const boost::json::value& list,
                                      const NamespaceName& name_space, Redactor& redactor);

/// One of that cluster. Throws Failure (refused) where it has no name.
Pod parse_pod(const boost::json::value& pod, Side side);

/// The part of `kubectl get namespaces,secrets,pods,… -o json` that matters here; the address and
/// the reviews are still missing from it.
Downstream parse_downstream(const boost::json::value& list, const NamespaceName& name_space,
                            Redactor& redactor);

ClusterResource parse_cluster(const boost::json::value& cluster, Redactor& redactor);

/// What such a Secret holds as the token, valid or not; empty where it holds none.
std::string credential_in(const boost::json::value& secret);

/// Puts the token of the Secret that the resource names into it; it has none where that is gone.
void take_token_secret(ClusterResource& cluster, std::optional<boost::json::object> secret,
                       Redactor& redactor);

/// Rancher's version and its server's Deployment and pods, which may not be there.
RancherServer parse_rancher(const boost::json::value& list);

/// uid of the namespace kube-system in a list: which cluster this is.
Uid kube_system_uid(const boost::json::value& list);

}  // namespace retrust
