// A Rancher with many clusters, as the sandbox plays them.
#include <algorithm>
#include <map>
#include <set>

#include <boost/json/parse.hpp>
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
    std::map<std::string, std::string> by_name;
    for (const auto& [name, cluster] : records(sandbox)) {
      by_name[name] = text(cluster, "/metadata/name");
    }
    return by_name;
  };
  const auto first = ids();
  CHECK(first.size() == 40);
  CHECK(first == ids());
}

/// Of eight clusters, in the order of the states.
const std::vector<std::string> names{"production", "store-002", "store-003", "store-004",
                                     "store-005",  "store-006", "store-007", "store-008"};
const std::string& ca_only = names[1];
const std::string& healthy = names[2];
const std::string& silent = names[3];
const std::string& wrong_kubeconfig = names[4];
const std::string& unreachable = names[5];
const std::string& hosted = names[6];
const std::string& elsewhere = names[7];

std::string kubeconfig(Sandbox& sandbox, const std::string& name) {
  return sandbox.file("kubeconfigs/" + name + ".yaml");
}

Result kubectl(Sandbox& sandbox, const std::string& name, std::vector<std::string> args) {
  // The last one counts.
  args.insert(args.begin(), "--kubeconfig=" + kubeconfig(sandbox, name));
  return sandbox.kubectl("local", args);
}

/// What tells a cluster from others; empty where it does not answer.
std::string uid(Sandbox& sandbox, const std::string& name) {
  const auto asked = kubectl(sandbox, name, {"get", "namespace", "kube-system", "-o", "json"});
  return asked.status == 0 ? text(json::parse(asked.out), "/metadata/uid") : "";
}

/// The clusters resource with that display name.
json::value record(Sandbox& sandbox, const std::string& name) {
  const auto list = sandbox.get("local", {"clusters.management.cattle.io"});
  for (const auto& item : list.at("items").as_array()) {
    if (text(item, "/spec/displayName") == name) return item;
  }
  return {};
}

std::string ready(Sandbox& sandbox, const std::string& name) {
  return condition(record(sandbox, name), "Ready");
}

/// What Rancher has stored of it.
std::string stored(Sandbox& sandbox, const std::string& name) {
  const auto cluster = record(sandbox, name);
  return text(cluster, "/status/caCert") + " " + text(cluster, "/status/serviceAccountToken") +
         " " + text(cluster, "/status/serviceAccountTokenSecret");
}

Result retrust(Sandbox& sandbox, const std::string& name, std::vector<std::string> args) {
  return sandbox.retrust(
      {.args = std::move(args), .cluster = name, .kubeconfig = kubeconfig(sandbox, name)});
}

Result run(Sandbox& sandbox, const std::string& name, const std::string& timeout = "30s") {
  return retrust(sandbox, name, {"run", "--yes", "--no-rancher-backup", "--timeout", timeout});
}

TEST_CASE("each of many clusters has a kubeconfig, and Rancher says what is wrong with it") {
  for (const std::string rancher : {"2.4", "2.12"}) {
    CAPTURE(rancher);
    Sandbox sandbox({"--rancher", rancher, "--clusters", "8"});
    std::map<std::string, std::string> uids;
    for (const auto& name : names) {
      CAPTURE(name);
      const auto context = kubectl(sandbox, name, {"config", "current-context"});
      CHECK(context.out == name + "\n");
      uids[name] = uid(sandbox, name);
      CHECK(uids[name].empty() == (name == unreachable));
    }
    std::set<std::string> different;
    for (const auto& [name, uid] : uids) different.insert(uid);
    CHECK(different.size() == names.size());
    const auto of = [&](const std::string& file) {
      return text(sandbox.get(file, {"namespace", "kube-system"}), "/metadata/uid");
    };
    CHECK(uids[names[0]] == of("downstream"));
    CHECK(uids[wrong_kubeconfig] == of("other"));

    const auto says = [&](const std::string& name, const std::string& words) {
      wait_until(name + ": " + words, [&] { return has(ready(sandbox, name), words); });
    };
    for (const auto& name : {names[0], ca_only, silent, wrong_kubeconfig, hosted}) {
      says(name, "x509: certificate signed by unknown authority");
    }
    says(healthy, "True");
    says(unreachable, "refused");
    says(elsewhere, rancher == "2.4" ? "agent to connect" : "Cluster agent is not connected");
  }
}

TEST_CASE("one of many clusters is repaired, and the others stay as they are") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--clusters", "8"});
  for (const auto& name : {ca_only, hosted, silent}) {
    CAPTURE(name);
    std::map<std::string, std::string> before;
    for (const auto& each : names) before[each] = stored(sandbox, each);
    CHECK(retrust(sandbox, name, {"status"}).status == 3);
    const auto ran = run(sandbox, name, name == silent ? "3s" : "30s");
    CAPTURE(ran.all());
    CHECK(ran.status == 0);
    CHECK(has(ready(sandbox, name), "True"));
    CHECK(retrust(sandbox, name, {"status"}).status == 0);
    for (const auto& each : names) {
      CAPTURE(each);
      CHECK((stored(sandbox, each) == before[each]) == (each != name));
    }
  }
  CHECK(retrust(sandbox, healthy, {"status"}).status == 0);
  const auto changes = sandbox.changes().size();
  // What must not be repaired is not touched.
  const auto away = run(sandbox, unreachable);
  CAPTURE(away.all());
  CHECK(away.status != 0);
  CHECK(has(away.err, "cannot be reached"));
  const auto wrong = run(sandbox, wrong_kubeconfig);
  CAPTURE(wrong.all());
  CHECK(wrong.status == 4);
  const auto others = run(sandbox, elsewhere);
  CAPTURE(others.all());
  CHECK(others.status == 4);
  CHECK(has(others.out, "another-rancher.example.com"));
  CHECK(sandbox.changes().size() == changes);
  // And one whose agents report by themselves.
  CHECK(run(sandbox, names[0]).status == 0);
}

TEST_CASE("commands are for the cluster that they name") {
  Sandbox sandbox({"--clusters", "3", "--mix", "healthy"});
  const auto& renewed = names[1];
  const auto& restarted = names[2];
  sandbox.tell("renew " + renewed);
  wait_until("Rancher complains", [&] { return has(ready(sandbox, renewed), "x509"); });
  CHECK(has(ready(sandbox, names[0]), "True"));
  CHECK_FALSE(uid(sandbox, renewed).empty());
  CHECK(retrust(sandbox, renewed, {"status"}).status == 3);
  CHECK(retrust(sandbox, names[0], {"status"}).status == 0);
  sandbox.tell("stop " + restarted);
  CHECK(uid(sandbox, restarted).empty());
  CHECK_FALSE(uid(sandbox, names[0]).empty());
  sandbox.tell("fault agents-never-report " + renewed);
  CHECK(run(sandbox, renewed, "3s").status == 0);
  const auto events = sandbox.events();
  CHECK(std::none_of(events.begin(), events.end(),
                     [](const std::string& event) { return has(event, "rancher report"); }));
}

TEST_CASE("a mix that cannot be is refused") {
  CHECK_THROWS_WITH(Sandbox({"--mix", "healthy"}), doctest::Contains("--mix is for --clusters"));
  CHECK_THROWS_WITH(Sandbox({"--clusters", "2", "--mix", "healthy,ill"}),
                    doctest::Contains("there is no state ill"));
  CHECK_THROWS_WITH(Sandbox({"--clusters", "2", "--scenario", "healthy"}),
                    doctest::Contains("use --mix"));
}

}  // namespace
}  // namespace retrust::e2e
