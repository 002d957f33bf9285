#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>

#include "observe/observation.h"
#include "observe/observe.h"

namespace retrust {

/// The holders of the CA that a cluster hands out: the token secrets, and the ConfigMap
/// kube-root-ca.crt. After a renewal either can be behind for a moment, because two controllers
/// write them. kubernetes/kubernetes v1.30.0, pkg/controller/serviceaccount/tokens_controller.go
/// and pkg/controller/certificates/rootcacertpublisher/publisher.go.

/// Checks that the CA that the cluster hands out verifies the API server's certificate, and sets
/// `handed_out_ca`. The answers so far are the proof if the cluster hands out every CA of the
/// operator's kubeconfig. If the holders differ, tries the CA of each, and sets `right_ca`. If the
/// live CA only gained certificates, tries the stored one, and sets `proven_ca`.
boost::asio::awaitable<void> check_handed_out_ca(const Clusters& clusters,
                                                 const KubeconfigView& view, Observation& seen);

/// The holder of the CA that is behind.
enum class CaBehind {
  none,        ///< both hold the same
  secret,      ///< the token secret
  config_map,  ///< kube-root-ca.crt
  unknown,     ///< both verify the server, or nothing shows which one does
};
/// Which of both is behind: the token secret, or kube-root-ca.crt. Pure.
CaBehind ca_behind(const Downstream& downstream, const TokenSecret& secret);

/// Sentence about both holders, with the controller that writes the one that is behind. Empty if
/// none is. Pure.
std::string ca_behind_text(const Downstream& downstream, const TokenSecret& secret);

/// True if the live token's secret and kube-root-ca.crt hold different CAs. Pure.
bool holders_differ(const Observation& seen);

}  // namespace retrust
