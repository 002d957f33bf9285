#pragma once

#include <filesystem>
#include <string>

#include <boost/json/value.hpp>

#include "credentials/compare.h"
#include "transcript/redactor.h"

namespace retrust {

/// What matters of a kubeconfig as `kubectl config view --raw --minify -o json` shows it.
struct KubeconfigView {
  std::string server;
  std::string ca_pem;  ///< empty where the system's CAs are used
  enum class Trust { verifies, skips_verification };
  Trust trust = Trust::verifies;
  boost::json::value cluster;  ///< the cluster entry itself
};

KubeconfigView parse_kubeconfig(const boost::json::value& view);

/// Registers what a kubeconfig's users prove themselves with.
void keep_users(Redactor& redactor, const boost::json::value& view);

/// ID of the cluster where the address leads through Rancher (`…/k8s/clusters/ID`), else empty.
std::string through_rancher(const std::string& server);

/// A kubeconfig of mode 0600 in a directory of its own, gone with this object: the operator's
/// server address (and proxy, and server name), but another CA and token.
class TemporaryKubeconfig {
 public:
  TemporaryKubeconfig(const KubeconfigView& operators, const Credentials& credentials);
  ~TemporaryKubeconfig();
  TemporaryKubeconfig(const TemporaryKubeconfig&) = delete;
  TemporaryKubeconfig& operator=(const TemporaryKubeconfig&) = delete;

  std::string path() const { return (directory_ / "kubeconfig").string(); }

 private:
  std::filesystem::path directory_;
};

}  // namespace retrust
