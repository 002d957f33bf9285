#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/json_stream.h"
#include "observe/observation.h"

namespace retrust {

/// Rancher's state of a cluster, by the conditions of the clusters resource.
enum class RancherState {
  ok,            ///< Ready is True, and Rancher could deploy its agents
  x509,          ///< Rancher does not trust the cluster's certificate
  unauthorized,  ///< the cluster rejects Rancher's token
  disconnected,  ///< no agent is connected
  other,         ///< not ready for another reason, or Rancher says nothing
};
/// The word for a state, e.g. "x509".
std::string_view word_of(RancherState state);

/// A fact that may be out of sight, because a permission is missing.
enum class Known { yes, no, unknown };

/// SHA-256 digests of the credentials that Rancher has stored, for comparisons. Holds no secret.
struct StoredDigests {
  std::string token = {};  ///< empty if there is none, or it cannot be read
  /// The token secret that the token names, and its namespace. Empty if it is no legacy token.
  ObjectName secret = {};
  NamespaceName name_space = {};
  /// Certificates in their order. Empty if no CA is stored.
  std::vector<std::string> ca = {};
};

/// Comparison of live credentials with the stored ones, as far as it is certain.
struct LiveComparison {
  enum class Part { unknown, same, differs };
  Part token = Part::unknown;
  Part ca = Part::unknown;
  bool operator==(const LiveComparison&) const = default;
};

/// "token", "CA": the parts that differ, and those of which it is not certain.
std::vector<std::string> differing_parts(const LiveComparison& comparison);
std::vector<std::string> unclear_parts(const LiveComparison& comparison);

/// What the cluster itself says, by a context that leads to it.
struct Live {
  enum class Result { same, differs, unclear, no_answer };
  Result result = Result::no_answer;
  LiveComparison comparison = {};
  std::string kubeconfig = {};
  std::string context = {};
  std::string trouble = {};  ///< why there is no answer, or no clear one; else empty
};

/// `differs` if a part differs, else `unclear` if one is unknown.
Live::Result result_of(const LiveComparison& comparison);

/// A cluster as `list` shows it. It holds no secret.
struct ListedCluster {
  ClusterId id;
  DisplayText display_name;
  DisplayText driver;
  DisplayText kubernetes_version;
  Condition ready;
  RancherState state = RancherState::other;
  std::optional<std::chrono::sys_seconds> deletion = {};  ///< time of Rancher's deletion

  enum class Ca { none, unreadable, known };
  Ca ca = Ca::none;
  /// End of the first certificate of the stored CA to end.
  std::optional<std::chrono::sys_seconds> ca_ends = {};

  enum class TokenPlace { none, record, secret };
  TokenPlace token_place = TokenPlace::none;
  ObjectName token_secret = {};  ///< of cattle-global-data, for TokenPlace::secret
  Known has_token = Known::no;   ///< `no`: also if the Secret is gone or empty
  ObjectName account = {};       ///< service account of the stored token, as far as it is readable
  Uid account_uid = {};
  StoredDigests digests = {};  ///< with Digests::keep

  enum class Registration {
    unknown,    ///< the registration token cannot be read
    none,       ///< there is none
    unlimited,  ///< Rancher does not rotate it
    limited,    ///< Rancher rotates it at `registration_ends`
  };
  Registration registration = Registration::unknown;
  std::optional<std::chrono::sys_seconds> registration_ends = {};

  /// Nothing if no context that was given leads to the cluster.
  std::optional<Live> live = {};

  /// What Rancher needs and does not have: "CA", "address", "token".
  std::vector<std::string_view> missing = {};

  /// True for the cluster that Rancher itself runs in. Nothing is stored for it.
  bool is_own() const { return id == "local"; }
  /// Whether the record holds all that Rancher needs to reach the cluster.
  Known complete() const;
};

/// Answers of the local cluster about all clusters, each trimmed. Null: the answer could not be
/// read.
struct ListAnswers {
  const boost::json::value* clusters = nullptr;       ///< trimmed by listed_cluster_trim()
  const boost::json::value* version = nullptr;        ///< the setting server-version
  const boost::json::value* secrets = nullptr;        ///< trimmed by credential_trim()
  const boost::json::value* registrations = nullptr;  ///< trimmed by registration_trim()
};

/// Certificates of a stored CA that are compared: real bundles have a handful.
inline constexpr std::size_t most_compared = 16;

/// Whether digests of the stored credentials are kept: only a comparison with live ones needs them.
enum class Digests { leave, keep };

/// Trims a clusters resource to some 500 bytes without its credentials: of the CA the end stays, of
/// the token whose it is.
Trim listed_cluster_trim(Digests digests = Digests::leave);
/// Trims a Secret with a cluster's token to its name, whether it holds a token, and whose it is.
Trim credential_trim(Digests digests = Digests::leave);
/// Trims a registration token to its cluster and its end.
Trim registration_trim();

/// The clusters in the order of the answer. Throws Failure (refused) if one has no name.
std::vector<ListedCluster> listed_clusters(const ListAnswers& answers);

/// Days until a time, rounded down: negative as soon as the time is over.
long days_left(std::chrono::sys_seconds end, std::chrono::sys_seconds now);

/// Limits of `list` by which a cluster needs attention.
struct ListLimits {
  std::chrono::sys_seconds now;
  int warn_days = 60;
};

/// Why a cluster needs attention, a clause each, e.g. "the stored CA ended 3 days ago". Empty if it
/// needs none, is being deleted, or is Rancher's own.
std::vector<std::string> attention(const ListedCluster& cluster, const ListLimits& limits);

/// Sorts by urgency: first what Rancher cannot reach for x509 or unauthorized, and live credentials
/// that differ from the stored ones, then stored CAs that
/// ended, then other trouble, then stored CAs that end soon, then the rest; deleted ones and
/// Rancher's own last. Among equals the earliest end comes first, then the name.
void sort_by_urgency(std::vector<ListedCluster>& clusters, const ListLimits& limits);

}  // namespace retrust
