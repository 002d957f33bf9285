#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <boost/json/value.hpp>

#include "base/display_text.h"
#include "base/names.h"

namespace retrust {

/// Age of an event up to which it is evidence of trouble that lasts.
inline constexpr std::chrono::minutes fresh_event{10};

/// A pod that a kubelet could not start, because an API server rejected the network plugin's token,
/// or because the plugin did not trust the API server (rancher/rancher 39649, 39653, 41725).
struct RejectedSandbox {
  DisplayText pod;  ///< "namespace/name"
  DisplayText node;
  DisplayText message;  ///< the kubelet's
  std::chrono::sys_seconds at;
};

/// Evidence on whether new pods start in the downstream cluster.
struct NewPods {
  std::optional<RejectedSandbox> rejected = {};  ///< the latest one
  DisplayText no_node = {};  ///< why no node takes a new pod; empty if a node does, or if unknown
  /// The latest warning about each pod of the agents' namespace. Read only where an agent is not
  /// ready.
  std::map<ObjectName, DisplayText> warnings = {};
  /// SHA-256 of Rancher's own CA, as its agents get it in CATTLE_CA_CHECKSUM; empty text if Rancher
  /// has no CA of its own. Read only where an agent is not ready.
  std::optional<std::string> rancher_ca = {};
  DisplayText unread = {};  ///< why the events or nodes could not be read; empty if they were
};

/// The latest event about such a pod, not older than `since`. Pure.
std::optional<RejectedSandbox> latest_rejected(const boost::json::value& events,
                                               std::chrono::sys_seconds since);

/// The latest event about such a pod, if it is one of these. Pure.
std::optional<RejectedSandbox> latest_rejected(const boost::json::value& events,
                                               const std::set<Uid>& pods);

/// The latest time at which a kubelet spoke of its node. Pure.
std::chrono::sys_seconds latest_heartbeat(const boost::json::value& nodes);

/// Why none of the nodes takes a new pod of the agents; empty if one does, or if a node does not
/// say. Pure.
std::string why_no_node(const boost::json::value& nodes);

/// The latest warning about each pod in the list of events. Pure.
std::map<ObjectName, DisplayText> pod_warnings(const boost::json::value& events);

/// Why new pods of the agents would not start: a sentence; empty if nothing speaks against it.
/// Pure.
std::string new_pods_trouble(const NewPods& seen);

/// CATTLE_CA_CHECKSUM for the value of the setting `cacerts` (rancher/rancher v2.0.16 and v2.12.3,
/// pkg/systemtemplate/import.go: CAChecksum). Pure.
std::string agents_checksum(std::string ca_pem);

}  // namespace retrust
