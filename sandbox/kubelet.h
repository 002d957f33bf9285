#pragma once

#include <functional>
#include <string>

#include "log.h"
#include "scheduler.h"
#include "settings.h"
#include "store.h"

namespace retrust::sandbox {

/// Runs the pods of a cluster, as far as the API shows it: a pod whose secrets are there becomes
/// ready, unless its container ends at once; one that is told to go is gone after a while.
class Kubelet {
 public:
  struct Hooks {
    /// The last words of a container that ends as soon as it is started; empty where it goes on.
    std::function<std::string(const ObjectKey&)> last_words = {};
    std::function<void(const ObjectKey&)> pod_ready = {};
    /// A pod was told to go.
    std::function<void(const ObjectKey&)> pod_terminating = {};
    std::function<void(const ObjectKey&)> pod_gone = {};
  };
  Kubelet(Objects& objects, Scheduler& scheduler, const Settings& settings, Log& log, Hooks hooks);

 private:
  void look(const Change& change);
  void start(const ObjectKey& key, const boost::json::value& pod);
  void try_to_run(const ObjectKey& key);
  /// Keeps the pod from running where a fault says so.
  bool hold(const ObjectKey& key, const boost::json::value& pod);
  void end(const ObjectKey& key, const boost::json::value& pod);

  Objects& objects_;
  Scheduler& scheduler_;
  const Settings& settings_;
  Log& log_;
  Hooks hooks_;
};

}  // namespace retrust::sandbox
