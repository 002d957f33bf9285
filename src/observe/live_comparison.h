#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/json_stream.h"
#include "base/names.h"
#include "observe/listed_cluster.h"

namespace retrust {

/// SHA-256 digests of what a cluster itself has of the credentials that Rancher stored. Holds no
/// secret.
struct LiveDigests {
  Uid kube_system_uid = {};  ///< of the cluster that answered
  /// The token secret that the stored token names.
  enum class TokenSecret {
    unknown,  ///< the stored token names none, or the Secret is no token secret of its account
    gone,
    found,
  };
  TokenSecret token_secret = TokenSecret::unknown;
  std::string token = {};  ///< in that Secret; empty if the token controller has not filled it in
  /// Certificates in that Secret, and in kube-root-ca.crt. Nothing if the holder is not there.
  std::optional<std::vector<std::string>> secret_ca = {};
  std::optional<std::vector<std::string>> root_ca = {};
};

/// Trims a Secret, kube-root-ca.crt and a namespace to the digests of what they hold.
Trim live_trim();

/// Digests of the objects that live_trim() trimmed. The stored token says which Secret counts.
/// Pure.
LiveDigests live_digests(const boost::json::value& list, const ListedCluster& cluster);

/// Compares what is stored with what is live. A part is `unknown` where the answer is not certain:
/// two holders of the CA that do not agree, a live CA that only gained certificates, a Secret that
/// is not filled in yet, more than `most_compared` certificates. Pure.
///
/// A legacy token whose Secret is gone, or holds another token, is rejected (kubernetes/kubernetes
/// v1.30.0, pkg/serviceaccount/legacy.go: Validate): it differs without any review.
LiveComparison compare_live(const ListedCluster& cluster, const LiveDigests& live);

}  // namespace retrust
