#include "observe/live_comparison.h"

#include <algorithm>
#include <set>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/encoding.h"
#include "base/json.h"
#include "credentials/certificate.h"
#include "observe/parse.h"

namespace retrust {
namespace {

namespace json = boost::json;
using Part = LiveComparison::Part;
using Digests = std::vector<std::string>;
using Holder = std::optional<Digests>;

/// The member of a trimmed object with the digests.
constexpr std::string_view digest_key = "digest";
constexpr std::string_view account_pointer =
    "/metadata/annotations/kubernetes.io~1service-account.name";

json::array ca_array(const std::string& pem, const json::storage_ptr& memory) {
  json::array all(memory);
  for (const auto& each : parse_certificates(pem)) {
    // One more than are compared: such a bundle is not compared.
    if (all.size() > most_compared) break;
    all.emplace_back(each.sha256);
  }
  return all;
}

void trim_live(json::value& item) {
  auto* object = item.if_object();
  if (object == nullptr) return;
  const auto memory = object->storage();
  const auto kind = text_at(item, "/kind");
  json::object metadata(memory);
  // What is checked later stays whole and of its type.
  for (const std::string_view key : {"name", "namespace", "uid"}) {
    const auto* value = find_at(item, "/metadata/" + std::string(key));
    if (value != nullptr) metadata[key] = *value;
  }
  json::object digest(memory);
  if (kind == "Secret") {
    const auto is_token_secret = text_at(item, "/type") == "kubernetes.io/service-account-token";
    const auto token = decoded(item, "/data/token");
    if (is_token_secret) {
      digest["account"] = ObjectName::if_allowed(text_at(item, account_pointer)).text();
    }
    if (!token.empty()) digest["token"] = sha256_hex(token);
    const auto pem = decoded(item, "/data/ca.crt");
    if (!pem.empty()) digest["ca"] = ca_array(pem, memory);
  } else if (kind == "ConfigMap") {
    const auto pem = text_at(item, "/data/ca.crt");
    if (!pem.empty()) digest["ca"] = ca_array(pem, memory);
  }
  json::object kept(memory);
  kept["kind"] = json::string(kind, memory);
  kept["metadata"] = std::move(metadata);
  kept[digest_key] = std::move(digest);
  *object = std::move(kept);
}

Holder ca_in(const json::value& object) {
  const auto pointer = "/" + std::string(digest_key) + "/ca";
  if (find_at(object, pointer) == nullptr) return std::nullopt;
  Digests found;
  for (const auto& each : array_at(object, pointer)) {
    if (each.is_string()) found.emplace_back(each.get_string());
  }
  return found;
}

/// Compares a stored CA with what one holder has.
Part compare_ca(const ListedCluster& cluster, const Digests& live) {
  const auto& stored = cluster.digests.ca;
  const std::set<std::string> had(stored.begin(), stored.end());
  const std::set<std::string> has(live.begin(), live.end());
  if (has.empty() || live.size() > most_compared) return Part::unknown;
  if (had.empty()) return Part::differs;
  if (had == has) return Part::same;
  const auto gained = std::includes(has.begin(), has.end(), had.begin(), had.end());
  const auto lost = std::includes(had.begin(), had.end(), has.begin(), has.end());
  // The server may still serve by the stored certificates.
  if (gained) return Part::unknown;
  // Behind the CA of a hosted cluster Rancher stores additional CAs: see with_additional().
  const auto additional = lost && cluster.account != agent_account && has.contains(stored.front());
  return additional ? Part::same : Part::differs;
}

Part ca_part(const ListedCluster& cluster, const LiveDigests& live) {
  const auto is_stored = cluster.ca != ListedCluster::Ca::none;
  if (is_stored && cluster.digests.ca.empty()) return Part::unknown;
  std::optional<Part> all;
  for (const auto& holder : {live.root_ca, live.secret_ca}) {
    if (!holder) continue;
    const auto part = compare_ca(cluster, *holder);
    // One of the two holders may be behind. The server's certificate would tell which one.
    if (all && *all != part) return Part::unknown;
    all = part;
  }
  return all.value_or(Part::unknown);
}

Part token_part(const ListedCluster& cluster, const LiveDigests& live) {
  using enum LiveDigests::TokenSecret;
  if (cluster.has_token == Known::no) return Part::differs;
  if (cluster.digests.token.empty()) return Part::unknown;
  if (live.token_secret == gone) return Part::differs;
  if (live.token_secret == unknown || live.token.empty()) return Part::unknown;
  return live.token == cluster.digests.token ? Part::same : Part::differs;
}

}  // namespace

Trim live_trim() {
  return trim_live;
}

LiveDigests live_digests(const json::value& list, const ListedCluster& cluster) {
  using enum LiveDigests::TokenSecret;
  LiveDigests live;
  live.kube_system_uid = kube_system_uid(list);
  const auto& wanted = cluster.digests.secret;
  if (!wanted.empty()) live.token_secret = gone;
  for (const auto* secret : items_of(list, "Secret")) {
    if (wanted.empty() || text_at(*secret, "/metadata/name") != wanted.text()) continue;
    const auto account = text_at(*secret, "/digest/account");
    live.token_secret = !account.empty() && account == cluster.account.text() ? found : unknown;
    if (live.token_secret != found) continue;
    live.token = text_at(*secret, "/digest/token");
    live.secret_ca = ca_in(*secret);
  }
  for (const auto* map : items_of(list, "ConfigMap")) {
    if (text_at(*map, "/metadata/name") == "kube-root-ca.crt") live.root_ca = ca_in(*map);
  }
  return live;
}

LiveComparison compare_live(const ListedCluster& cluster, const LiveDigests& live) {
  return {token_part(cluster, live), ca_part(cluster, live)};
}

}  // namespace retrust
