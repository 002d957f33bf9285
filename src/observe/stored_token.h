#pragma once

#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "base/redactor.h"
#include "observe/observation.h"
#include "tools/kubectl.h"

namespace retrust {

/// Where Rancher keeps the Secrets that hold clusters' tokens (CVE-2021-36782).
inline constexpr const char* credential_namespace = "cattle-global-data";

/// Whether Rancher reads this cluster's token from a Secret, and not from the clusters resource: it
/// names one, or is a version that does (2.5.16, 2.6.7 and later; from its source).
bool keeps_token_in_secret(const ClusterResource& cluster, const RancherServer& rancher);

/// Why Rancher will not take what the agents report, as far as it is known (from its source, tags
/// 2.0.0 to 2.15.0); empty where it does. `token_alone`: the CA that is stored is the live one.
enum class Reported { token_alone, token_and_ca };
std::string why_not_reported(const ClusterResource& cluster, const RancherServer& rancher,
                             Reported reported);

/// The clusters resource as it is now, with the token from the Secret that it names; nothing where
/// there is none.
boost::asio::awaitable<std::optional<ClusterResource>> find_cluster(const Kubectl& local,
                                                                    ClusterId id,
                                                                    Redactor& redactor);

/// The same of one that is there.
boost::asio::awaitable<ClusterResource> read_cluster(const Kubectl& local, ClusterId id,
                                                     Redactor& redactor);

/// Puts the token of the Secret that the resource names into it; it has none where that is gone.
boost::asio::awaitable<void> read_stored_token(const Kubectl& local, ClusterResource& cluster,
                                               Redactor& redactor);

/// A new Secret for a token, as Rancher makes them: it notices another name, never another content.
boost::json::object new_token_secret(const ClusterResource& cluster, const Secret& token);

/// status_path_of where the status is changed by itself (Rancher 2.15 and later: a change of the
/// whole leaves it as it is, and says nothing); empty where the whole resource is replaced. Which
/// it is, is asked of the CRD.
boost::asio::awaitable<std::string> status_path(const Kubectl& local, ClusterId id);

/// "/apis/management.cattle.io/v3/clusters/c-abcde/status".
std::string status_path_of(const ClusterId& id);

}  // namespace retrust
