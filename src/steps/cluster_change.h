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
  std::string status_path = {};  ///< see status_path in stored_token.h
  std::string purpose;           ///< for people, e.g. "with the live token and CA"
  /// TerminalStyle at the resource as it is now; whether it still has to be changed. May refuse by
  /// throwing.
  std::function<bool(const ClusterResource&)> look;
  /// A token that is to be in a new Secret: it is made once, and `edit` gets its name.
  Secret token_for_secret = {};
  std::function<void(boost::json::object& status, const ObjectName& token_secret)> edit;
  /// Says that the change comes, as the last thing before it.
  std::function<void(const std::string& text)> announce;
  /// Takes that back: it met with a conflict, so nothing came of it.
  std::function<void()> not_made;
  /// Whether what the API server has after the change is what was wanted.
  std::function<bool(const ClusterResource&)> done;
};

/// Saves the resource, and the Secret that it names; the path of the former. `what` says what the
/// resource is, e.g. "what will be replaced".
std::filesystem::path save_stored(const RunFolder& folder, const Journal& journal,
                                  const ClusterResource& cluster, std::string what);

/// Reads the resource, saves it in the run folder, and replaces it with the version that was read,
/// so that nobody's change is overwritten: where it changed in between it is looked at again. What
/// is there afterwards; nothing where `look` wanted no change. Throws Failure.
boost::asio::awaitable<std::optional<ClusterResource>> change_cluster(const Kubectl& local,
                                                                      const RunFolder& folder,
                                                                      Journal journal,
                                                                      Redactor& redactor,
                                                                      ClusterChange change);

}  // namespace retrust
