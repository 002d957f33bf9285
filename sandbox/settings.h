#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "profile.h"

namespace retrust::sandbox {

/// What was renewed in the downstream cluster before the sandbox starts.
enum class Scenario { renewed, ca_only, key_only, healthy };

/// How one of many downstream clusters is found; what each means is in the help of main.cpp.
enum class State {
  renewed,
  ca_only,
  healthy,
  silent,
  wrong_kubeconfig,
  unreachable,
  hosted,
  elsewhere
};

/// How long the played parties take.
enum class Pace { lifelike, quick };

/// Which faults are shown; what each means is in the help of main.cpp.
class Faults {
 public:
  /// Takes NAME or NAME=VALUE; throws where there is no such fault.
  void set_from(const std::string& text);
  /// Throws where a real control plane cannot be made to show one of them.
  void require_live() const;
  bool has(const std::string& name) const { return values_.contains(name); }
  std::string value(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string() : found->second;
  }
  std::chrono::milliseconds milliseconds(const std::string& name, int standard) const {
    const auto text = value(name);
    return std::chrono::milliseconds{text.empty() ? standard : std::stoi(text)};
  }
  /// After this time servers end a watch by themselves, where they do.
  std::optional<std::chrono::milliseconds> watch_limit() const {
    if (!has("close-watches")) return std::nullopt;
    return milliseconds("close-watches", 150);
  }
  /// Does it once: true the first time that it is asked for.
  bool take(const std::string& name) { return values_.erase(name) > 0; }

 private:
  std::map<std::string, std::string> values_;
};

struct Settings {
  RancherProfile rancher = rancher_profile("2.4");
  KubernetesProfile kubernetes = kubernetes_profile("1.20");  ///< of the downstream cluster
  std::string driver = "imported";                            ///< status.driver of that cluster
  std::string local_version = {};     ///< of Rancher's own cluster: v1.30.4+k3s1; empty: 1.20
  int backup_operator = 0;            ///< its major version; 0: none is installed
  int clusters = 1;                   ///< downstream clusters
  std::vector<State> mix = {};        ///< their states in turn; empty: one cluster, by scenario
  State state = State::renewed;       ///< of this cluster, where there is a mix
  int records = 0;                    ///< clusters that are nothing but Rancher's records
  int agent_replicas = 1;             ///< of cattle-cluster-agent
  int impersonation_users = 3;        ///< who have used logs or shell before
  int fresh_impersonation_users = 0;  ///< of these, whose token was made after the renewal
  /// Workloads that are not Rancher's, and so many of users; none where it is not said.
  std::optional<int> workloads = {};
  Scenario scenario = Scenario::renewed;
  Pace pace = Pace::lifelike;
  Faults faults;
  std::vector<std::string> attacks = {};  ///< "SERVER ATTACK", see hostile.h

  /// Whether Rancher made the stored token itself, of an account of its own. From rancher/rancher
  /// v2.9.5, pkg/kontainer-engine/drivers (KEv1, rke) and pkg/controllers/management/{aks,eks,gke}.
  bool token_of_ranchers_own() const;

  /// A delay of a played party.
  std::chrono::milliseconds delay(int milliseconds) const {
    return std::chrono::milliseconds{pace == Pace::quick ? milliseconds / 10 : milliseconds};
  }
};

}  // namespace retrust::sandbox
