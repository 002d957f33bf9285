#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "cli/options.h"
#include "observe/observe.h"
#include "observe/observe_backup.h"
#include "steps/plan.h"

namespace retrust {

/// Whether the operator's permissions are asked for: status needs none but to read.
enum class Permissions { ask, leave };

/// Makes the tools of a command from its options.
class Toolbox {
 public:
  /// The references must outlive this.
  Toolbox(const Options& options, Runner& runner, Events& events, Redactor& redactor)
      : options_(options), runner_(runner), events_(events), redactor_(redactor) {}

  /// The kubectls of both clusters; that in a container may be old, and is asked for its version.
  boost::asio::awaitable<Clusters> connect();
  /// The kubectl of the local cluster alone, as connect() makes it.
  boost::asio::awaitable<Kubectl> connect_local();
  /// Makes connect() take this kubectl of the local cluster, which somebody else connected. Nobody
  /// is asked to log in then. `version` is that of the program for both clusters, if it is known.
  void share_local(const Kubectl& local, DisplayText version) {
    shared_local_.emplace(local.for_run(events_));
    version_ = std::move(version);
  }
  /// Ends what nobody needs for a while: the session of the downstream cluster.
  void rest();
  /// Makes kubectls for kubeconfigs and contexts of downstream clusters, which read by processes.
  /// This must outlive the result.
  boost::asio::awaitable<std::function<Kubectl(const std::string&, const std::string&)>>
  downstream_kubectls();
  /// A kubectl for a few reads of the local cluster, each by a process that asks nobody and ends
  /// after `patience`.
  Kubectl local_process(std::chrono::milliseconds patience) const;
  /// Ends what connect() started, before the last words of a command. May be called again.
  void end_sessions();
  BackupTools backup_tools() const;
  PlanOptions plan_options(const Clusters& clusters) const;
  ObserveOptions observe_options(Permissions permissions, const Clusters& clusters) const;

 private:
  Kubectl with_kubeconfig(Side side, const std::string& kubeconfig,
                          const std::string& context) const;
  /// The kubectl in Rancher's container.
  Kubectl in_container() const;
  /// The kubectl of the local cluster, with its kubeconfig or in Rancher's container.
  Kubectl for_local() const;
  bool reads_by_sessions() const;
  UserTokensChoice user_tokens_choice() const;
  AffectedChoice affected_choice() const;

  const Options& options_;
  Runner& runner_;
  Events& events_;
  Redactor& redactor_;
  std::optional<Kubectl> shared_local_;
  DisplayText version_;  ///< of kubectl, if it is known
  std::vector<std::shared_ptr<Session>> sessions_;
};

}  // namespace retrust
