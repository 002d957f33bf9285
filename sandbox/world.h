#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "agents.h"
#include "backup_operator.h"
#include "cluster.h"
#include "controllers.h"
#include "hostile.h"
#include "impersonation.h"
#include "kubelet.h"
#include "log.h"
#include "objects.h"
#include "rancher.h"
#include "scheduler.h"
#include "settings.h"
#include "stage.h"

namespace retrust::sandbox {

/// Both clusters, a third that has nothing to do with them, and everybody who acts in them.
class World : public Stage {
 public:
  World(boost::asio::io_context& io, Settings settings, std::filesystem::path directory);

  /// Starts the servers and writes the kubeconfigs.
  void start(std::function<void()> ready) override;
  void end() override;
  std::string command(const std::string& line) override;

 private:
  Cluster::Hooks hooks_of(const std::string& name);
  /// "SERVER ATTACK". Throws where there is no such server, or attack.
  void attack(const std::string& text);
  /// Their tokens were signed with that key. The token that the agents have read, and would report.
  std::string fill_downstream(Cluster& cluster, const Key& signer,
                              const std::string& credentials_token);
  void add_agents(Cluster& cluster, const std::string& mountable);
  void add_impersonators(Cluster& cluster, const Key& signer);
  /// The account that Rancher makes for itself in some clusters. Its token.
  std::string add_ranchers_own(Cluster& cluster, const Key& signer);
  void fill_local(const std::string& stored_ca, const std::string& stored_token,
                  const std::string& credentials_token);
  const boost::json::value& add_cluster_resource(const std::string& id, ClusterSpec spec);
  void add_registration(const std::string& mounted);
  void add_production(const std::string& ca, const std::string& token);
  /// Hands out the CA of the scenario, and says since when.
  void hand_out_ca();
  /// What the controller manager hands out as that CA, PEM, and what Rancher has of it, base64.
  std::string handed_out(const Authority& authority) const;
  std::string stored_ca(const Authority& authority) const;
  void write_kubeconfigs();
  void before_change(const std::string& server, const About& about);
  void answered(const std::string& server, const About& about);
  void restart(Cluster& cluster, std::chrono::milliseconds away);
  void bump();
  void renew();
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
  /// Writes every object of the clusters into one file, secrets and all.
  void dump() const;

  boost::asio::io_context& io_;
  Settings settings_;
  std::filesystem::path directory_;
  Log log_;
  std::map<std::string, std::unique_ptr<Hostile>> hostile_;  // by server, where asked for
  Scheduler scheduler_;
  Authority old_authority_;
  Authority new_authority_;
  Authority local_authority_;
  Authority other_authority_;
  Authority spare_authority_;  // of `ca-bundle` and `additional-ca`
  Key old_key_;
  std::unique_ptr<Cluster> downstream_;
  std::unique_ptr<Cluster> local_;
  std::unique_ptr<Cluster> other_;
  std::unique_ptr<Controllers> downstream_controllers_;
  std::unique_ptr<Controllers> local_controllers_;
  std::unique_ptr<Controllers> other_controllers_;
  std::unique_ptr<BackupOperator> backup_operator_;
  std::unique_ptr<Rancher> rancher_;
  std::unique_ptr<Agents> agents_;
  std::unique_ptr<Impersonators> impersonators_;
  std::vector<std::unique_ptr<Kubelet>> kubelets_;
  /// What the agents that ran at the start had read: an old one can report it again.
  Rancher::Report old_report_;
};

}  // namespace retrust::sandbox
