// A Rancher with many clusters, as the sandbox plays them.
#include <map>
#include <set>

#include <doctest/doctest.h>

#include "sandbox.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;

/// The clusters resources that are nothing but records, by display name.
std::map<std::string, json::value> records(Sandbox& sandbox) {
  std::map<std::string, json::value> found;
  const auto list = sandbox.get("local", {"clusters.management.cattle.io"});
  for (const auto& item : list.at("items").as_array()) {
    const auto name = text(item, "/spec/displayName");
    if (name.starts_with("prod-")) found[name] = item;
  }
  return found;
}

/// A condition as "STATUS REASON MESSAGE".
std::string condition(const json::value& cluster, const std::string& type) {
  for (const auto& each : cluster.at_pointer("/status/conditions").as_array()) {
    if (text(each, "/type") != type) continue;
    return text(each, "/status") + " " + text(each, "/reason") + " " + text(each, "/message");
  }
  return "";
}

TEST_CASE("records of clusters show every state, in the manner of their Rancher") {
  struct Case {
    std::string rancher;
    std::string check;  ///< what its health check asks for
    bool connected;     ///< tells whether an agent is connected
    bool secret;        ///< keeps tokens in Secrets
    bool expires;       ///< ends registration tokens
  };
  for (const auto& each : {Case{"2.4", "namespaces/kube-system", false, false, false},
                           Case{"2.12", "namespaces/kube-system", true, true, false},
                           Case{"2.15", "readyz", true, true, true}}) {
    CAPTURE(each.rancher);
    Sandbox sandbox({"--rancher", each.rancher, "--records", "20", "--scenario", "healthy"});
    const auto found = records(sandbox);
    REQUIRE(found.size() == 20);
    CHECK(condition(found.at("prod-0001"), "Ready") == "True  ");
    const auto x509 = condition(found.at("prod-0002"), "Ready");
    CHECK(has(x509, "x509: certificate signed by unknown authority"));
    CHECK(has(x509, each.check));
    const auto unauthorized = condition(found.at("prod-0004"), "Ready");
    CHECK(has(unauthorized, each.check == "readyz" ? "asked for the client to provide credentials"
                                                   : ": Unauthorized"));
    const auto disconnected = found.at("prod-0006");
    if (each.connected) {
      CHECK(condition(disconnected, "Connected") == "False  ");
      CHECK(has(condition(disconnected, "Ready"), "Cluster agent is not connected"));
    } else {
      CHECK(condition(disconnected, "Connected").empty());
      CHECK(has(condition(disconnected, "Ready"), "agent to connect"));
    }
    const auto waiting = found.at("prod-0010");
    CHECK(condition(waiting, "Ready").empty());
    CHECK(has(condition(waiting, "Waiting"), "Waiting for API to be available"));
    CHECK(text(waiting, "/status/caCert").empty());
    CHECK(text(waiting, "/status/driver").empty());

    std::set<std::string> drivers;
    std::set<std::string> cas;
    for (const auto& [name, cluster] : found) {
      CAPTURE(name);
      drivers.insert(text(cluster, "/status/driver"));
      cas.insert(text(cluster, "/status/caCert"));
      const auto id = text(cluster, "/metadata/name");
      const auto plain = text(cluster, "/status/serviceAccountToken");
      const auto secret = text(cluster, "/status/serviceAccountTokenSecret");
      CHECK((each.secret ? plain : secret).empty());
      const auto tokens =
          sandbox.get("local", {"clusterregistrationtokens.management.cattle.io", "-n", id});
      REQUIRE_FALSE(tokens.at("items").as_array().empty());
      CHECK(text(tokens, "/items/0/status/expiresAt").empty() != each.expires);
    }
    CHECK(drivers.size() >= 7);
    CHECK(cas.size() == 6);  // five, and none
    // What nobody acts on stays as it is.
    CHECK(sandbox.retrust({"status"}).status == 0);
    for (const auto& [name, cluster] : records(sandbox)) {
      CHECK(text(cluster, "/metadata/resourceVersion") ==
            text(found.at(name), "/metadata/resourceVersion"));
    }
  }
}

TEST_CASE("the same number of records is of the same clusters") {
  const auto ids = [] {
    Sandbox sandbox({"--rancher", "2.12", "--records", "40"});
    std::map<std::string, std::string> ids;
    for (const auto& [name, cluster] : records(sandbox)) {
      ids[name] = text(cluster, "/metadata/name");
    }
    return ids;
  };
  const auto first = ids();
  CHECK(first.size() == 40);
  CHECK(first == ids());
}

}  // namespace
}  // namespace retrust::e2e
