#pragma once

#include <filesystem>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "agents.h"
#include "downstream.h"
#include "impersonation.h"
#include "kubelet.h"
#include "live_fill.h"
#include "live_pods.h"
#include "log.h"
#include "mirror.h"
#include "rancher.h"
#include "scheduler.h"
#include "settings.h"

namespace retrust::sandbox {

/// One downstream cluster of a real control plane, and a stand-in for those who are not there:
/// scheduler, kubelet, agents, and Rancher as far as this cluster is concerned.
class LiveDownstream {
 public:
  /// What the downstream clusters of one Rancher share.
  struct Surroundings {
    boost::asio::io_context& io;
    Mirror& local;  ///< of Rancher's own cluster
    Scheduler& scheduler;
    Log& log;
    std::filesystem::path plane;  ///< folder of the control plane
  };
  /// `port` is its API server's.
  LiveDownstream(const Surroundings& around, Downstream::Names names, unsigned short port,
                 Settings& settings);

  const Downstream::Names& names() const { return names_; }
  Settings& settings() { return settings_; }
  Rancher& rancher() { return rancher_; }
  /// Puts in what Rancher's agents need. What Rancher has of the cluster.
  boost::asio::awaitable<ClusterRecord> fill();
  /// From now on everybody acts in it. Rancher's record of the cluster is there by now.
  boost::asio::awaitable<void> start();
  void end() { mirror_.end(); }
  /// Its agents run and have reported, and Rancher is content.
  bool settled() const;
  /// The agents that run by now are the old ones, which had read what is stored.
  void settle() { agents_.settled(rancher_.stored()); }
  /// Rancher says that the cluster is well.
  bool is_ready() const;
  /// Every user looks at logs.
  void use_impersonation() { impersonators_.use(); }
  /// Somebody deletes the Secret with the stored token.
  void remove_credential() { sandbox::remove_credential(local_, log_, names_.id); }

 private:
  Downstream::Names names_;
  Settings& settings_;
  Mirror& local_;
  unsigned short port_;
  Log log_;
  Mirror mirror_;
  PodTokens pod_tokens_;
  Rancher rancher_;
  Agents agents_;
  Impersonators impersonators_;
  Kubelet kubelet_;
};

}  // namespace retrust::sandbox
