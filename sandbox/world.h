#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "agents.h"
#include "cluster.h"
#include "controllers.h"
#include "kubelet.h"
#include "log.h"
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
  void fill_downstream(Cluster& cluster, const std::string& credentials_token);
  void fill_local(const std::string& stored_ca, const std::string& stored_token,
                  const std::string& credentials_token);
  void add_cluster_resource(const std::string& id, const std::string& display_name,
                            const std::string& ca, const std::string& token);
  void write_kubeconfigs();
  void before_change(const std::string& server, const About& about);
  void answered(const std::string& server, const About& about);
  void restart(Cluster& cluster, std::chrono::milliseconds away);
  void bump();
  void renew();

  boost::asio::io_context& io_;
  Settings settings_;
  std::filesystem::path directory_;
  Log log_;
  Scheduler scheduler_;
  Authority old_authority_;
  Authority new_authority_;
  Authority local_authority_;
  Authority other_authority_;
  Key old_key_;
  std::unique_ptr<Cluster> downstream_;
  std::unique_ptr<Cluster> local_;
  std::unique_ptr<Cluster> other_;
  std::unique_ptr<Controllers> downstream_controllers_;
  std::unique_ptr<Controllers> local_controllers_;
  std::unique_ptr<Controllers> other_controllers_;
  std::unique_ptr<Rancher> rancher_;
  std::unique_ptr<Agents> agents_;
  std::vector<std::unique_ptr<Kubelet>> kubelets_;
  /// What the agents that ran at the start had read: an old one can report it again.
  Rancher::Report old_report_;
};

}  // namespace retrust::sandbox
