#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "log.h"
#include "rancher.h"
#include "scheduler.h"
#include "settings.h"
#include "store.h"

namespace retrust::sandbox {

/// The cattle agents: each reads its credentials once, when it starts, and reports them when it has
/// connected to Rancher. Where they have them from is a matter of their version, which is
/// Rancher's.
class Agents {
 public:
  /// The token that the kubelet put into a pod that mounts no secret with one; empty while it has
  /// none for it yet.
  using ProjectedToken = std::function<std::string(const ObjectKey& pod)>;
  Agents(Objects& downstream, Rancher& rancher, Scheduler& scheduler, const Settings& settings,
         Log& log, ProjectedToken projected_token);

  /// What an agent that starts now says before it ends at once; empty where it does not.
  std::string last_words(const ObjectKey& pod) const;
  /// A pod became ready. One that reports reads its credentials now.
  void ready(const ObjectKey& pod);
  /// A pod was told to go, and went.
  void terminating(const ObjectKey& pod);
  void gone(const ObjectKey& pod);

  /// The pods that run by now are the old ones, which had read this.
  void settled(const Rancher::Report& read);
  /// Nobody waits for a token, or to report.
  bool quiet() const { return busy_.empty(); }

 private:
  void read(const ObjectKey& pod);
  std::optional<Rancher::Report> credentials(const ObjectKey& pod);
  std::optional<Rancher::Report> mounted(const ObjectKey& pod) const;
  std::optional<Rancher::Report> of_secret(const std::string& name) const;
  /// The registration token that the pod mounts.
  std::string registration_of(const ObjectKey& pod) const;
  std::optional<Rancher::Report> own();
  void connect(const ObjectKey& pod, const std::optional<Rancher::Report>& report);
  bool reports(const ObjectKey& pod) const;

  Objects& downstream_;
  Rancher& rancher_;
  Scheduler& scheduler_;
  const Settings& settings_;
  Log& log_;
  ProjectedToken projected_token_;
  std::set<std::string> old_;   // pod names
  std::set<std::string> busy_;  // likewise
  Rancher::Report old_report_;
  std::string being_made_;  // a token secret that was asked for and is not there yet
};

}  // namespace retrust::sandbox
