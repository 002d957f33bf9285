#pragma once

#include <set>
#include <string>

#include "cluster.h"
#include "log.h"
#include "scheduler.h"
#include "settings.h"

namespace retrust::sandbox {

/// The controller that fills token secrets in and, up to Kubernetes 1.23, sees to it that every
/// service account has one.
class TokenController {
 public:
  TokenController(Cluster& cluster, Scheduler& scheduler, const Settings& settings, Log& log);

  /// A watch on secrets was opened: what `no-token=late` waits for.
  void secrets_watched();
  /// The secret of the agents' account that is complete and that a pod would mount; or nothing.
  std::string mountable() const;

 private:
  void look(const Change& change);
  void drop_reference(const ObjectKey& account, const std::string& secret);
  void ensure(const ObjectKey& account);
  bool has_referenced(const boost::json::value& account) const;
  void make(const ObjectKey& account);
  void fill(const ObjectKey& key);

  Cluster& cluster_;
  Scheduler& scheduler_;
  const Settings& settings_;
  Log& log_;
  std::set<ObjectKey> in_work_;  // accounts
};

}  // namespace retrust::sandbox
