#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "agents.h"
#include "cluster.h"
#include "controllers.h"
#include "hostile.h"
#include "impersonation.h"
#include "kubelet.h"
#include "log.h"
#include "pki.h"
#include "rancher.h"
#include "scheduler.h"
#include "settings.h"
#include "store.h"

namespace retrust::sandbox {

/// One downstream cluster, and everybody who acts in it or, of Rancher, on its behalf.
class Downstream {
 public:
  struct Names {
    std::string server = "downstream";         ///< in the logs
    std::string id = std::string(cluster_id);  ///< of its clusters resource
    std::string display_name = "production";
  };
  /// What the downstream clusters of one Rancher share.
  struct Surroundings {
    boost::asio::io_context& io;
    Store& local;  ///< of Rancher's own cluster
    Scheduler& scheduler;
    Log& log;
    Hostile* hostile = nullptr;
  };
  /// Makes the cluster with all that it holds. Nobody acts in it yet.
  Downstream(const Surroundings& around, Names names, Settings& settings);

  const Names& names() const { return names_; }
  Settings& settings() { return settings_; }
  Cluster& cluster() { return *cluster_; }
  Rancher& rancher() { return rancher_; }
  /// Adds what Rancher has of the cluster to Rancher's own cluster.
  void add_record();
  /// From now on agents, kubelet and Rancher's users act in it.
  void settle();
  /// Starts the API server, and Rancher's care of the cluster.
  void start();
  void stop();

  /// The CA that has signed the server's certificate, and the one before; PEM.
  const std::string& ca() const { return new_authority_.pem(); }
  const std::string& old_ca() const { return old_authority_.pem(); }
  /// Renews CA and service account key.
  void renew();
  /// Writes the CA into token secrets and kube-root-ca.crt.
  void hand_out();
  /// The cluster hands out one CA more.
  void gain_ca(const std::string& pem);
  /// Every user looks at logs.
  void use_impersonation() { impersonators_->use(); }
  /// The server goes, and is back after that time.
  void restart(std::chrono::milliseconds away);
  /// Somebody deletes the Secret with the stored token.
  void remove_credential();
  /// Somebody else changes the clusters resource.
  void bump();

 private:
  Cluster::Hooks hooks(Hostile* hostile);
  void answered(const About& about);
  void add_registration();
  /// Hands out the CA of the scenario, and says since when.
  void hand_out_ca();
  /// What the controller manager hands out as that CA, PEM, and what Rancher has of it, base64.
  std::string handed_out(const Authority& authority) const;
  std::string stored_ca(const Authority& authority) const;
  const Authority& authority_before() const;
  /// Rancher applies its agents' manifest. What is wrong, or nothing.
  std::string deploy_agents();
  /// Writes the CA, at once or as that fault says: after a delay, or not before `hand-out-ca`.
  void hand_out_later(const std::string& fault, std::function<void()> write);
  void hand_out_to_maps(const std::string& ca_pem);
  void hand_out_to_secrets(const std::string& ca_pem);
  /// Writes the CA, as the objects hold it, into objects that hold one.
  void write_ca(const std::vector<ObjectKey>& bearers, const std::string& text);
  /// Leaves the old CA where a fault says that the new one comes later.
  void leave_old_ca();

  Names names_;
  Settings& settings_;
  Store& local_;
  Scheduler& scheduler_;
  Log log_;
  Authority old_authority_;
  Authority new_authority_;
  Authority spare_authority_;  // of `ca-bundle` and `additional-ca`
  Key old_key_;
  std::string registration_ = random_suffix(54);  // the token that the agents mount
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<Controllers> controllers_;
  Rancher rancher_;
  std::unique_ptr<Agents> agents_;
  std::unique_ptr<Impersonators> impersonators_;
  std::unique_ptr<Kubelet> kubelet_;
  /// What the agents that ran at the start had read: an old one can report it again.
  Rancher::Report old_report_;
  std::string stored_token_;
};

}  // namespace retrust::sandbox
