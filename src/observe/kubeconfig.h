#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/descriptor.h"
#include "base/display_text.h"
#include "base/redactor.h"
#include "credentials/compare.h"

namespace retrust {

/// The parts of a kubeconfig that retrust uses, from `kubectl config view --raw --minify -o json`.
struct KubeconfigView {
  std::string context;          ///< name of the context in use
  DisplayText server;           ///< address in the form of shown_url()
  std::string ca_pem;           ///< empty if the system's CAs are used
  bool verifies_server = true;  ///< false with insecure-skip-tls-verify
  boost::json::value cluster;   ///< the cluster entry itself
};

KubeconfigView parse_kubeconfig(const boost::json::value& view);

/// A URL for display: without user, password, query and fragment, which may be secret.
std::string shown_url(std::string_view url);

/// Registers the secrets of a kubeconfig: tokens, passwords, keys (also in the files that it
/// names), an auth-provider's, and values that a login plugin gets. Relative paths count from
/// `folder`, the kubeconfig's own. Without `folder` the kubeconfig is from elsewhere: its files are
/// not read, and its values hide no text that could be a word of ours.
void keep_users(Redactor& redactor, const boost::json::value& view,
                const std::optional<std::filesystem::path>& folder);

/// The same kubeconfig with users that say only by what they log in, not the values. Pure.
boost::json::value without_secrets(boost::json::value view);

/// True if the value for a login plugin is secret rather than an option, a path, a URL, or a name.
/// `name` is such as `--client-secret` or AWS_PROFILE, or empty. Pure.
bool is_plugin_secret(std::string_view name, std::string_view value);

/// ID of the cluster if the address leads through Rancher (`…/k8s/clusters/ID`), else empty.
std::string through_rancher(const std::string& server);

/// A kubeconfig in memory, which kubectl reads as its standard input. The kernel removes it with
/// this process, also after SIGKILL. It has the operator's server address (and proxy, and server
/// name), with another CA and token.
class TemporaryKubeconfig {
 public:
  TemporaryKubeconfig(const KubeconfigView& operators, const Credentials& credentials);

  int descriptor() const { return file_.get(); }

 private:
  Descriptor file_;
};

}  // namespace retrust
