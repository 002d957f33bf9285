#include "observe/listed_cluster.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <set>
#include <tuple>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/redactor.h"
#include "base/text.h"
#include "credentials/certificate.h"
#include "credentials/token.h"
#include "observe/parse.h"
#include "observe/token_place.h"

namespace retrust {
namespace {

namespace json = boost::json;
using std::chrono::sys_seconds;

/// The member of a trimmed resource with what retrust itself makes of its credentials.
constexpr std::string_view digest_key = "digest";
/// Bytes of a text that are kept: more than a DisplayText shows.
constexpr std::size_t most_text = 2 * DisplayText::default_limit;

/// A text of an object, cut, in the memory of another.
json::value kept_text(const json::value& object, std::string_view pointer,
                      const json::storage_ptr& memory) {
  auto text = text_at(object, pointer);
  if (text.size() > most_text) text.resize(most_text);
  return json::string(text, memory);
}

bool is_text(const json::value& object, std::string_view pointer) {
  return !text_at(object, pointer).empty();
}

/// Keeps whose token it is, and if wanted its digest and the names of what holds it.
void take_account(json::object& digest, const std::string& token, Digests digests) {
  const auto keeps = digests == Digests::keep && !token.empty();
  if (keeps) digest["tokenSha256"] = sha256_hex(token);
  const auto claims = parse_token(token);
  if (!claims) return;
  digest["account"] = ObjectName::if_allowed(claims->service_account.str()).text();
  digest["accountUid"] = Uid::if_allowed(claims->service_account_uid.str()).text();
  if (!keeps) return;
  digest["accountNamespace"] = NamespaceName::if_allowed(claims->name_space.str()).text();
  digest["accountSecret"] = ObjectName::if_allowed(claims->secret_name.str()).text();
}

/// A cluster's token: whether there is one, and of which account.
struct Credential {
  bool token = false;
  ObjectName account = {};
  Uid account_uid = {};
  StoredDigests digests = {};
};

/// Reads what take_account() kept.
Credential credential_of(const json::value& digest) {
  Credential found;
  found.account = ObjectName::if_allowed(text_at(digest, "/account"));
  found.account_uid = Uid::if_allowed(text_at(digest, "/accountUid"));
  found.digests.token = text_at(digest, "/tokenSha256");
  found.digests.name_space = NamespaceName::if_allowed(text_at(digest, "/accountNamespace"));
  found.digests.secret = ObjectName::if_allowed(text_at(digest, "/accountSecret"));
  return found;
}

/// The CA and the token of a clusters resource, without either.
json::object credentials_digest(const json::value& cluster, Digests digests,
                                const json::storage_ptr& memory) {
  json::object digest(memory);
  const auto pem = decoded(cluster, "/status/caCert");
  if (is_text(cluster, "/status/caCert")) {
    const auto certificates = parse_certificates(pem);
    const auto first = std::min_element(
        certificates.begin(), certificates.end(),
        [](const Certificate& a, const Certificate& b) { return a.not_after < b.not_after; });
    digest["ca"] = first != certificates.end();
    if (first != certificates.end()) {
      digest["caEnds"] = first->not_after.time_since_epoch().count();
    }
    if (digests == Digests::keep && certificates.size() <= most_compared) {
      json::array all(memory);
      for (const auto& each : certificates) all.emplace_back(each.sha256);
      digest["caSha256"] = std::move(all);
    }
  }
  digest["token"] = is_text(cluster, "/status/serviceAccountToken");
  take_account(digest, text_at(cluster, "/status/serviceAccountToken"), digests);
  digest["address"] = is_text(cluster, "/status/apiEndpoint");
  return digest;
}

/// The state that a message of Rancher tells. `other` if it tells none.
///
/// rancher/rancher v2.12.3, pkg/controllers/managementuser/healthsyncer/healthsyncer.go: the
/// message ends with client-go's. For versions without Connected, pkg/dialer/factory.go of v2.3.11
/// ("waiting for cluster agent to connect"), v2.5.17 (the same with the ID) and v2.6.2
/// (ErrAgentDisconnected).
RancherState told_by(std::string_view message) {
  struct Pattern {
    std::string_view text;
    RancherState state;
  };
  constexpr std::array patterns{
      Pattern{"x509: ", RancherState::x509},
      Pattern{"tls: failed to verify certificate", RancherState::x509},
      Pattern{"Unauthorized", RancherState::unauthorized},
      // kubernetes/client-go v0.33.0, rest/request.go: an answer 401 to a raw request.
      Pattern{"asked for the client to provide credentials", RancherState::unauthorized},
      Pattern{"cluster agent disconnected", RancherState::disconnected},
      Pattern{"Cluster agent is not connected", RancherState::disconnected},
      Pattern{"agent to connect", RancherState::disconnected},
  };
  const auto found = std::find_if(patterns.begin(), patterns.end(), [&](const Pattern& pattern) {
    return message.find(pattern.text) != std::string_view::npos;
  });
  return found == patterns.end() ? RancherState::other : found->state;
}

/// The last condition of a type, or null.
const json::value* condition_of(const json::value& cluster, std::string_view type) {
  const json::value* found = nullptr;
  for (const auto& condition : array_at(cluster, "/status/conditions")) {
    if (text_at(condition, "/type") == type) found = &condition;
  }
  return found;
}

std::string text_of(const json::value* condition, std::string_view pointer) {
  return condition == nullptr ? std::string() : text_at(*condition, pointer);
}

/// The state of an untrimmed resource: the word that tells may be at the end of a long message.
/// Connected comes first: while no agent is connected, Rancher checks nothing else, and messages
/// are old (rancher/rancher v2.12.3, healthsyncer.go: updateClusterHealth).
RancherState state_of(const json::value& cluster) {
  const auto* ready = condition_of(cluster, "Ready");
  const auto* deployed = condition_of(cluster, "AgentDeployed");
  if (text_of(condition_of(cluster, "Connected"), "/status") == "False" ||
      text_of(ready, "/reason") == "Disconnected") {
    return RancherState::disconnected;
  }
  if (text_of(ready, "/status") != "True") return told_by(text_of(ready, "/message"));
  return text_of(deployed, "/status") == "False" ? told_by(text_of(deployed, "/message"))
                                                 : RancherState::ok;
}

void trim_cluster(json::value& item, Digests digests) {
  auto* object = item.if_object();
  if (object == nullptr) return;
  const auto memory = object->storage();
  json::object metadata(memory);
  // The name stays whole and of its type, because it is checked.
  if (const auto* name = find_at(item, "/metadata/name")) metadata["name"] = *name;
  metadata["deletionTimestamp"] = kept_text(item, "/metadata/deletionTimestamp", memory);
  json::object spec(memory);
  spec["displayName"] = kept_text(item, "/spec/displayName", memory);
  json::object version(memory);
  version["gitVersion"] = kept_text(item, "/status/version/gitVersion", memory);
  json::object status(memory);
  status["driver"] = kept_text(item, "/status/driver", memory);
  status["version"] = std::move(version);
  if (const auto* secret = find_at(item, "/status/serviceAccountTokenSecret")) {
    status["serviceAccountTokenSecret"] = *secret;
  }
  if (const auto* ready = condition_of(item, "Ready")) {
    json::object condition(memory);
    for (const std::string_view key : {"type", "status", "reason", "message"}) {
      condition[key] = kept_text(*ready, fmt::format("/{}", key), memory);
    }
    json::array conditions(memory);
    conditions.emplace_back(std::move(condition));
    status["conditions"] = std::move(conditions);
  }
  json::object kept(memory);
  kept["kind"] = kept_text(item, "/kind", memory);
  kept["metadata"] = std::move(metadata);
  kept["spec"] = std::move(spec);
  kept["status"] = std::move(status);
  auto digest = credentials_digest(item, digests, memory);
  digest["state"] = word_of(state_of(item));
  kept[digest_key] = std::move(digest);
  *object = std::move(kept);
}

/// Reduces an object to its kind, name and namespace. Returns the members.
json::object named_alone(const json::value& item, const json::storage_ptr& memory) {
  json::object metadata(memory);
  for (const std::string_view key : {"name", "namespace"}) {
    const auto* value = find_at(item, fmt::format("/metadata/{}", key));
    if (value != nullptr) metadata[key] = *value;
  }
  json::object kept(memory);
  kept["kind"] = kept_text(item, "/kind", memory);
  kept["metadata"] = std::move(metadata);
  return kept;
}

bool flag_at(const json::value& object, std::string_view pointer) {
  const auto* value = find_at(object, pointer);
  return value != nullptr && value->is_bool() && value->get_bool();
}

/// The state in a trimmed resource.
RancherState state_in(const json::value& item) {
  using enum RancherState;
  const auto word = text_at(item, fmt::format("/{}/state", digest_key));
  for (const auto state : {ok, x509, unauthorized, disconnected}) {
    if (word == word_of(state)) return state;
  }
  return other;
}

/// The Secrets by name.
using ListedSecrets = std::map<std::string, Credential>;

void take_credential(ListedCluster& listed, const Credential& credential) {
  listed.account = credential.account;
  listed.account_uid = credential.account_uid;
  auto ca = std::move(listed.digests.ca);
  listed.digests = credential.digests;
  listed.digests.ca = std::move(ca);
}

void take_credentials(ListedCluster& listed, const ClusterResource& cluster,
                      const json::value& item, const RancherServer& rancher,
                      const std::optional<ListedSecrets>& secrets) {
  using Place = ListedCluster::TokenPlace;
  const auto pointer = [](std::string_view key) { return fmt::format("/{}/{}", digest_key, key); };
  if (const auto* ca = find_at(item, pointer("ca"))) {
    listed.ca =
        ca->is_bool() && ca->get_bool() ? ListedCluster::Ca::known : ListedCluster::Ca::unreadable;
  }
  for (const auto& each : array_at(item, pointer("caSha256"))) {
    if (each.is_string()) listed.digests.ca.emplace_back(each.get_string());
  }
  const auto* ends = find_at(item, pointer("caEnds"));
  if (ends != nullptr && ends->is_int64()) {
    listed.ca_ends = sys_seconds{std::chrono::seconds{ends->get_int64()}};
  }
  if (!cluster.token_secret_name.empty() && keeps_token_in_secret(cluster, rancher)) {
    listed.token_place = Place::secret;
    listed.token_secret = cluster.token_secret_name;
    listed.has_token = secrets ? Known::no : Known::unknown;
    const auto found =
        secrets ? secrets->find(listed.token_secret.text()) : ListedSecrets::const_iterator{};
    if (secrets && found != secrets->end()) {
      if (found->second.token) listed.has_token = Known::yes;
      take_credential(listed, found->second);
    }
  } else if (flag_at(item, pointer("token"))) {
    // A version that reads Secrets does not read this place.
    const auto read = !rancher.version || !keeps_token_in_secret(cluster, rancher);
    listed.token_place = Place::record;
    listed.has_token = read ? Known::yes : Known::no;
    if (const auto* digest = find_at(item, fmt::format("/{}", digest_key)))
      take_credential(listed, credential_of(*digest));
  }
  if (listed.is_own()) return;
  // rancher/rancher v2.12.3, pkg/clustermanager/manager.go: ToRESTConfig needs all three.
  if (listed.ca == ListedCluster::Ca::none) listed.missing.emplace_back("CA");
  if (!flag_at(item, pointer("address"))) listed.missing.emplace_back("address");
  if (listed.has_token == Known::no) listed.missing.emplace_back("token");
}

std::optional<ListedSecrets> credentials_in(const json::value* list) {
  if (list == nullptr) return std::nullopt;
  ListedSecrets found;
  for (const auto* secret : items_of(*list, "Secret")) {
    auto credential = credential_of(*secret);
    credential.token = flag_at(*secret, "/token");
    found[text_at(*secret, "/metadata/name")] = std::move(credential);
  }
  return found;
}

void take_registrations(std::vector<ListedCluster>& clusters, const json::value* list) {
  if (list == nullptr) return;
  using Registration = ListedCluster::Registration;
  std::map<std::string, std::string> ends;
  for (const auto* token : items_of(*list, "ClusterRegistrationToken")) {
    ends[text_at(*token, "/metadata/namespace")] = text_at(*token, "/ends");
  }
  for (auto& cluster : clusters) {
    const auto found = ends.find(cluster.id.text());
    const auto end = found == ends.end() ? sys_seconds{} : parse_time(found->second);
    cluster.registration = found == ends.end()    ? Registration::none
                           : end == sys_seconds{} ? Registration::unlimited
                                                  : Registration::limited;
    if (end != sys_seconds{}) cluster.registration_ends = end;
  }
}

std::vector<std::string> parts_that_are(LiveComparison::Part wanted,
                                        const LiveComparison& comparison) {
  std::vector<std::string> parts;
  if (comparison.token == wanted) parts.emplace_back("token");
  if (comparison.ca == wanted) parts.emplace_back("CA");
  return parts;
}

bool differs_live(const ListedCluster& cluster) {
  return cluster.live && cluster.live->result == Live::Result::differs;
}

enum class Urgency { rejected, ca_ended, trouble, ca_ends_soon, none, deleted, own };

bool ends_within(const ListedCluster& cluster, const ListLimits& limits) {
  return cluster.ca_ends && days_left(*cluster.ca_ends, limits.now) < limits.warn_days;
}

/// "3 days", of a positive time.
std::string days_text(std::chrono::seconds time) {
  const auto days = std::chrono::floor<std::chrono::days>(time).count();
  return days == 0 ? "less than a day" : counted(static_cast<std::size_t>(days), "day");
}

Urgency urgency_of(const ListedCluster& cluster, const ListLimits& limits) {
  if (cluster.is_own()) return Urgency::own;
  if (cluster.deletion) return Urgency::deleted;
  if (cluster.state == RancherState::x509 || cluster.state == RancherState::unauthorized ||
      differs_live(cluster)) {
    return Urgency::rejected;
  }
  if (cluster.ca_ends && *cluster.ca_ends <= limits.now) return Urgency::ca_ended;
  if (cluster.state != RancherState::ok || !cluster.missing.empty() ||
      cluster.ca == ListedCluster::Ca::unreadable) {
    return Urgency::trouble;
  }
  return ends_within(cluster, limits) ? Urgency::ca_ends_soon : Urgency::none;
}

}  // namespace

std::string_view word_of(RancherState state) {
  switch (state) {
    case RancherState::ok:
      return "ok";
    case RancherState::x509:
      return "x509";
    case RancherState::unauthorized:
      return "unauthorized";
    case RancherState::disconnected:
      return "disconnected";
    case RancherState::other:
      break;
  }
  return "other";
}

std::vector<std::string> differing_parts(const LiveComparison& comparison) {
  return parts_that_are(LiveComparison::Part::differs, comparison);
}

std::vector<std::string> unclear_parts(const LiveComparison& comparison) {
  return parts_that_are(LiveComparison::Part::unknown, comparison);
}

Live::Result result_of(const LiveComparison& comparison) {
  if (!differing_parts(comparison).empty()) return Live::Result::differs;
  return unclear_parts(comparison).empty() ? Live::Result::same : Live::Result::unclear;
}

Known ListedCluster::complete() const {
  if (is_own()) return Known::yes;
  if (!missing.empty()) return Known::no;
  return has_token == Known::unknown ? Known::unknown : Known::yes;
}

Trim listed_cluster_trim(Digests digests) {
  return [digests](json::value& item) { trim_cluster(item, digests); };
}

Trim credential_trim(Digests digests) {
  return [digests](json::value& item) {
    auto* object = item.if_object();
    if (object == nullptr) return;
    auto kept = named_alone(item, object->storage());
    kept["token"] = is_text(item, "/data/credential");
    take_account(kept, credential_in(item), digests);
    *object = std::move(kept);
  };
}

Trim registration_trim() {
  return [](json::value& item) {
    auto* object = item.if_object();
    if (object == nullptr) return;
    auto kept = named_alone(item, object->storage());
    // rancher/rancher v2.13.8, v2.14.4 and v2.15.0, pkg/apis/management.cattle.io/v3/
    // cluster_types.go: ClusterRegistrationTokenStatus. Others have no end.
    kept["ends"] = kept_text(item, "/status/expiresAt", object->storage());
    *object = std::move(kept);
  };
}

std::vector<ListedCluster> listed_clusters(const ListAnswers& answers) {
  std::vector<ListedCluster> clusters;
  if (answers.clusters == nullptr) return clusters;
  const auto rancher =
      answers.version == nullptr ? RancherServer{} : parse_rancher(*answers.version);
  const auto secrets = credentials_in(answers.secrets);
  // Trimmed resources hold no token that could be registered.
  Redactor nothing;
  for (const auto* item : items_of(*answers.clusters, "Cluster")) {
    const auto cluster = parse_cluster(*item, nothing);
    ListedCluster listed{cluster.id, cluster.display_name, cluster.driver,
                         cluster.kubernetes_version, cluster.ready};
    listed.state = state_in(*item);
    listed.deletion = cluster.deletion;
    take_credentials(listed, cluster, *item, rancher, secrets);
    clusters.push_back(std::move(listed));
  }
  take_registrations(clusters, answers.registrations);
  return clusters;
}

long days_left(sys_seconds end, sys_seconds now) {
  return std::chrono::floor<std::chrono::days>(end - now).count();
}

std::vector<std::string> attention(const ListedCluster& cluster, const ListLimits& limits) {
  std::vector<std::string> clauses;
  if (cluster.is_own() || cluster.deletion) return clauses;
  switch (cluster.state) {
    case RancherState::ok:
      break;
    case RancherState::x509:
      clauses.emplace_back("Rancher does not trust the cluster's certificate");
      break;
    case RancherState::unauthorized:
      clauses.emplace_back("the cluster rejects Rancher's token");
      break;
    case RancherState::disconnected:
      clauses.emplace_back("no agent is connected to Rancher");
      break;
    case RancherState::other:
      clauses.emplace_back("the cluster is not ready");
      break;
  }
  if (differs_live(cluster)) {
    const auto parts = differing_parts(cluster.live->comparison);
    clauses.push_back(fmt::format("the live {} {} from what Rancher has stored", enumerated(parts),
                                  parts.size() == 1 ? "differs" : "differ"));
  }
  if (cluster.ca == ListedCluster::Ca::unreadable) {
    clauses.emplace_back("the stored CA cannot be read");
  }
  if (cluster.ca_ends && *cluster.ca_ends <= limits.now) {
    clauses.push_back(
        fmt::format("the stored CA ended {} ago", days_text(limits.now - *cluster.ca_ends)));
  } else if (ends_within(cluster, limits)) {
    clauses.push_back(
        fmt::format("the stored CA ends in {}", days_text(*cluster.ca_ends - limits.now)));
  }
  if (!cluster.missing.empty()) {
    clauses.push_back(fmt::format(
        "the record has no {}",
        enumerated(std::vector<std::string>(cluster.missing.begin(), cluster.missing.end()))));
  }
  return clauses;
}

void sort_by_urgency(std::vector<ListedCluster>& clusters, const ListLimits& limits) {
  const auto key = [&](const ListedCluster& cluster) {
    const auto urgency = urgency_of(cluster, limits);
    // After the end of its registration token a cluster that rejects Rancher gets no other one.
    auto first = sys_seconds::max();
    if (urgency == Urgency::rejected && cluster.registration_ends) {
      first = *cluster.registration_ends;
    }
    return std::tuple(urgency, first, cluster.ca_ends.value_or(sys_seconds::max()),
                      cluster.display_name.str(), cluster.id.text());
  };
  using Key = decltype(key(clusters.front()));
  std::vector<std::pair<Key, std::size_t>> order;
  order.reserve(clusters.size());
  for (std::size_t i = 0; i < clusters.size(); ++i) order.emplace_back(key(clusters[i]), i);
  std::sort(order.begin(), order.end());
  std::vector<ListedCluster> sorted;
  sorted.reserve(clusters.size());
  for (const auto& [ignored, index] : order) sorted.push_back(std::move(clusters[index]));
  clusters = std::move(sorted);
}

}  // namespace retrust
