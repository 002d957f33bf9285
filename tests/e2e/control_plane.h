#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

namespace retrust::e2e {

/// A real control plane of its own, by scripts/control-plane.
class ControlPlane {
 public:
  /// `script` is scripts/control-plane; `directory` must not be there yet. `clusters` is the number
  /// of downstream clusters; where it is empty there is one, without a folder of kubeconfigs.
  ControlPlane(std::filesystem::path script, std::filesystem::path directory,
               const std::string& clusters = {});
  ~ControlPlane();
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;

  std::filesystem::path file(const std::string& name) const { return directory_ / name; }
  /// Renews a downstream cluster; nothing where the scenario is healthy.
  void renew(const std::string& cluster, const std::string& scenario);
  /// Ends a cluster's API server.
  void kill(const std::string& cluster) const { call({"kill", directory_.string(), cluster}); }
  /// Starts it again.
  void restart(const std::string& cluster) const {
    call({"restart", directory_.string(), cluster});
  }
  /// From now on requests are counted.
  void count_from_now();
  /// What the operator's users asked since then, in order: time, server, user, verb, resource,
  /// name.
  std::vector<boost::json::value> requests() const;

 private:
  void call(std::vector<std::string> args) const;

  std::filesystem::path script_;
  std::filesystem::path directory_;
  std::string since_;
};

}  // namespace retrust::e2e
