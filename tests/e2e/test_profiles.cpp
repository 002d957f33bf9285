// The sandbox itself: what its profiles of Rancher do with what agents report.
#include <algorithm>
#include <map>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "base/encoding.h"
#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::size_t events_with(Sandbox& sandbox, const std::string& part) {
  const auto events = sandbox.events();
  return static_cast<std::size_t>(std::count_if(
      events.begin(), events.end(), [&](const std::string& event) { return has(event, part); }));
}

json::value cluster(Sandbox& sandbox) {
  return sandbox.get("local", {"clusters.management.cattle.io", "c-x7k2p"});
}

/// What Rancher has stored: CA, name of the Secret, plain token.
struct Stored {
  std::string ca;
  std::string secret;
  std::string token;
};
Stored stored(Sandbox& sandbox) {
  const auto resource = cluster(sandbox);
  return {text(resource, "/status/caCert"), text(resource, "/status/serviceAccountTokenSecret"),
          text(resource, "/status/serviceAccountToken")};
}

/// The token in the Secret that is named.
std::string credential(Sandbox& sandbox, const std::string& secret) {
  return text(sandbox.get("local", {"secret", "-n", "cattle-global-data", secret}),
              "/data/credential");
}

void delete_tokens(Sandbox& sandbox) {
  const auto secrets = sandbox.get("downstream", {"secrets", "-n", "cattle-system",
                                                  "--field-selector=type=kubernetes.io/"
                                                  "service-account-token"});
  std::vector<std::string> args{"delete", "secret", "-n", "cattle-system"};
  for (const auto& secret : secrets.at("items").as_array()) {
    if (text(secret, "/metadata/annotations/kubernetes.io~1service-account.name") == "cattle") {
      args.push_back(text(secret, "/metadata/name"));
    }
  }
  CHECK(sandbox.kubectl("downstream", args).status == 0);
}

/// New agents, which have reported.
void restart_agents(Sandbox& sandbox) {
  const auto reports = events_with(sandbox, "rancher report ");
  CHECK(sandbox
            .kubectl("downstream",
                     {"delete", "pod", "-n", "cattle-system", "-l", "app=cattle-cluster-agent"})
            .status == 0);
  wait_until("a report", [&] { return events_with(sandbox, "rancher report ") > reports; });
}

void replace(Sandbox& sandbox, const json::value& object, std::vector<std::string> how) {
  const auto path = sandbox.directory() / "object.json";
  write_file(path, json::serialize(object));
  how.insert(how.end(), {"-f", path.string()});
  const auto result = sandbox.kubectl("local", how);
  CAPTURE(result.all());
  CHECK(result.status == 0);
}

/// What a Rancher does with what agents report.
enum class Place { status, secret };
enum class Lone { taken, ignored };
enum class Secret { same, another };
struct Reports {
  std::string version;
  Place place;
  Lone lone;
  Secret renewed;  // the Secret's name after a new CA was reported
};

void check_reports(const Reports& row) {
  CAPTURE(row.version);
  Sandbox sandbox({"--rancher", row.version, "--scenario", "key-only"});
  // From 2.14 on the health check shows client-go's word for it.
  wait_until("Rancher complains", [&] {
    const auto message = sandbox.ready_message();
    return has(message, "Unauthorized") || has(message, "provide credentials");
  });
  const auto before = stored(sandbox);
  CHECK(before.secret.empty() == (row.place == Place::status));
  CHECK(before.token.empty() == (row.place == Place::secret));

  // The key alone is new, and so is the token.
  delete_tokens(sandbox);
  restart_agents(sandbox);
  if (row.lone == Lone::taken) {
    wait_until("Ready", [&] { return sandbox.ready() == "True"; });
    CHECK((stored(sandbox).token != before.token || stored(sandbox).secret != before.secret));
  } else {
    CHECK(events_with(sandbox, "rancher ignored nothing but the token changed") == 1);
    CHECK(sandbox.ready() == "False");
    CHECK(stored(sandbox).secret == before.secret);
  }

  // The CA is new too.
  const auto between = stored(sandbox);
  sandbox.renew();
  delete_tokens(sandbox);
  restart_agents(sandbox);
  wait_until("Ready", [&] { return sandbox.ready() == "True"; });
  const auto after = stored(sandbox);
  CHECK(after.ca != between.ca);
  CHECK(after.token.empty() == (row.place == Place::secret));
  CHECK((after.secret == between.secret) == (row.renewed == Secret::same));
}

TEST_CASE("what agents report is stored as each Rancher does it") {
  const std::vector<Reports> rows{
      {"2.5", Place::status, Lone::taken, Secret::same},
      {"2.5.17", Place::secret, Lone::ignored, Secret::same},
      {"2.6.6", Place::status, Lone::taken, Secret::same},
      {"2.12", Place::secret, Lone::taken, Secret::another},
  };
  for (const auto& row : rows) check_reports(row);
}

TEST_CASE("what agents report is stored as Rancher 2.7.0 and 2.15 do it" *
          doctest::test_suite("anywhere")) {
  check_reports({"2.7.0", Place::secret, Lone::ignored, Secret::same});
  check_reports({"2.15", Place::secret, Lone::taken, Secret::another});
}

TEST_CASE("reports are taken with the drivers that Rancher listens to") {
  const auto taken = [](const std::string& version, const std::string& driver) {
    Sandbox sandbox({"--rancher", version, "--driver", driver});
    CHECK(text(cluster(sandbox), "/status/driver") == driver);
    const auto before = stored(sandbox).ca;
    delete_tokens(sandbox);
    CHECK(sandbox
              .kubectl("downstream",
                       {"delete", "pod", "-n", "cattle-system", "-l", "app=cattle-cluster-agent"})
              .status == 0);
    wait_until("an answer", [&] {
      return events_with(sandbox, "rancher report ") > 0 ||
             events_with(sandbox, "rancher ignored driver " + driver) > 0;
    });
    return events_with(sandbox, "rancher ignored driver " + driver) == 0;
  };
  CHECK(taken("2.5", "imported"));
  CHECK_FALSE(taken("2.5", "k3s"));
  CHECK(taken("2.12", "k3s"));
  CHECK_FALSE(taken("2.12", "EKS"));
}

TEST_CASE("a Secret that is gone leaves Rancher without a token, and no report heals it" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox({"--rancher", "2.12", "--scenario", "healthy", "--fault", "credential-missing"});
  const auto name = stored(sandbox).secret;
  REQUIRE(name.starts_with("cluster-serviceaccounttoken-"));
  // Rancher says no more than that.
  wait_until("not Ready", [&] { return sandbox.ready() == "False"; });
  CHECK(sandbox.ready_message().empty());
  restart_agents(sandbox);
  CHECK(stored(sandbox).secret == name);
  CHECK(sandbox.ready() == "False");

  // A new one, and its name in the clusters resource.
  const auto secrets = sandbox.get("downstream", {"secrets", "-n", "cattle-system", "-l",
                                                  "cattle.io/service-account.name=cattle"});
  auto secret = json::parse(R"({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
      "metadata": {"generateName": "cluster-serviceaccounttoken-",
                   "namespace": "cattle-global-data"}})");
  secret.as_object()["data"].emplace_object()["credential"] =
      secrets.at("items").at(0).at("data").at("token");
  const auto path = sandbox.directory() / "secret.json";
  write_file(path, json::serialize(secret));
  const auto made = sandbox.kubectl("local", {"create", "-f", path.string(), "-o", "json"});
  auto resource = cluster(sandbox);
  const auto fresh = text(json::parse(made.out), "/metadata/name");
  resource.at("status").as_object()["serviceAccountTokenSecret"] = fresh;
  replace(sandbox, resource, {"replace"});
  wait_until("Ready", [&] { return sandbox.ready() == "True"; });
}

TEST_CASE("Rancher has other resources that are called clusters, the first of Fleet") {
  const auto others = [](const std::string& rancher) {
    Sandbox sandbox({"--rancher", rancher, "--scenario", "healthy"});
    auto found = 0;
    for (const std::string group : {"fleet.cattle.io", "provisioning.cattle.io"}) {
      found += sandbox.kubectl("local", {"get", "clusters." + group, "-A"}).status == 0 ? 1 : 0;
    }
    return found;
  };
  CHECK(others("2.4") == 0);
  CHECK(others("2.5") == 1);
  CHECK(others("2.12") == 2);
}

TEST_CASE("Rancher's proxy answers for an ailing cluster in words of its own") {
  Sandbox sandbox;
  const auto passed_on =
      sandbox.kubectl("downstream-through-rancher", {"get", "namespace", "kube-system"});
  CHECK(has(passed_on.err,
            "Error from server (InternalError): an error on the server (\"x509: certificate signed "
            "by unknown authority\") has prevented the request from succeeding"));
}

TEST_CASE("Rancher does not notice what a Secret holds until it starts again") {
  Sandbox sandbox({"--rancher", "2.12", "--scenario", "healthy"});
  wait_until("Ready", [&] { return sandbox.ready() == "True"; });
  const auto name = stored(sandbox).secret;
  CHECK(sandbox
            .kubectl("local", {"patch", "secret", "-n", "cattle-global-data", name, "-p",
                               R"({"data": {"credential": "bm90IGEgdG9rZW4="}})"})
            .status == 0);
  CHECK(credential(sandbox, name) == "bm90IGEgdG9rZW4=");
  CHECK(events_with(sandbox, "rancher stored") == 0);
  CHECK(sandbox.kubectl("local", {"delete", "pod", "-n", "cattle-system", "-l", "app=rancher"})
            .status == 0);
  wait_until("Rancher complains", [&] { return has(sandbox.ready_message(), "Unauthorized"); });
  CHECK(has(sandbox.ready_message(),
            "cluster health check failed: Failed to communicate with API server during "
            "namespace check: Unauthorized"));
}

TEST_CASE("Rancher's complaint names what its health check asks") {
  struct Row {
    std::string rancher;
    std::string scenario;
    std::string complaint;
  };
  const std::string during =
      "cluster health check failed: Failed to communicate with API server during namespace check: ";
  const std::vector<Row> rows{
      {"2.0", "ca-only",
       "Failed to communicate with API server: Get "
       "https://10.43.0.1:443/api/v1/componentstatuses?timeout=30s: x509: "},
      {"2.3", "ca-only",
       "Failed to communicate with API server: Get "
       "https://10.43.0.1:443/api/v1/namespaces/kube-system?timeout=30s: x509: "},
      {"2.4", "ca-only",
       "cluster health check failed: Failed to communicate with API server: Get "
       "\"https://10.43.0.1:443/api/v1/namespaces/kube-system?timeout=45s\": x509: "},
      {"2.13.8", "ca-only",
       during + "Get \"https://10.43.0.1:443/api/v1/namespaces/kube-system?timeout=45s\": x509: "},
      {"2.14.0", "ca-only", during + "Get \"https://10.43.0.1:443/readyz?timeout=45s\": x509: "},
      {"2.15", "ca-only", during + "Get \"https://10.43.0.1:443/readyz?timeout=45s\": x509: "},
      {"2.15", "key-only", during + "the server has asked for the client to provide credentials"}};
  for (const auto& [rancher, scenario, complaint] : rows) {
    CAPTURE(rancher);
    Sandbox sandbox({"--rancher", rancher, "--scenario", scenario});
    wait_until("Rancher complains", [&] { return sandbox.ready_message().starts_with(complaint); });
    const auto status = sandbox.retrust({"status"});
    CAPTURE(status.all());
    CHECK(has(status.out, complaint));
  }
}

TEST_CASE("what a cluster says of a rejected token is a matter of its version") {
  const std::string start =
      "users' tokens in cattle-impersonation-system are rejected: [invalid "
      "bearer token, ";
  const std::string by_key = "square/go-jose: error in cryptographic primitive]";
  const std::string by_id = "invalid signature, no keys found]";
  const std::map<std::string, std::string> words{
      {"1.20", by_key}, {"1.26", by_key}, {"1.30", by_key}, {"1.31", by_id}, {"1.36", by_id}};
  for (const auto& [kubernetes, expected] : words) {
    CAPTURE(kubernetes);
    Sandbox sandbox({"--rancher", "2.12", "--kubernetes", kubernetes});
    const auto status = sandbox.retrust({"status"});
    CAPTURE(status.all());
    CHECK(has(status.out, start + expected));
  }
}

TEST_CASE("a token whose secret is gone was invalidated, although its signature is right") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.36", "--scenario", "healthy"});
  const auto name = text(sandbox.get("downstream", {"secrets", "-n", "cattle-system", "-l",
                                                    "cattle.io/service-account.name=cattle"}),
                         "/items/0/metadata/name");
  const auto secret = sandbox.get("downstream", {"secret", name, "-n", "cattle-system"});
  const auto review = sandbox.directory() / "review.json";
  write_file(review, R"({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": )"
                     R"({"token": ")" +
                         base64_decode(text(secret, "/data/token")).value_or("") + "\"}}");
  CHECK(sandbox.kubectl("downstream", {"delete", "secret", name, "-n", "cattle-system"}).status ==
        0);
  const auto answer =
      sandbox.kubectl("downstream", {"create", "-f", review.string(), "-o", "jsonpath={.status}"});
  CHECK(has(answer.out, "[invalid bearer token, Token has been invalidated]"));
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(status.status == 3);
  CHECK(has(status.out, "rejects the stored token."));
  CHECK(sandbox.run().status == 0);
}

TEST_CASE("from 2.15 on the status is changed through its subresource alone" *
          doctest::test_suite("anywhere")) {
  const std::string path = "/apis/management.cattle.io/v3/clusters/c-x7k2p/status";
  const std::vector<std::string> through{"replace", "--raw", path};
  const auto subresources = [](Sandbox& sandbox) {
    const auto crd = sandbox.get("local", {"crd", "clusters.management.cattle.io"});
    return crd.at_pointer("/spec/versions/0").as_object().contains("subresources");
  };
  {
    Sandbox sandbox({"--rancher", "2.15", "--fault", "agents-never-report"});
    CHECK(subresources(sandbox));
    const auto before = cluster(sandbox);
    auto changed = before;
    changed.at("status").as_object()["caCert"] = "bmV3";
    changed.at("spec").as_object()["description"] = "changed";
    // What was read is old as soon as Rancher writes its condition.
    const auto with_version = [&](json::value object) {
      object.at("metadata").as_object()["resourceVersion"] =
          text(cluster(sandbox), "/metadata/resourceVersion");
      return object;
    };
    wait_until("Rancher complains", [&] { return has(sandbox.ready_message(), "x509"); });

    replace(sandbox, with_version(changed), {"replace"});
    auto found = cluster(sandbox);
    CHECK(text(found, "/spec/description") == "changed");
    CHECK(text(found, "/status/caCert") == text(before, "/status/caCert"));
    CHECK(sandbox
              .kubectl("local", {"patch", "clusters.management.cattle.io", "c-x7k2p",
                                 "--type=merge", "-p", R"({"status": {"caCert": "bmV3"}})"})
              .status == 0);
    CHECK(text(cluster(sandbox), "/status/caCert") == text(before, "/status/caCert"));

    changed.at("spec").as_object()["description"] = "changed again";
    replace(sandbox, with_version(changed), through);
    found = cluster(sandbox);
    CHECK(text(found, "/spec/description") == "changed");
    CHECK(text(found, "/status/caCert") == "bmV3");

    const auto file = sandbox.directory() / "old.json";
    write_file(file, json::serialize(before));
    const auto refused = sandbox.kubectl("local", {"replace", "--raw", path, "-f", file.string()});
    CHECK(refused.status == 1);
    CHECK(has(refused.err, "the object has been modified"));
  }
  Sandbox sandbox({"--rancher", "2.12", "--fault", "agents-never-report"});
  CHECK_FALSE(subresources(sandbox));
  CHECK(has(sandbox.kubectl("local", {"get", "--raw", path}).err, "NotFound"));
}

TEST_CASE("Rancher says when no agent is connected, from 2.6.3 on") {
  Sandbox sandbox({"--rancher", "2.12", "--scenario", "healthy", "--agent-replicas", "2"});
  const auto agents = [&] {
    return sandbox
        .get("downstream", {"pods", "-n", "cattle-system", "-l", "app=cattle-cluster-agent"})
        .at("items")
        .as_array()
        .size();
  };
  CHECK(agents() == 2);
  sandbox.tell("fault no-agents-start");
  CHECK(sandbox
            .kubectl("downstream",
                     {"delete", "pod", "-n", "cattle-system", "-l", "app=cattle-cluster-agent"})
            .status == 0);
  wait_until("Rancher misses them",
             [&] { return sandbox.ready_message() == "Cluster agent is not connected"; });
  const auto resource = cluster(sandbox);
  for (const auto& condition : resource.at_pointer("/status/conditions").as_array()) {
    if (text(condition, "/type") == "Connected") CHECK(text(condition, "/status") == "False");
    if (text(condition, "/type") == "Ready") CHECK(text(condition, "/reason") == "Disconnected");
  }
}

TEST_CASE("stored CAs that are the same in other words") {
  std::string fault;
  std::size_t certificates = 1;
  SUBCASE("line ends of Windows") {
    fault = "stored-crlf";
  }
  SUBCASE("two CAs in another order") {
    fault = "ca-bundle";
    certificates = 2;
  }
  Sandbox sandbox({"--scenario", "healthy", "--fault", fault});
  wait_until("Ready", [&] { return sandbox.ready() == "True"; });
  const auto map = sandbox.get("downstream", {"cm", "-n", "cattle-system", "kube-root-ca.crt"});
  const auto live = text(map, "/data/ca.crt");
  std::size_t found = 0;
  for (auto at = live.find("BEGIN"); at != std::string::npos; at = live.find("BEGIN", at + 1)) {
    ++found;
  }
  CHECK(found == certificates);
  const auto secrets = sandbox.get("downstream", {"secrets", "-n", "cattle-system",
                                                  "--field-selector=type=kubernetes.io/"
                                                  "service-account-token"});
  CHECK(stored(sandbox).ca != text(secrets.at("items").at(0), "/data/ca.crt"));
}

TEST_CASE("what the sandbox does not know it refuses") {
  const std::vector<std::vector<std::string>> wrong{
      {"--rancher", "2.12.x"},       {"--rancher", "3.0"},
      {"--kubernetes", "1.24a"},     {"--agent-replicas", "3"},
      {"--fault", "no-such-fault"},  {"--impersonation-users", "-1"},
      {"--scenario", "no-scenario"}, {"--fresh-impersonation-users", "4"}};
  for (const auto& options : wrong) {
    CAPTURE(options.front());
    CHECK_THROWS_WITH(Sandbox{options}, doctest::Contains("sandbox: retrust-sandbox: "));
  }
}

}  // namespace
}  // namespace retrust::e2e
