// Whether a cluster's own credentials are the stored ones: what `list` is certain of.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "base/encoding.h"
#include "certificates.h"
#include "observe/listed_cluster.h"
#include "observe/live_comparison.h"
#include "secrets.h"

namespace retrust {
namespace {

namespace json = boost::json;
using Part = LiveComparison::Part;

const std::string token_name = "cattle-token-x7k2p";

std::string token_of(const std::string& account, const std::string& mark) {
  return test::jwt(R"({"alg":"ES256","kid":")" + mark + R"("})",
                   R"({"kubernetes.io/serviceaccount/namespace":"cattle-system",)"
                   R"("kubernetes.io/serviceaccount/secret.name":")" +
                       token_name + R"(","kubernetes.io/serviceaccount/service-account.name":")" +
                       account + R"(","kubernetes.io/serviceaccount/service-account.uid":"u-1"})");
}

/// A cluster as `list` reads it from Rancher's record.
ListedCluster stored(const std::string& token, const std::string& ca_pem) {
  json::value record =
      json::object{{"kind", "Cluster"},
                   {"metadata", {{"name", "c-x7k2p"}}},
                   {"status", {{"caCert", base64_encode(ca_pem)}, {"serviceAccountToken", token}}}};
  listed_cluster_trim(Digests::keep)(record);
  const json::value list = json::object{{"items", json::array{std::move(record)}}};
  auto all = listed_clusters({&list});
  REQUIRE(all.size() == 1);
  return std::move(all.front());
}

/// The objects of a downstream cluster. An empty text: the object or member is not there.
struct Holders {
  std::string token = {};
  std::string secret_ca = {};
  std::string root_ca = {};
  std::string account = "cattle";
  std::string type = "kubernetes.io/service-account-token";
  bool secret = true;
};

LiveDigests live(const Holders& holders, const ListedCluster& cluster) {
  json::array items{json::object{{"kind", "Namespace"},
                                 {"metadata", {{"name", "kube-system"}, {"uid", "uid-of-it"}}}}};
  if (holders.secret) {
    json::object data;
    if (!holders.token.empty()) data["token"] = base64_encode(holders.token);
    if (!holders.secret_ca.empty()) data["ca.crt"] = base64_encode(holders.secret_ca);
    items.push_back(
        json::object{{"kind", "Secret"},
                     {"type", holders.type},
                     {"metadata",
                      {{"name", token_name},
                       {"annotations", {{"kubernetes.io/service-account.name", holders.account}}}}},
                     {"data", std::move(data)}});
  }
  if (!holders.root_ca.empty()) {
    items.push_back(json::object{{"kind", "ConfigMap"},
                                 {"metadata", {{"name", "kube-root-ca.crt"}}},
                                 {"data", {{"ca.crt", holders.root_ca}}}});
  }
  for (auto& item : items) live_trim()(item);
  const json::value list = json::object{{"items", std::move(items)}};
  const auto text = json::serialize(list);
  if (!holders.token.empty()) CHECK(text.find(base64_encode(holders.token)) == std::string::npos);
  auto digests = live_digests(list, cluster);
  CHECK(digests.kube_system_uid == "uid-of-it");
  return digests;
}

const std::string old_ca = test::make_certificate();
const std::string new_ca = test::make_certificate();
const std::string more_ca = test::make_certificate();
const std::string kept = token_of("cattle", "1");
const std::string renewed = token_of("cattle", "2");

TEST_CASE("live credentials are compared as far as it is certain") {
  struct Row {
    std::string what;
    Holders live;
    LiveComparison is;
  };
  const auto cluster = stored(kept, old_ca);
  const std::vector<Row> rows{
      {"nothing changed", {kept, old_ca, old_ca}, {Part::same, Part::same}},
      {"Kubernetes before 1.20 has no kube-root-ca.crt", {kept, old_ca}, {Part::same, Part::same}},
      {"a new CA", {kept, new_ca, new_ca}, {Part::same, Part::differs}},
      {"both are new", {renewed, new_ca, new_ca}, {Part::differs, Part::differs}},
      {"the token secret is gone",
       {.root_ca = old_ca, .secret = false},
       {Part::differs, Part::same}},
      {"and nothing else holds the CA", {.secret = false}, {Part::differs, Part::unknown}},
      {"the token secret is not filled in", {{}, {}, new_ca}, {Part::unknown, Part::differs}},
      // The controllers that write the two holders do not wait for each other.
      {"kube-root-ca.crt is ahead", {kept, old_ca, new_ca}, {Part::same, Part::unknown}},
      {"kube-root-ca.crt is behind", {kept, new_ca, old_ca}, {Part::same, Part::unknown}},
      {"neither is the stored one", {kept, new_ca, more_ca}, {Part::same, Part::differs}},
      // Perhaps the server still serves by the old one.
      {"one CA more", {kept, old_ca + new_ca, new_ca + old_ca}, {Part::same, Part::unknown}},
      {"a Secret of that name without a token's type",
       {kept, old_ca, old_ca, "cattle", "Opaque"},
       {Part::unknown, Part::same}},
      {"another account's", {kept, old_ca, old_ca, "default"}, {Part::unknown, Part::same}},
      {"a CA that cannot be read", {kept, "x", "y"}, {Part::same, Part::unknown}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    const auto found = compare_live(cluster, live(row.live, cluster));
    CHECK(found.token == row.is.token);
    CHECK(found.ca == row.is.ca);
  }
}

TEST_CASE("certificates are compared, and not their text or order") {
  const auto cluster = stored(kept, old_ca + new_ca);
  CHECK(compare_live(cluster, live({kept, new_ca + "\n# a comment\n" + old_ca}, cluster)).ca ==
        Part::same);
  // Rancher has one that the cluster gave up.
  CHECK(compare_live(cluster, live({kept, new_ca}, cluster)).ca == Part::differs);
}

TEST_CASE("additional CAs that Rancher stores for a hosted cluster are no difference") {
  const auto own = token_of("kontainer-engine", "1");
  const auto cluster = stored(own, old_ca + more_ca);
  const auto ca = [&](const std::string& pem) {
    return compare_live(cluster, live({own, pem, pem, "kontainer-engine"}, cluster)).ca;
  };
  CHECK(ca(old_ca) == Part::same);
  CHECK(ca(new_ca) == Part::differs);
  // The cluster's own comes first.
  CHECK(ca(more_ca) == Part::differs);
}

TEST_CASE("what Rancher has not, or nobody can read, is no proof") {
  const auto without = stored("", "");
  const auto found = compare_live(without, live({kept, old_ca, old_ca}, without));
  CHECK(found == LiveComparison{Part::differs, Part::differs});
  const auto unreadable = stored(kept, "no certificate");
  CHECK(compare_live(unreadable, live({kept, old_ca}, unreadable)).ca == Part::unknown);
  auto hidden = stored(kept, old_ca);
  hidden.has_token = Known::unknown;
  hidden.digests.token.clear();
  CHECK(compare_live(hidden, live({kept, old_ca}, hidden)).token == Part::unknown);
  // The agents of Rancher up to 2.5.7 report a projected token, which is in no Secret.
  const auto projected = stored(test::jwt_of("projected"), old_ca);
  CHECK(compare_live(projected, live({kept, old_ca, old_ca}, projected)) ==
        LiveComparison{Part::unknown, Part::same});
}

TEST_CASE("a bundle of many certificates is not compared") {
  std::string many;
  for (std::size_t i = 0; i <= most_compared; ++i) many += test::make_certificate();
  const auto cluster = stored(kept, old_ca);
  CHECK(compare_live(cluster, live({kept, many, many}, cluster)).ca == Part::unknown);
  const auto bundled = stored(kept, many);
  CHECK(compare_live(bundled, live({kept, many, many}, bundled)).ca == Part::unknown);
  CHECK(bundled.ca == ListedCluster::Ca::known);
}

TEST_CASE("objects of wrong types say nothing") {
  const auto cluster = stored(kept, old_ca);
  for (const auto* text :
       {"7", R"({"items": [7, null, {"kind": "Secret"}]})",
        R"({"items": [{"kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"},
            "data": {"ca.crt": 5}, "digest": {"ca": ["00"]}}]})"}) {
    CAPTURE(text);
    auto list = json::parse(text);
    if (auto* object = list.if_object()) {
      for (auto& item : object->at("items").as_array()) live_trim()(item);
    }
    const auto found = compare_live(cluster, live_digests(list, cluster));
    CHECK(found.ca == Part::unknown);
    // The Secret that the token names is not there.
    CHECK(found.token == Part::differs);
  }
}

TEST_CASE("one certain difference makes the result") {
  using enum Live::Result;
  CHECK(result_of({Part::same, Part::same}) == same);
  CHECK(result_of({Part::differs, Part::unknown}) == differs);
  CHECK(result_of({Part::unknown, Part::same}) == unclear);
  CHECK(differing_parts({Part::differs, Part::differs}) == std::vector<std::string>{"token", "CA"});
  CHECK(unclear_parts({Part::same, Part::unknown}) == std::vector<std::string>{"CA"});
}

}  // namespace
}  // namespace retrust
