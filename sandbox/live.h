#pragma once

#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "kubelet.h"
#include "live_downstream.h"
#include "log.h"
#include "mirror.h"
#include "scheduler.h"
#include "settings.h"
#include "stage.h"

namespace retrust::sandbox {

/// The clusters of a real control plane (scripts/control-plane), filled with what Rancher and its
/// agents put there, and a stand-in for those who are not there: kubelet, scheduler, agents,
/// Rancher. There is one Rancher for all downstream clusters.
class Live : public Stage {
 public:
  /// `plane` is the folder of a control plane that is up and empty.
  Live(boost::asio::io_context& io, Settings settings, std::filesystem::path directory,
       std::filesystem::path plane);

  void start(std::function<void()> ready) override;
  void end() override;
  std::string command(const std::string& line) override;

 private:
  boost::asio::awaitable<void> fill();
  void make_downstreams();
  LiveDownstream& first() { return *downstreams_.front(); }
  /// The downstream cluster of that name or ID; null where there is none.
  LiveDownstream* find(const std::string& name) const;
  /// Does what a command says that is for this cluster, or for none.
  std::string obey(LiveDownstream& downstream, const std::string& line);
  /// Deletes the Secrets with the stored tokens, where that fault is shown.
  boost::asio::awaitable<void> lose_credentials();
  bool server_runs() const;
  bool settled() const;

  boost::asio::io_context& io_;
  Settings settings_;
  std::filesystem::path directory_;
  std::filesystem::path plane_;
  Log log_;
  Scheduler scheduler_;
  Mirror local_;
  std::list<Settings> settings_of_others_;  // of downstream clusters but the first
  std::vector<std::unique_ptr<LiveDownstream>> downstreams_;
  Kubelet local_kubelet_;
};

}  // namespace retrust::sandbox
