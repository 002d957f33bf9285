// Clusters as `list` shows them: from Rancher's records to rows in their order.
#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/width.h"
#include "certificates.h"
#include "observe/listed_cluster.h"
#include "observe/parse.h"
#include "report/cluster_table.h"
#include "secrets.h"

namespace retrust {
namespace {

namespace json = boost::json;
using std::chrono::days;
using std::chrono::hours;
using Texts = std::vector<std::string>;

const ListLimits limits{parse_time("2026-11-26T03:00:00Z"), 60};

json::object condition(const std::string& type, const std::string& status,
                       const std::string& message = {}, const std::string& reason = {}) {
  return {{"type", type}, {"status", status}, {"message", message}, {"reason", reason}};
}

/// A clusters resource as the local cluster sends it.
json::value resource(const std::string& id, json::array conditions, const std::string& ca_pem = {},
                     const std::string& secret = "cluster-serviceaccounttoken-h7k2x") {
  json::object status{{"driver", "imported"},
                      {"apiEndpoint", "https://10.43.0.1:443"},
                      {"serviceAccountToken", secret.empty() ? test::jwt_of("stored") : ""},
                      {"serviceAccountTokenSecret", secret},
                      {"version", {{"gitVersion", "v1.30.14"}}},
                      {"conditions", std::move(conditions)}};
  if (!ca_pem.empty()) status["caCert"] = base64_encode(ca_pem);
  return json::object{{"kind", "Cluster"},
                      {"metadata", {{"name", id}, {"annotations", {{"applied", "much"}}}}},
                      {"spec", {{"displayName", "production"}}},
                      {"status", std::move(status)}};
}

json::value list_of(json::array items) {
  return json::object{{"items", std::move(items)}};
}

json::value version(const std::string& text) {
  return list_of({json::object{
      {"kind", "Setting"}, {"metadata", {{"name", "server-version"}}}, {"value", text}}});
}

json::value credential(const std::string& name, const std::string& token,
                       Digests digests = Digests::leave) {
  json::value secret = json::object{{"kind", "Secret"},
                                    {"metadata", {{"name", name}}},
                                    {"data", {{"credential", base64_encode(token)}}}};
  credential_trim(digests)(secret);
  return secret;
}

/// The one cluster of an answer, where nothing else can be read.
ListedCluster listed(json::value cluster, const std::string& rancher = "v2.12.3") {
  listed_cluster_trim()(cluster);
  const auto clusters = list_of({std::move(cluster)});
  const auto told = version(rancher);
  auto all = listed_clusters({&clusters, &told});
  REQUIRE(all.size() == 1);
  return std::move(all.front());
}

ListedCluster with(const json::array& conditions) {
  return listed(resource("c-x7k2p", conditions));
}

const std::string& a_certificate() {
  static const auto pem = test::make_certificate();
  return pem;
}

TEST_CASE("Rancher's state in one word, by its conditions") {
  const std::string begin =
      "cluster health check failed: Failed to communicate with API server "
      "during namespace check: ";
  struct Row {
    json::array conditions;
    std::string word;
  };
  const std::vector<Row> rows{
      {{condition("Ready", "True")}, "ok"},
      {{condition("Connected", "True"), condition("Ready", "True")}, "ok"},
      {{condition("Ready", "False",
                  begin + "Get \"https://10.43.0.1:443/api\": x509: certificate "
                          "signed by unknown authority")},
       "x509"},
      {{condition("Ready", "False", begin + "tls: failed to verify certificate: x509: …")}, "x509"},
      {{condition("Ready", "False", begin + "Unauthorized")}, "unauthorized"},
      {{condition("Ready", "False",
                  begin + "the server has asked for the client to provide credentials")},
       "unauthorized"},
      {{condition("Ready", "False", "Cluster agent is not connected", "Disconnected")},
       "disconnected"},
      // What Rancher said before the tunnel broke counts no more.
      {{condition("Connected", "False"), condition("Ready", "False", begin + "x509: …")},
       "disconnected"},
      {{condition("Connected", "False")}, "disconnected"},
      {{condition("Ready", "False", begin + "cluster agent disconnected")}, "disconnected"},
      {{condition("Ready", "False", begin + "waiting for cluster [c-x7k2p] agent to connect")},
       "disconnected"},
      {{condition("Ready", "False")}, "other"},
      {{condition("Ready", "Unknown")}, "other"},
      {{condition("Ready", "False", begin + "context deadline exceeded")}, "other"},
      {{}, "other"},
      // Rancher's own user there has a rejected token.
      {{condition("Ready", "True"), condition("AgentDeployed", "False", "Unauthorized")},
       "unauthorized"},
      {{condition("Ready", "True"), condition("AgentDeployed", "Unknown")}, "ok"},
      // The word stands behind all that was applied before.
      {{condition("Ready", "True"),
        condition("AgentDeployed", "False", std::string(2000, ' ') + "Unauthorized")},
       "unauthorized"},
      // The last one of a type counts.
      {{condition("Ready", "False", "x509: …"), condition("Ready", "True")}, "ok"},
  };
  for (const auto& row : rows) {
    CAPTURE(json::serialize(row.conditions));
    CHECK(word_of(with(row.conditions).state) == row.word);
  }
}

TEST_CASE("a trimmed record is small, and holds neither token nor CA") {
  auto record = resource("c-x7k2p", {condition("Ready", "False", std::string(1U << 20U, 'x'))},
                         a_certificate(), "");
  auto& object = record.as_object();
  object["metadata"].as_object()["annotations"] = std::string(1U << 20U, 'y');
  object["spec"].as_object()["displayName"] = std::string(1U << 20U, 'z');
  auto& conditions = object["status"].as_object()["conditions"].as_array();
  for (int i = 0; i < 1000; ++i) conditions.push_back(condition("Ready", "False", "again"));
  SUBCASE("alone") {
    listed_cluster_trim()(record);
  }
  SUBCASE("with digests") {
    listed_cluster_trim(Digests::keep)(record);
  }
  const auto text = json::serialize(record);
  CHECK(text.size() < 4096);
  CHECK(text.find(test::jwt_of("stored")) == std::string::npos);
  CHECK(text.find(base64_encode(a_certificate()).substr(0, 40)) == std::string::npos);
  CHECK(text.find("again") != std::string::npos);

  auto secret = credential("cluster-serviceaccounttoken-h7k2x", test::jwt_of("stored"));
  CHECK(json::serialize(secret).find(base64_encode(test::jwt_of("stored"))) == std::string::npos);
  json::value registration = json::object{
      {"kind", "ClusterRegistrationToken"},
      {"metadata", {{"name", "system"}, {"namespace", "c-x7k2p"}}},
      {"status", {{"token", "a-secret-token"}, {"expiresAt", "2026-12-26T00:00:00Z"}}}};
  registration_trim()(registration);
  CHECK(json::serialize(registration).find("a-secret-token") == std::string::npos);
  CHECK(text_at(registration, "/ends") == "2026-12-26T00:00:00Z");
}

TEST_CASE("a record of wrong types is a cluster of which little is known") {
  const auto record = json::parse(R"({"kind": "Cluster", "metadata": {"name": "c-x7k2p",
      "deletionTimestamp": 7}, "spec": ["x"], "digest": {"ca": true, "caEnds": 99, "token": true},
      "status": {"driver": {}, "caCert": 5, "serviceAccountToken": [], "apiEndpoint": null,
                 "version": 3, "conditions": [1, "x", {"type": 2}, {"type": "Ready"}]}})");
  const auto cluster = listed(record);
  CHECK(cluster.id == "c-x7k2p");
  CHECK(cluster.state == RancherState::other);
  CHECK(cluster.ca == ListedCluster::Ca::none);
  CHECK_FALSE(cluster.ca_ends);
  CHECK_FALSE(cluster.deletion);
  CHECK(cluster.missing == std::vector<std::string_view>{"CA", "address", "token"});
  // An object without a name, and one whose name could be an option.
  for (const auto* metadata : {"{}", R"({"name": 5})", R"({"name": "--all"})"}) {
    CAPTURE(metadata);
    auto nameless = record;
    nameless.as_object()["metadata"] = json::parse(metadata);
    CHECK_THROWS_AS(listed(nameless), Failure);
  }
}

TEST_CASE("the end of the stored CA is that of its first certificate to end") {
  const auto later = test::make_certificate({.not_after = "20360108080000Z"});
  const auto sooner = test::make_certificate({.not_after = "20261203030000Z"});
  const auto bundle = listed(resource("c-x7k2p", {condition("Ready", "True")}, later + sooner));
  CHECK(bundle.ca_ends == parse_time("2026-12-03T03:00:00Z"));
  CHECK(days_left(*bundle.ca_ends, limits.now) == 7);
  CHECK(days_left(limits.now - hours{1}, limits.now) == -1);
  const auto none = listed(resource("c-x7k2p", {condition("Ready", "True")}));
  CHECK(none.ca == ListedCluster::Ca::none);
  const auto broken = listed(resource("c-x7k2p", {condition("Ready", "True")}, "no certificate"));
  CHECK(broken.ca == ListedCluster::Ca::unreadable);
  CHECK(attention(broken, limits).front() == "the stored CA cannot be read");
}

TEST_CASE("where the token is, and what the record lacks") {
  using Place = ListedCluster::TokenPlace;
  const std::string secret = "cluster-serviceaccounttoken-h7k2x";
  struct Row {
    std::string rancher;
    std::string named;             ///< Secret; empty: the token is in the record
    std::optional<Texts> secrets;  ///< that are there; nothing: they cannot be read
    Place place;
    Known complete;
  };
  const std::vector<Row> rows{
      {"v2.12.3", secret, Texts{secret}, Place::secret, Known::yes},
      {"v2.12.3", secret, Texts{"another"}, Place::secret, Known::no},
      {"v2.12.3", secret, std::nullopt, Place::secret, Known::unknown},
      {"v2.6.6", "", std::nullopt, Place::record, Known::yes},
      // A Rancher that reads Secrets does not read the record.
      {"v2.12.3", "", Texts{}, Place::record, Known::no},
      {"dev", "", Texts{}, Place::record, Known::yes},
      {"dev", secret, Texts{secret}, Place::secret, Known::yes},
      // A Rancher that was rolled back does not read the Secret.
      {"v2.6.6", secret, Texts{secret}, Place::none, Known::no},
  };
  for (const auto& row : rows) {
    CAPTURE(row.rancher);
    CAPTURE(row.named);
    auto record = resource("c-x7k2p", {condition("Ready", "True")}, a_certificate(), row.named);
    listed_cluster_trim()(record);
    const auto clusters = list_of({record});
    const auto told = version(row.rancher);
    json::array held;
    for (const auto& name : row.secrets.value_or(Texts{})) {
      held.push_back(credential(name, test::jwt_of("stored")));
    }
    const auto secrets = list_of(held);
    const auto all = listed_clusters({&clusters, &told, row.secrets ? &secrets : nullptr});
    REQUIRE(all.size() == 1);
    CHECK(all.front().token_place == row.place);
    CHECK(all.front().complete() == row.complete);
  }
}

TEST_CASE("an empty Secret holds no token") {
  const std::string name = "cluster-serviceaccounttoken-h7k2x";
  auto record = resource("c-x7k2p", {condition("Ready", "True")}, a_certificate(), name);
  listed_cluster_trim()(record);
  const auto clusters = list_of({record});
  const auto secrets = list_of({credential(name, "")});
  const auto all = listed_clusters({&clusters, nullptr, &secrets});
  CHECK(all.front().missing == std::vector<std::string_view>{"token"});
}

TEST_CASE("digests are those of the place that Rancher reads") {
  const std::string name = "cluster-serviceaccounttoken-h7k2x";
  auto record = resource("c-x7k2p", {}, a_certificate(), name);
  record.at("status").as_object()["serviceAccountToken"] = test::jwt_of("old place");
  listed_cluster_trim(Digests::keep)(record);
  const auto clusters = list_of({record});
  const auto secrets = list_of({credential(name, test::jwt_of("stored"), Digests::keep)});
  const auto newer = version("v2.12.3");
  const auto older = version("v2.6.6");
  const auto digest = [&](const json::value& rancher) {
    return listed_clusters({&clusters, &rancher, &secrets}).front().digests.token;
  };
  CHECK(digest(newer) == sha256_hex(test::jwt_of("stored")));
  CHECK(digest(older) == sha256_hex(test::jwt_of("old place")));
  CHECK(listed_clusters({&clusters, &newer, &secrets}).front().digests.ca.size() == 1);
  // Nothing is kept where nothing is compared.
  CHECK(listed(resource("c-x7k2p", {}, a_certificate(), ""), "v2.6.6").digests.token.empty());
}

TEST_CASE("the end of the registration token belongs to the cluster of its namespace") {
  using Registration = ListedCluster::Registration;
  json::array records;
  for (const auto* id : {"c-limited", "c-unlimited", "c-none"}) {
    auto record = resource(id, {condition("Ready", "True")});
    listed_cluster_trim()(record);
    records.push_back(std::move(record));
  }
  const auto clusters = list_of(records);
  const auto token = [](const std::string& id, json::value end) {
    json::value made = json::object{{"kind", "ClusterRegistrationToken"},
                                    {"metadata", {{"name", "system"}, {"namespace", id}}},
                                    {"status", {{"expiresAt", std::move(end)}}}};
    registration_trim()(made);
    return made;
  };
  const auto tokens = list_of({token("c-limited", "2026-12-26T00:00:00Z"),
                               token("c-unlimited", "soon"), token("c-elsewhere", 4)});
  const auto all = listed_clusters({&clusters, nullptr, nullptr, &tokens});
  REQUIRE(all.size() == 3);
  CHECK(all[0].registration == Registration::limited);
  CHECK(all[0].registration_ends == parse_time("2026-12-26T00:00:00Z"));
  CHECK(all[1].registration == Registration::unlimited);
  CHECK(all[2].registration == Registration::none);
  CHECK(listed_clusters({&clusters}).front().registration == Registration::unknown);
}

/// A healthy cluster whose stored CA ends in that time.
ListedCluster healthy(const std::string& name, std::chrono::seconds left = days{1000}) {
  ListedCluster cluster;
  cluster.id = "c-" + name;
  cluster.display_name = name;
  cluster.driver = "imported";
  cluster.state = RancherState::ok;
  cluster.ca = ListedCluster::Ca::known;
  cluster.ca_ends = limits.now + left;
  cluster.token_place = ListedCluster::TokenPlace::record;
  cluster.has_token = Known::yes;
  return cluster;
}

ListedCluster in_state(const std::string& name, RancherState state,
                       std::chrono::seconds left = days{1000}) {
  auto cluster = healthy(name, left);
  cluster.state = state;
  return cluster;
}

/// The same cluster with an answer of its own.
ListedCluster with_live(ListedCluster cluster, Live::Result result,
                        LiveComparison comparison = {}) {
  Live live;
  live.result = result;
  live.comparison = comparison;
  live.kubeconfig = "prod.yaml";
  live.context = "prod";
  cluster.live = live;
  return cluster;
}

constexpr LiveComparison other_ca{LiveComparison::Part::same, LiveComparison::Part::differs};
constexpr LiveComparison all_other{LiveComparison::Part::differs, LiveComparison::Part::differs};
constexpr LiveComparison unclear_ca{LiveComparison::Part::same, LiveComparison::Part::unknown};

TEST_CASE("live credentials that are not the stored ones are as urgent as x509") {
  using enum Live::Result;
  std::vector<ListedCluster> clusters{with_live(healthy("a-same"), same),
                                      with_live(healthy("b-unclear"), unclear, unclear_ca),
                                      with_live(healthy("c-away"), no_answer),
                                      with_live(healthy("d-renewed", days{500}), differs, other_ca),
                                      in_state("ended", RancherState::other, -days{1}),
                                      in_state("broken", RancherState::x509)};
  sort_by_urgency(clusters, limits);
  Texts names;
  for (const auto& cluster : clusters) names.push_back(cluster.display_name);
  CHECK(names == Texts{"d-renewed", "broken", "ended", "a-same", "b-unclear", "c-away"});
  const auto reasons = [](const ListedCluster& cluster) { return attention(cluster, limits); };
  CHECK(reasons(clusters[0]) == Texts{"the live CA differs from what Rancher has stored"});
  CHECK(reasons(with_live(healthy("x"), differs, all_other)) ==
        Texts{"the live token and CA differ from what Rancher has stored"});
  for (const auto i : {3, 4, 5}) CHECK(reasons(clusters[i]).empty());
  auto gone = with_live(healthy("x"), differs, all_other);
  gone.deletion = limits.now;
  CHECK(reasons(gone).empty());
}

TEST_CASE("the most urgent cluster comes first") {
  auto own = in_state("local", RancherState::other);
  own.id = "local";
  auto gone = in_state("gone", RancherState::x509, -days{9});
  gone.deletion = limits.now - days{1};
  auto lacking = healthy("lacking");
  lacking.missing = {"token"};
  auto rotated = in_state("rotated", RancherState::x509);
  rotated.registration_ends = limits.now + days{3};
  std::vector<ListedCluster> clusters{own,
                                      gone,
                                      healthy("b-fine"),
                                      healthy("a-fine"),
                                      healthy("soon", days{59}),
                                      healthy("sooner", days{9}),
                                      lacking,
                                      in_state("away", RancherState::disconnected),
                                      in_state("stuck", RancherState::other, days{20}),
                                      healthy("ended", -hours{1}),
                                      in_state("denied", RancherState::unauthorized, days{2}),
                                      in_state("broken", RancherState::x509, days{1}),
                                      rotated};
  sort_by_urgency(clusters, limits);
  Texts names;
  for (const auto& cluster : clusters) names.push_back(cluster.display_name);
  CHECK(names == Texts{"rotated", "broken", "denied", "ended", "stuck", "away", "lacking", "sooner",
                       "soon", "a-fine", "b-fine", "gone", "local"});
}

TEST_CASE("what needs attention, and what does not") {
  const auto reasons = [](const ListedCluster& cluster, int warn_days = 60) {
    return attention(cluster, {limits.now, warn_days});
  };
  CHECK(reasons(healthy("fine")).empty());
  CHECK(reasons(healthy("day60", days{60})).empty());
  CHECK(reasons(healthy("day59", days{60} - hours{1})) == Texts{"the stored CA ends in 59 days"});
  CHECK(reasons(healthy("day59", days{59}), 59).empty());
  CHECK(reasons(healthy("day1", hours{30})) == Texts{"the stored CA ends in 1 day"});
  CHECK(reasons(healthy("today", hours{5})) == Texts{"the stored CA ends in less than a day"});
  // 0 days: only what has ended.
  CHECK(reasons(healthy("today", hours{5}), 0).empty());
  CHECK(reasons(healthy("ended", -days{3}), 0) == Texts{"the stored CA ended 3 days ago"});
  CHECK(reasons(in_state("x", RancherState::x509)).size() == 1);
  auto lacking = in_state("x", RancherState::disconnected, days{10});
  lacking.missing = {"CA", "token"};
  CHECK(reasons(lacking) == Texts{"no agent is connected to Rancher",
                                  "the stored CA ends in 10 days",
                                  "the record has no CA and token"});
  auto gone = lacking;
  gone.deletion = limits.now;
  CHECK(reasons(gone).empty());
  auto own = lacking;
  own.id = "local";
  CHECK(reasons(own).empty());
  // Whoever may not read Secrets does not know that one is gone.
  auto unread = healthy("fine");
  unread.has_token = Known::unknown;
  CHECK(reasons(unread).empty());
  CHECK(need_attention({healthy("fine"), lacking}, limits));
  CHECK_FALSE(need_attention({healthy("fine"), gone, own}, limits));
}

Texts texts(const std::vector<TableLine>& lines) {
  Texts all;
  for (const auto& line : lines) all.push_back(line.text);
  return all;
}

TEST_CASE("the table fits into 80 columns, and is one line for each cluster") {
  auto broken = in_state("production12", RancherState::unauthorized, -hours{5});
  broken.id = "c-m-n67rpfln";
  broken.driver = "imported";
  auto far = healthy("b", days{9999});
  far.missing = {"token"};
  auto own = healthy("local");
  own.id = "local";
  auto gone = healthy("gone", hours{7});
  gone.deletion = limits.now;
  const auto lines = cluster_table({broken, far, gone, own}, Columns::usual, limits);
  CHECK(texts(lines) ==
        Texts{"ID            NAME          STATE         CA-ENDS     LEFT   COMPLETE  DRIVER",
              "c-m-n67rpfln  production12  unauthorized  2026-11-25  -5h    yes       imported",
              "c-b           b             ok            2054-04-12  9999d  no        imported",
              "c-gone        gone          ok,deleting   2026-11-26  7h     yes       imported",
              "local         local         ok,own        -           -      -         imported"});
  for (const auto& line : lines) CHECK(width_of(line.text) <= 80);
  using Kind = TableLine::Kind;
  CHECK(lines[0].kind == Kind::header);
  CHECK(lines[1].kind == Kind::bad);
  CHECK(lines[2].kind == Kind::warning);
  CHECK(lines[3].kind == Kind::faint);
  CHECK(lines[4].kind == Kind::faint);
  CHECK(cluster_table({}, Columns::usual, limits).empty());
}

TEST_CASE("with kubeconfigs the table has one more column, the last one") {
  using enum Live::Result;
  const std::vector<ListedCluster> clusters{with_live(healthy("all"), differs, all_other),
                                            with_live(healthy("ca"), differs, other_ca),
                                            with_live(healthy("hm"), unclear, unclear_ca),
                                            with_live(healthy("away"), no_answer),
                                            with_live(healthy("fine"), same),
                                            healthy("none")};
  constexpr auto asked = ClusterList::Asked::downstream_too;
  for (const auto columns : {Columns::usual, Columns::wide}) {
    const auto lines = cluster_table(clusters, columns, limits, asked);
    REQUIRE(lines.size() == 7);
    Texts ends;
    const auto begin = lines[0].text.find("LIVE");
    for (const auto& line : lines) ends.push_back(line.text.substr(begin));
    CHECK(ends == Texts{"LIVE", "differs: token, CA", "differs: CA", "unclear: CA", "no answer",
                        "same", "-"});
    CHECK(lines[1].kind == TableLine::Kind::bad);
    CHECK(lines[3].kind == TableLine::Kind::plain);
    // Without kubeconfigs there is no such column.
    CHECK(cluster_table(clusters, columns, limits)[0].text.find("LIVE") == std::string::npos);
  }
}

TEST_CASE("the wide table has where the token is, and what is missing") {
  auto cluster = healthy("production");
  cluster.kubernetes_version = "v1.30.14";
  cluster.token_place = ListedCluster::TokenPlace::secret;
  cluster.token_secret = "cluster-serviceaccounttoken-h7k2x";
  cluster.missing = {"CA", "token"};
  cluster.registration = ListedCluster::Registration::limited;
  cluster.registration_ends = limits.now + days{30};
  const auto lines = cluster_table({cluster}, Columns::wide, limits);
  CHECK(lines.at(0).text.ends_with(
      "KUBERNETES  REGISTRATION-ENDS  TOKEN                                     MISSING"));
  CHECK(lines.at(1).text.ends_with(
      "v1.30.14    2026-12-26         secret/cluster-serviceaccounttoken-h7k2x  CA,token"));
}

TEST_CASE("a name of wide characters keeps the columns, and one of controls stays on its line") {
  auto wide = healthy("x");
  wide.display_name = "生产集群";
  auto evil = healthy("y");
  evil.display_name = "a\nb\x1b[31m";
  const auto lines = texts(cluster_table({wide, evil}, Columns::usual, limits));
  REQUIRE(lines.size() == 3);
  const auto column = [](const std::string& line, const std::string& word) {
    return width_of(line.substr(0, line.find(word)));
  };
  CHECK(column(lines[0], "STATE") == column(lines[1], "ok"));
  CHECK(column(lines[0], "STATE") == column(lines[2], "ok"));
  for (const auto& line : lines) CHECK(line.find_first_of("\n\x1b") == std::string::npos);
}

TEST_CASE("names are for other commands, which do not take Rancher's own cluster") {
  auto own = healthy("local");
  own.id = "local";
  CHECK(cluster_names({healthy("b"), own}) == Texts{"clusters.management.cattle.io/c-b"});
}

TEST_CASE("the report in JSON") {
  auto cluster = in_state("production", RancherState::x509, -days{3});
  cluster.ready = {"False", "Error", "x509: …"};
  cluster.has_token = Known::unknown;
  ClusterList list{{cluster}, "v2.12.3", {"something is unknown"}};
  list.clusters.push_back(with_live(healthy("fine"), Live::Result::no_answer));
  list.clusters.back().live->trouble = "the server is away";
  list.unused = {{"old.yaml", "old", "leads nowhere"}};
  const auto whole = list_report(list, limits);
  const json::value report(whole);
  CHECK(report.at_pointer("/needsAttention").as_bool());
  CHECK(text_at(report, "/clusters/0/state") == "x509");
  CHECK(text_at(report, "/clusters/0/stored/caEnds") == "2026-11-23T03:00:00Z");
  CHECK(report.at_pointer("/clusters/0/stored/caDaysLeft").as_int64() == -3);
  CHECK(report.at_pointer("/clusters/0/stored/complete").is_null());
  CHECK(text_at(report, "/clusters/0/attention/1") == "the stored CA ended 3 days ago");
  CHECK(text_at(report, "/unread/0") == "something is unknown");
  CHECK(report.at_pointer("/clusters/0/live").is_null());
  CHECK(text_at(report, "/clusters/1/live/result") == "no-answer");
  CHECK(text_at(report, "/clusters/1/live/ca") == "unknown");
  CHECK(text_at(report, "/clusters/1/live/kubeconfig") == "prod.yaml");
  CHECK(text_at(report, "/clusters/1/live/context") == "prod");
  CHECK(text_at(report, "/clusters/1/live/trouble") == "the server is away");
  CHECK(text_at(report, "/unusedContexts/0/reason") == "leads nowhere");
  const json::value empty(list_report({}, limits));
  CHECK_FALSE(empty.at_pointer("/needsAttention").as_bool());
  CHECK(empty.at_pointer("/clusters").as_array().empty());
}

}  // namespace
}  // namespace retrust
