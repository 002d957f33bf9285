#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace retrust {

/// The kubeconfig that stands for the account of the Pod in which retrust runs: an empty one. With
/// it kubectl uses that account (the in-cluster configuration), as it does without a kubeconfig.
///
/// Sources, in kubernetes/client-go v0.35.0: tools/clientcmd/merged_client_builder.go
/// (DeferredLoadingClientConfig.ClientConfig), tools/clientcmd/client_config.go
/// (inClusterClientConfig.Possible) and rest/config.go (InClusterConfig). Tried with kubectl 1.20,
/// 1.24, 1.28, 1.32 and 1.35. kubectl does not use the account if a context or a time limit is
/// given, or if the token's file is gone.
inline constexpr std::string_view pod_kubeconfig = "/dev/null";

/// Whether a kubeconfig stands for the account of the Pod.
inline bool is_of_pod(std::string_view kubeconfig) {
  return kubeconfig == pod_kubeconfig;
}

/// Whether retrust runs in a Pod with an account, by the variables that `variable` looks up and the
/// file of the account's token. A port is a number.
bool runs_in_pod(const std::function<std::optional<std::string>(const std::string&)>& variable);
/// The same by the variables of this process.
bool runs_in_pod();

/// What `kubectl config view --raw --flatten -o json` would print of the Pod's account: server, CA
/// (if its file can be read), and the name of the token's file. The context has no name.
boost::json::object pod_config();

/// A kubeconfig in a message: the file, or "the account of this Pod".
std::string shown_kubeconfig(const std::string& kubeconfig);

}  // namespace retrust
