#pragma once

#include <map>
#include <set>
#include <string>

#include "log.h"
#include "rancher.h"
#include "scheduler.h"
#include "settings.h"
#include "store.h"

namespace retrust::sandbox {

/// The cattle agents: each reads its credentials once, when it starts, and reports them when it has
/// connected to Rancher.
class Agents {
 public:
  Agents(Objects& downstream, Rancher& rancher, Scheduler& scheduler, const Settings& settings,
         Log& log);

  /// A pod became ready. One that reports reads its credentials now.
  void ready(const ObjectKey& pod);
  /// A pod was told to go, and went.
  void terminating(const ObjectKey& pod);
  void gone(const ObjectKey& pod);

  /// The pods that run by now are the old ones, which had read this.
  void settled(const Rancher::Report& read);

 private:
  void report_soon(const ObjectKey& pod, const Rancher::Report& report);
  bool reports(const ObjectKey& pod) const;

  Objects& downstream_;
  Rancher& rancher_;
  Scheduler& scheduler_;
  const Settings& settings_;
  Log& log_;
  std::set<std::string> old_;  // pod names
  Rancher::Report old_report_;
};

}  // namespace retrust::sandbox
