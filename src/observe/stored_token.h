#pragma once

#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "base/redactor.h"
#include "observe/observation.h"
#include "observe/token_place.h"
#include "tools/kubectl.h"

namespace retrust {

/// Leaves a Secret aside that the resource names and this Rancher does not read: a Rancher that was
/// rolled back below 2.5.16 or 2.6.7 leaves the name in the record, and reads the plain field.
void take_read_place(ClusterResource& cluster, const RancherServer& rancher, Redactor& redactor);

/// Parts that a report of the agents would change. `token_alone`: the stored CA is the live one.
enum class Reported { token_alone, token_and_ca };
/// Reason why Rancher does not take what the agents report, as far as it is known (from its source,
/// tags 2.0.0 to 2.15.0). Empty if Rancher takes it.
std::string why_not_reported(const ClusterResource& cluster, const RancherServer& rancher,
                             Reported reported);

/// Reads the present clusters resource, with the token from the Secret that it names; nothing if
/// there is no such resource.
boost::asio::awaitable<std::optional<ClusterResource>> find_cluster(const Kubectl& local,
                                                                    ClusterId id,
                                                                    const RancherServer& rancher,
                                                                    Redactor& redactor);

/// Reads the present clusters resource, which must exist.
boost::asio::awaitable<ClusterResource> read_cluster(const Kubectl& local, ClusterId id,
                                                     const RancherServer& rancher,
                                                     Redactor& redactor);

/// Reads the Secret that the resource names, and puts its token into the resource. The resource has
/// no token if the Secret is gone.
boost::asio::awaitable<void> read_stored_token(const Kubectl& local, ClusterResource& cluster,
                                               Redactor& redactor);

/// The prefix of the names that Rancher gives the Secrets with clusters' tokens.
inline constexpr const char* token_secret_prefix = "cluster-serviceaccounttoken-";

/// A new Secret for a token, in Rancher's form: Rancher notices another name, but not another
/// content.
boost::json::object new_token_secret(const ClusterResource& cluster, const Secret& token,
                                     const ObjectName& name);

/// Asks the CRD how the status is written. Returns status_path_of() if the status has its own path
/// (Rancher 2.15 and later), because a change of the whole resource silently leaves the status.
/// Returns an empty text if the whole resource is replaced.
boost::asio::awaitable<std::string> status_path(const Kubectl& local, ClusterId id);

/// API path of the status: "/apis/management.cattle.io/v3/clusters/c-abcde/status".
std::string status_path_of(const ClusterId& id);

}  // namespace retrust
