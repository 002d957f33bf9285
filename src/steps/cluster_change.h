#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "base/redactor.h"
#include "observe/observation.h"
#include "tools/kubectl.h"
#include "transcript/journal.h"
#include "transcript/run_folder.h"

namespace retrust {

/// A change of the clusters resource's status.
struct ClusterChange {
  ClusterId id;
  RancherServer rancher;         ///< its version decides where the token is read
  std::string status_path = {};  ///< API path of the status, see status_path in stored_token.h
  std::string purpose;           ///< for people, e.g. "with the live token and CA"
  /// Returns true if the present resource still needs the change. Refuses by throwing.
  std::function<bool(const ClusterResource&)> look;
  /// Token for a new Secret. change_cluster makes the Secret once and passes its name to `edit`.
  Secret token_for_secret = {};
  std::function<void(boost::json::object& status, const ObjectName& token_secret)> edit;
  /// Announces a change immediately before it.
  std::function<void(const std::string& text)> announce;
  /// Revokes the announcement after a conflict: the change was not made.
  std::function<void()> not_made;
  /// Returns true if the API server kept the change.
  std::function<bool(const ClusterResource&)> done;
};

/// Saves the resource and the Secret that the resource names, and returns the path of the
/// resource's file. `what` says what the resource is, e.g. "what will be replaced".
std::filesystem::path save_stored(const RunFolder& folder, const Journal& journal,
                                  const ClusterResource& cluster, std::string what);

/// Reads the resource, saves it in the run folder, and replaces the version that was read. Reads
/// and edits the resource again if somebody else changed it in between. Returns the resource after
/// the change, or nothing if `look` wanted no change. Deletes a new Secret that nothing uses in the
/// end. Throws Failure.
boost::asio::awaitable<std::optional<ClusterResource>> change_cluster(const Kubectl& local,
                                                                      const RunFolder& folder,
                                                                      Journal journal,
                                                                      Redactor& redactor,
                                                                      ClusterChange change);

}  // namespace retrust
