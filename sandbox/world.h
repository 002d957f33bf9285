#pragma once

#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "backup_operator.h"
#include "cluster.h"
#include "controllers.h"
#include "downstream.h"
#include "hostile.h"
#include "kubelet.h"
#include "log.h"
#include "objects.h"
#include "scheduler.h"
#include "settings.h"
#include "stage.h"

namespace retrust::sandbox {

/// Rancher's own cluster, its downstream ones, another that has nothing to do with them, and
/// everybody who acts in them.
class World : public Stage {
 public:
  World(boost::asio::io_context& io, Settings settings, std::filesystem::path directory);

  /// Starts the servers and writes the kubeconfigs.
  void start(std::function<void()> ready) override;
  void end() override;
  std::string command(const std::string& line) override;

 private:
  void make_local();
  void make_other();
  /// What `common` says of all, the mix adds to for each.
  void make_downstreams(const Settings& common);
  Downstream& first() { return *downstreams_.front(); }
  /// The downstream cluster of that name or ID; null where there is none.
  Downstream* find(const std::string& name) const;
  /// Does what a command says that is for this cluster, or for none.
  std::string obey(Downstream& downstream, const std::string& line);
  Hostile* hostile(const std::string& name);
  Cluster::Hooks hooks_of(const std::string& name);
  /// "SERVER ATTACK". Throws where there is no such server, or attack.
  void attack(const std::string& text);
  void fill_local();
  void add_cluster_resource(const std::string& id, ClusterSpec spec);
  void write_kubeconfigs();
  /// A file for each downstream cluster, where there is a mix.
  void write_kubeconfigs_of_mix() const;
  void before_change(const std::string& server, const About& about);
  void answered(const std::string& server, const About& about);
  /// Writes every object of the clusters into one file, secrets and all.
  void dump() const;

  boost::asio::io_context& io_;
  Settings settings_;
  std::filesystem::path directory_;
  Log log_;
  std::map<std::string, std::unique_ptr<Hostile>> hostile_;  // by server, where asked for
  Scheduler scheduler_;
  Authority local_authority_;
  Authority other_authority_;
  std::unique_ptr<Cluster> local_;
  std::unique_ptr<Cluster> other_;
  std::unique_ptr<Controllers> local_controllers_;
  std::unique_ptr<Controllers> other_controllers_;
  std::unique_ptr<BackupOperator> backup_operator_;
  std::list<Settings> settings_of_others_;  // of downstream clusters but the first
  std::vector<std::unique_ptr<Downstream>> downstreams_;
  std::vector<std::unique_ptr<Kubelet>> kubelets_;  // of these two
};

}  // namespace retrust::sandbox
