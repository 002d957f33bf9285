// A cluster hands out more CA certificates than Rancher has stored, and Rancher's still do.
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "base/encoding.h"
#include "credentials/certificate.h"
#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string stored_ca(Sandbox& sandbox) {
  const auto cluster = sandbox.get("local", {"clusters.management.cattle.io", "c-x7k2p"});
  return base64_decode(text(cluster, "/status/caCert")).value_or("");
}

std::string live_ca(Sandbox& sandbox) {
  return text(sandbox.get("downstream", {"configmap", "kube-root-ca.crt", "-n", "cattle-system"}),
              "/data/ca.crt");
}

const std::vector<std::string> healthy{"--rancher",  "2.12",    "--kubernetes", "1.30",
                                       "--scenario", "healthy", "--driver"};

/// A healthy cluster of that driver that then gains a CA.
std::vector<std::string> options(const std::string& driver) {
  auto words = healthy;
  words.push_back(driver);
  if (driver != "imported") words.insert(words.end(), {"--fault", "additional-ca"});
  return words;
}

/// The live CA is stored, and what Rancher had stored before is kept.
void check_stored(Sandbox& sandbox, const std::string& before) {
  const auto stored = stored_ca(sandbox);
  CHECK(contains_certificates(stored, live_ca(sandbox)));
  CHECK(contains_certificates(stored, before));
  CHECK(sandbox.ready() == "True");
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(status.status == 0);
  CHECK_FALSE(has(status.out, "gained"));
}

TEST_CASE("a CA that the cluster gained is reported, and nothing is changed for it") {
  for (const std::string driver : {"imported", "EKS"}) {
    CAPTURE(driver);
    Sandbox sandbox(options(driver));
    const auto before = stored_ca(sandbox);
    sandbox.tell("gain-ca");
    REQUIRE_FALSE(contains_certificates(before, live_ca(sandbox)));

    const auto status = sandbox.retrust({"status"});
    CAPTURE(status.all());
    CHECK(status.status == 0);
    CHECK(has(status.out, "CA without certificates that the live one gained"));
    CHECK(has(status.out, "Rancher works with its stored CA"));
    CHECK(has(status.all(), "retrust step update-cluster"));
    const auto report = sandbox.retrust({"status", "-o", "json"});
    CHECK(report.status == 0);
    CHECK(has(report.out, "\"differs\":false"));

    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(has(run.out, "nothing is needed"));
    CHECK(sandbox.changes().empty());
    CHECK(stored_ca(sandbox) == before);
  }
}

TEST_CASE("a CA that the cluster gained is stored where that is asked for") {
  for (const std::string driver : {"imported", "EKS"}) {
    CAPTURE(driver);
    const auto stores = [&](const std::vector<std::string>& args) {
      Sandbox sandbox(options(driver));
      const auto before = stored_ca(sandbox);
      sandbox.tell("gain-ca");
      const auto result = sandbox.retrust(args);
      CAPTURE(result.all());
      CHECK(result.status == 0);
      check_stored(sandbox, before);
    };
    stores({"step", "update-cluster", "--yes", "--no-rancher-backup"});
    stores({"run", "--all", "--yes", "--no-rancher-backup"});
  }
}

TEST_CASE("a CA that the server uses already is not merely gained") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--scenario", "ca-only"});
  const auto both = stored_ca(sandbox) + live_ca(sandbox);
  const auto patch = [&](const std::string& object, const std::string& text) {
    json::object data;
    data["ca.crt"] = text;
    json::object whole;
    whole["data"] = std::move(data);
    const auto patched = sandbox.kubectl(
        "downstream", {"patch", object, "-n", "cattle-system", "-p", json::serialize(whole)});
    CAPTURE(patched.all());
    CHECK(patched.status == 0);
  };
  patch("configmap/kube-root-ca.crt", both);
  const auto secrets = sandbox.get("downstream", {"secrets", "-n", "cattle-system"});
  for (const auto& secret : secrets.at("items").as_array()) {
    if (text(secret, "/type") != "kubernetes.io/service-account-token") continue;
    patch("secret/" + text(secret, "/metadata/name"), base64_encode(both));
  }
  const auto before = sandbox.changes().size();
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(status.status == 3);
  CHECK(has(status.out, "CA different"));
  CHECK_FALSE(has(status.out, "gained"));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.changes().size() > before);
  CHECK(sandbox.ready() == "True");
}

}  // namespace
}  // namespace retrust::e2e
