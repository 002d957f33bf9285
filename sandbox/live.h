#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "agents.h"
#include "impersonation.h"
#include "kubelet.h"
#include "log.h"
#include "mirror.h"
#include "rancher.h"
#include "scheduler.h"
#include "settings.h"
#include "stage.h"

namespace retrust::sandbox {

/// Two clusters of a real control plane (scripts/control-plane), filled with what Rancher and its
/// agents put there, and a stand-in for those who are not there: kubelet, scheduler, agents,
/// Rancher.
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
  void schedule(Mirror& mirror, const Change& change);
  /// The token that a pod's kubelet has for it; empty until the API server has made it.
  std::string projected_token(const ObjectKey& pod);
  boost::asio::awaitable<void> request_token(ObjectKey pod);
  bool settled() const;
  /// Rancher says that the downstream cluster is well.
  bool is_ready() const;

  boost::asio::io_context& io_;
  Settings settings_;
  std::filesystem::path directory_;
  std::filesystem::path plane_;
  Log log_;
  Scheduler scheduler_;
  Mirror downstream_;
  Mirror local_;
  std::map<ObjectKey, std::string> pod_tokens_;
  Rancher rancher_;
  Agents agents_;
  Impersonators impersonators_;
  Kubelet downstream_kubelet_;
  Kubelet local_kubelet_;
};

}  // namespace retrust::sandbox
