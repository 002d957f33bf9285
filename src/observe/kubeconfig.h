#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/display_text.h"
#include "base/redactor.h"
#include "credentials/compare.h"

namespace retrust {

/// What matters of a kubeconfig as `kubectl config view --raw --minify -o json` shows it.
struct KubeconfigView {
  std::string context;          ///< the one in use
  DisplayText server;           ///< as shown_url() has it
  std::string ca_pem;           ///< empty where the system's CAs are used
  bool verifies_server = true;  ///< false with insecure-skip-tls-verify
  boost::json::value cluster;   ///< the cluster entry itself
};

KubeconfigView parse_kubeconfig(const boost::json::value& view);

/// A URL as it is shown: without user, password, query and fragment, which may be secret.
std::string shown_url(std::string_view url);

/// Registers the secrets of a kubeconfig: tokens, passwords, keys, also those in the files that it
/// names, an auth-provider's, and what is given to a login plugin. A relative path counts from
/// `folder`, that of the kubeconfig. Without one it is from elsewhere: its files are not read, and
/// it hides nothing that could be a word of ours.
void keep_users(Redactor& redactor, const boost::json::value& view,
                const std::optional<std::filesystem::path>& folder);

/// Whether a value that is given to a login plugin, under a name such as `--client-secret` or
/// AWS_PROFILE, or without one, is secret rather than an option, a path, a URL, or the name of
/// something. Pure.
bool is_plugin_secret(std::string_view name, std::string_view value);

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
