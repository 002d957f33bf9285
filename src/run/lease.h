#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/names.h"
#include "tools/kubectl.h"

namespace retrust {

/// Name of the Lease in a cluster's own namespace of the local cluster.
inline constexpr const char* lease_name = "retrust";

/// A Lease (coordination.k8s.io/v1) that keeps other runs away from a cluster. Rancher makes a
/// namespace named after the cluster's ID for each clusters resource, in every version
/// (rancher/rancher v2.0.0, pkg/controllers/management/auth/project_cluster_handler.go:
/// reconcileResourceToNamespace; v2.15.0, pkg/controllers/management/auth/project_cluster).
struct Lease {
  NamespaceName name_space;
  Uid uid;
  ResourceVersion version;
  std::string holder;  ///< holderIdentity as it is; hostile text. Empty: nobody holds it
  std::chrono::seconds duration{0};
  std::optional<std::chrono::sys_seconds> acquired = {};
  std::string renewed = {};  ///< renewTime as it is; only compared, or read by renewed_at()
  std::int64_t transitions = 0;

  /// Nothing if the text is no time.
  std::optional<std::chrono::sys_seconds> renewed_at() const;
};

/// Limit of a holder's leaseDurationSeconds: a longer one counts as this.
inline constexpr std::chrono::seconds longest_lease{300};

/// Difference of 2 machines' clocks that retrust allows for, once a Lease seems to have expired.
inline constexpr std::chrono::seconds clock_skew{60};

/// Parses a Lease of this name and namespace. Throws Failure (refused) for anything else.
Lease parse_lease(const boost::json::value& object, const NamespaceName& name_space);

/// The object for `kubectl create`, or for `replace` if uid and version are there. The times are
/// `now`; `acquired` stays if there is one.
boost::json::object lease_object(const Lease& lease, std::chrono::system_clock::time_point now);

/// Tells whether a Lease has expired. Two machines' clocks differ, so a Lease counts as expired
/// once its renewTime stayed the same for its duration, by this machine's steady clock (as
/// kubernetes/client-go v0.30.0, tools/leaderelection/leaderelection.go: isLeaseValid). A run after
/// a crash would wait 5 minutes for this, so a renewTime that is older than the duration and
/// clock_skew counts, too. With clocks that differ by more, 2 runs can work at once. Then the first
/// one finds its Lease lost, and each change still fails if its object was changed meanwhile.
class Expiry {
 public:
  /// Notes the Lease as it is now.
  void saw(const Lease& lease, std::chrono::steady_clock::time_point now);
  bool expired(std::chrono::steady_clock::time_point now, std::chrono::sys_seconds clock) const;

 private:
  std::optional<Lease> last_;
  std::chrono::steady_clock::time_point since_;
};

/// Reads the Lease; nothing if there is none. Throws Failure.
boost::asio::awaitable<std::optional<Lease>> read_lease(Kubectl local, NamespaceName name_space);

/// Creates a Lease, and takes over its uid, version and times from the answer. Throws Failure.
boost::asio::awaitable<void> create_lease(Kubectl local, Lease& lease);
/// Replaces Leases in one kubectl call, as create_lease does. Throws Failure, for example a
/// conflict if a Lease has another version by now. The cluster may have taken some of them then.
boost::asio::awaitable<void> write_leases(Kubectl local, std::vector<Lease*> leases);

/// Outcome of a renewal.
enum class Renewal {
  renewed,
  unknown,  ///< the cluster did not answer: try again
  lost,     ///< another holder has it, or it is gone
};

/// Outcome of the renewal of several Leases.
struct Renewed {
  std::vector<Renewal> each;  ///< in the order of the Leases
  std::string failure = {};   ///< the last failure in words, if any
};
/// Renews all Leases in one kubectl call. Reads each one by itself if that failed. Never throws
/// Failure.
boost::asio::awaitable<Renewed> renew_leases(Kubectl local, std::vector<Lease*> leases);

}  // namespace retrust
