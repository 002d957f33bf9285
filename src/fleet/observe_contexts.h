#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/redactor.h"
#include "fleet/contexts.h"
#include "fleet/match.h"
#include "tools/kubectl.h"

namespace retrust {

/// A kubectl for a kubeconfig; for its current context if none is named.
using KubectlFor = std::function<Kubectl(const std::string& file, const std::string& context)>;

/// Reads the contexts of the files that count, some files at once. A file that kubectl cannot read
/// gives a context whose `trouble` says why.
boost::asio::awaitable<std::vector<GivenContext>> read_contexts(KubectlFor kubectl,
                                                                std::vector<KubeconfigFile> files,
                                                                std::size_t at_once);

/// The longest wait for one of several contexts.
inline constexpr std::chrono::seconds longest_answer{10};

/// What the contexts are compared with.
struct KnownClusters {
  std::vector<StoredAccount> accounts;
  Uid kube_system_uid = {};  ///< of the cluster that Rancher runs in
  NamespaceName name_space = "cattle-system";
};

/// Asks the clusters behind the contexts, some at once, and finds out which clusters of Rancher
/// they are: by the account of the stored token, else by the agents' registration token. Registers
/// the secrets of the kubeconfigs. Failures of one context are part of its match.
boost::asio::awaitable<std::vector<Match>> match_contexts(KubectlFor kubectl, Kubectl local,
                                                          Redactor& redactor, KnownClusters known,
                                                          std::vector<GivenContext> contexts,
                                                          std::size_t at_once);

}  // namespace retrust
