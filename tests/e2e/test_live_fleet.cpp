// Several downstream clusters of one Rancher, played or each on a real control plane of its own.
#include <algorithm>
#include <map>
#include <sstream>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"
#include "secrets.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;

const std::vector<std::string> names{"production", "store-002", "store-003"};

/// The clusters resource with that display name.
json::value record(Sandbox& sandbox, const std::string& name) {
  const auto list = sandbox.get("local", {"clusters.management.cattle.io"});
  for (const auto& item : list.at("items").as_array()) {
    if (text(item, "/spec/displayName") == name) return item;
  }
  throw std::runtime_error("Rancher knows no " + name);
}

std::string id(Sandbox& sandbox, const std::string& name) {
  return text(record(sandbox, name), "/metadata/name");
}

/// What Rancher has stored of it.
std::string stored(Sandbox& sandbox, const std::string& name) {
  const auto cluster = record(sandbox, name);
  return text(cluster, "/status/caCert") + " " + text(cluster, "/status/serviceAccountToken") +
         " " + text(cluster, "/status/serviceAccountTokenSecret");
}

/// The secrets and pods of the cluster that its file leads to, with their resourceVersions.
std::string objects(Sandbox& sandbox, const std::string& name) {
  const auto file = sandbox.file("kubeconfigs/" + name + ".yaml");
  const std::string versions =
      "jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion} {end}";
  // The last --kubeconfig counts.
  return sandbox
      .kubectl("local", {"--kubeconfig=" + file, "get", "secrets,pods", "-A", "-o", versions})
      .out;
}

/// One that is given the folder with a kubeconfig of each.
Result retrust(Sandbox& sandbox, const std::string& name, std::vector<std::string> args) {
  return sandbox.retrust(
      {.args = std::move(args), .cluster = name, .kubeconfig = sandbox.file("kubeconfigs")});
}

Result run(Sandbox& sandbox, const std::string& name) {
  return retrust(sandbox, name, {"run", "--yes", "--no-rancher-backup", "--timeout", "30s"});
}

/// A run of all that the folder leads to.
Sandbox::Call all_clusters(const Sandbox& sandbox, std::vector<std::string> more) {
  std::vector<std::string> args{"run", "--all-clusters", "--yes", "--no-rancher-backup"};
  args.insert(args.end(), more.begin(), more.end());
  return {
      .args = std::move(args), .kubeconfig = sandbox.file("kubeconfigs"), .without = {"--cluster"}};
}

Result run_all(Sandbox& sandbox, const std::string& timeout = "30s") {
  return sandbox.retrust(all_clusters(sandbox, {"--timeout", timeout}));
}

/// The lines of `list` by the name of the cluster.
std::map<std::string, std::string> listed(Sandbox& sandbox) {
  const auto list = sandbox.retrust({.args = {"list"}, .without = {"--kubeconfig", "--cluster"}});
  std::map<std::string, std::string> rows;
  for (const auto& line : lines_of(list.out)) {
    std::istringstream cells(line);
    std::string name;
    cells >> name >> name;
    rows[name] = line;
  }
  return rows;
}

TEST_CASE("a cluster that does not answer hinders nobody else") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed,ca-only,healthy", "--rancher", "2.12"});
  sandbox.stop("store-002");
  const auto ran = run(sandbox, "production");
  CAPTURE(ran.all());
  CHECK(ran.status == 0);
  CHECK(retrust(sandbox, "production", {"status"}).status == 0);
  CHECK(retrust(sandbox, "store-003", {"status"}).status == 0);
  const auto changes = sandbox.changes().size();
  const auto away = run(sandbox, "store-002");
  CAPTURE(away.all());
  CHECK(away.status == 6);
  CHECK(has(unwrapped(away.err), "store-002.yaml, context store-002: "));
  CHECK(sandbox.changes().size() == changes);
}

TEST_SUITE_BEGIN("anywhere");

TEST_CASE("of three renewed clusters one is repaired, then the two others by one run") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed"});
  const auto before = listed(sandbox);
  for (const auto& name : names) {
    CAPTURE(name);
    REQUIRE(before.contains(name));
    CHECK(has(before.at(name), "x509"));
    const auto status = retrust(sandbox, name, {"status"});
    CAPTURE(status.all());
    CHECK(status.status == 3);
    CHECK(has(unwrapped(status.all()), sandbox.file("kubeconfigs") + "/" + name +
                                           ".yaml, context " + name + " leads to " + name + " (" +
                                           id(sandbox, name) + ")"));
  }
  std::map<std::string, std::string> records;
  std::map<std::string, std::string> contents;
  for (const auto& name : names) {
    records[name] = stored(sandbox, name);
    contents[name] = objects(sandbox, name);
    REQUIRE_FALSE(contents[name].empty());
  }
  const auto ran = run(sandbox, "store-002");
  CAPTURE(ran.all());
  REQUIRE(ran.status == 0);
  for (const auto& name : names) {
    CAPTURE(name);
    const auto repaired = name == "store-002";
    CHECK((stored(sandbox, name) != records[name]) == repaired);
    CHECK((objects(sandbox, name) != contents[name]) == repaired);
    CHECK(retrust(sandbox, name, {"status"}).status == (repaired ? 0 : 3));
  }
  for (const auto& change : sandbox.changes()) {
    CAPTURE(change);
    CHECK((change.starts_with("store-002 ") || change.starts_with("local ")));
  }
  const auto after = listed(sandbox);
  CHECK_FALSE(has(after.at("store-002"), "x509"));
  for (const auto* name : {"production", "store-003"}) CHECK(has(after.at(name), "x509"));

  const auto rest = run_all(sandbox);
  CAPTURE(rest.all());
  CHECK(rest.status == 0);
  CHECK(has(rest.out, "2 repaired, 1 nothing needed"));
  for (const auto& name : names) {
    CAPTURE(name);
    CHECK(retrust(sandbox, name, {"status"}).status == 0);
  }
  const auto changes = sandbox.changes();
  const auto again = run_all(sandbox);
  CAPTURE(again.all());
  CHECK(again.status == 0);
  CHECK(has(again.out, "3 nothing needed"));
  CHECK(sandbox.changes() == changes);
  check_hidden(secrets(sandbox), "output", ran.all() + rest.all());
}

TEST_CASE("an API server that ends during a run takes no other cluster with it") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed"});
  // Its repair waits for a report, so that there is time.
  sandbox.tell("fault agents-never-report store-002");
  const auto child = sandbox.start(all_clusters(sandbox, {"--timeout", "15s"}));
  wait_until("the repair of store-002 has begun", [&] {
    const auto changes = sandbox.changes();
    return std::any_of(changes.begin(), changes.end(), [](const std::string& change) {
      return change.starts_with("store-002 delete secrets");
    });
  });
  sandbox.stop("store-002");
  const auto status = child->wait();
  CAPTURE(child->out());
  CAPTURE(child->err());
  // It failed in a step, or in a wait.
  CHECK((status == 1 || status == 5));
  CHECK(has(child->out(), "2 repaired"));
  CHECK(has(child->out(), "- store-002: what was changed stays"));
  for (const std::string name : {"production", "store-003"}) {
    CAPTURE(name);
    CHECK(retrust(sandbox, name, {"status"}).status == 0);
  }
  sandbox.restart("store-002");
  wait_until("store-002 is back", [&] { return !objects(sandbox, "store-002").empty(); });
  const auto again = run_all(sandbox, "15s");
  CAPTURE(again.all());
  CHECK(again.status == 0);
  CHECK(has(again.out, "1 repaired"));
  CHECK(has(again.out, "2 nothing needed"));
  CHECK(retrust(sandbox, "store-002", {"status"}).status == 0);
}

TEST_SUITE_END();

}  // namespace
}  // namespace retrust::e2e
