// The sandbox itself: token secrets on Kubernetes 1.24 and later, and the tokens of Rancher's
// users.
#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The token secrets of a namespace, by list or, with a selector, some of them.
json::array token_secrets(Sandbox& sandbox, const std::string& name_space) {
  return sandbox
      .get("downstream", {"secrets", "-n", name_space,
                          "--field-selector=type=kubernetes.io/service-account-token"})
      .at("items")
      .as_array();
}

/// The agents' token secrets.
json::array agents_tokens(Sandbox& sandbox) {
  json::array found;
  for (const auto& secret : token_secrets(sandbox, "cattle-system")) {
    if (text(secret, "/metadata/annotations/kubernetes.io~1service-account.name") == "cattle") {
      found.push_back(secret);
    }
  }
  return found;
}

void delete_agents_tokens(Sandbox& sandbox) {
  for (const auto& secret : agents_tokens(sandbox)) {
    CHECK(sandbox
              .kubectl("downstream",
                       {"delete", "secret", "-n", "cattle-system", text(secret, "/metadata/name")})
              .status == 0);
  }
}

void delete_agents(Sandbox& sandbox) {
  CHECK(sandbox
            .kubectl("downstream",
                     {"delete", "pod", "-n", "cattle-system", "-l", "app=cattle-cluster-agent"})
            .status == 0);
}

bool any_event(Sandbox& sandbox, const std::string& part) {
  const auto events = sandbox.events();
  return std::any_of(events.begin(), events.end(),
                     [&](const std::string& event) { return has(event, part); });
}

/// Status and restarts of the one agent, as kubectl shows them to people.
std::string agent_line(Sandbox& sandbox) {
  return sandbox
      .kubectl("downstream", {"get", "pods", "-n", "cattle-system", "-l",
                              "app=cattle-cluster-agent", "--no-headers"})
      .out;
}

json::value create(Sandbox& sandbox, const json::value& object) {
  const auto path = sandbox.directory() / "object.json";
  write_file(path, json::serialize(object));
  const auto result = sandbox.kubectl(
      "downstream", {"create", "--validate=false", "-f", path.string(), "-o", "json"});
  CAPTURE(result.all());
  CHECK(result.status == 0);
  return json::parse(result.out);
}

json::value token_secret(const std::string& name, const std::string& account) {
  auto secret = json::parse(R"({"apiVersion": "v1", "kind": "Secret",
      "type": "kubernetes.io/service-account-token",
      "metadata": {"namespace": "cattle-system", "annotations": {}}})");
  secret.at("metadata").as_object()["name"] = name;
  secret.at_pointer("/metadata/annotations").as_object()["kubernetes.io/service-account.name"] =
      account;
  return secret;
}

/// How many of these tokens the cluster accepts.
std::size_t accepted(Sandbox& sandbox, const json::array& secrets) {
  std::size_t count = 0;
  for (const auto& secret : secrets) {
    auto review = json::parse(R"({"apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview", "metadata": {"name": "review"}})");
    const auto encoded = text(secret, "/data/token");
    const auto path = sandbox.directory() / "token";
    write_file(path, encoded);
    Child decode({.command = {"base64", "-d", path.string()},
                  .directory = sandbox.directory(),
                  .name = "base64"});
    CHECK(decode.wait() == 0);
    review.as_object()["spec"].emplace_object()["token"] = decode.out();
    const auto answer = create(sandbox, review);
    const auto* good = answer.at("status").as_object().if_contains("authenticated");
    if (good != nullptr && good->as_bool()) ++count;
  }
  return count;
}

TEST_CASE("Kubernetes 1.20 makes a token secret again, 1.24 does not") {
  {
    Sandbox sandbox({"--kubernetes", "1.20"});
    delete_agents_tokens(sandbox);
    wait_until("another secret", [&] { return agents_tokens(sandbox).size() == 1; });
  }
  Sandbox sandbox({"--kubernetes", "1.24", "--rancher", "2.12"});
  const auto version = json::parse(sandbox.kubectl("downstream", {"version", "-o", "json"}).out);
  CHECK(text(version, "/serverVersion/gitVersion") == "v1.24.17");
  const auto cluster = sandbox.get("local", {"clusters.management.cattle.io", "c-x7k2p"});
  CHECK(text(cluster, "/status/version/gitVersion") == "v1.24.17");
  delete_agents_tokens(sandbox);
  // What is made by hand is filled in, and so shows that the controller had its chance.
  create(sandbox, token_secret("by-hand", "default"));
  wait_until("it is filled in", [&] {
    const auto secret = sandbox.get("downstream", {"secret", "-n", "cattle-system", "by-hand"});
    return !text(secret, "/data/token").empty() && !text(secret, "/data/ca.crt").empty();
  });
  const auto secret = sandbox.get("downstream", {"secret", "-n", "cattle-system", "by-hand"});
  CHECK_FALSE(text(secret, "/metadata/annotations/kubernetes.io~1service-account.uid").empty());
  CHECK(agents_tokens(sandbox).empty());
  const auto account = sandbox.get("downstream", {"sa", "-n", "cattle-system", "cattle"});
  CHECK_FALSE(account.as_object().contains("secrets"));
  const auto pods = sandbox.get("downstream", {"pods", "-n", "cattle-system"});
  CHECK_FALSE(has(json::serialize(pods), "-token-"));
}

TEST_CASE("an agent of 2.12 makes its token secret when it starts") {
  Sandbox sandbox({"--kubernetes", "1.30", "--rancher", "2.12"});
  delete_agents_tokens(sandbox);
  delete_agents(sandbox);
  wait_until("Ready", [&] { return sandbox.ready() == "True"; });
  const auto secrets = agents_tokens(sandbox);
  REQUIRE(secrets.size() == 1);
  const auto name = text(secrets[0], "/metadata/name");
  CHECK(name.starts_with("cattle-token-"));
  CHECK(text(secrets[0], "/metadata/labels/cattle.io~1service-account.name") == "cattle");
  CHECK(text(secrets[0], "/metadata/ownerReferences/0/kind") == "ServiceAccount");
  const auto account = sandbox.get("downstream", {"sa", "-n", "cattle-system", "cattle"});
  CHECK(text(account, "/metadata/annotations/rancher.io~1service-account.secret-ref") ==
        "cattle-system/" + name);
}

TEST_CASE(
    "an agent of 2.7.0 makes a secret of a fixed name, with the same token for the same key") {
  Sandbox sandbox({"--kubernetes", "1.24", "--rancher", "2.7.0", "--scenario", "healthy"});
  const auto before = agents_tokens(sandbox);
  REQUIRE(before.size() == 1);
  CHECK(text(before[0], "/metadata/name") == "cattle-token");
  delete_agents_tokens(sandbox);
  delete_agents(sandbox);
  wait_until("it is made again", [&] { return any_event(sandbox, "filled cattle-token"); });
  const auto after = agents_tokens(sandbox);
  REQUIRE(after.size() == 1);
  CHECK(text(after[0], "/metadata/uid") != text(before[0], "/metadata/uid"));
  CHECK(text(after[0], "/data/token") == text(before[0], "/data/token"));
}

TEST_CASE("an agent of 2.6.6 crashes until its account has a secret") {
  Sandbox sandbox({"--kubernetes", "1.24", "--rancher", "2.6.6"});
  delete_agents_tokens(sandbox);
  delete_agents(sandbox);
  wait_until("it crashes", [&] { return has(agent_line(sandbox), "CrashLoopBackOff"); });
  CHECK(has(agent_line(sandbox), "0/1"));
  CHECK(any_event(sandbox, "no secret exists for service account cattle-system/cattle"));
  // A secret alone is not enough: such an agent reads the one that the account lists.
  create(sandbox, token_secret("cattle-token-byhand", "cattle"));
  wait_until("it is filled in", [&] { return any_event(sandbox, "filled cattle-token-byhand"); });
  CHECK(sandbox
            .kubectl("downstream", {"patch", "sa", "-n", "cattle-system", "cattle", "-p",
                                    R"({"secrets": [{"name": "cattle-token-byhand"}]})"})
            .status == 0);
  wait_until("it runs", [&] { return has(agent_line(sandbox), "Running"); });
  wait_until("Ready", [&] { return sandbox.ready() == "True"; });
}

TEST_CASE("users' tokens: rejected after the renewal, made again at the next use") {
  const std::string name_space = "cattle-impersonation-system";
  Sandbox sandbox(
      {"--kubernetes", "1.30", "--rancher", "2.12", "--fresh-impersonation-users", "1"});
  const auto before = token_secrets(sandbox, name_space);
  REQUIRE(before.size() == 3);
  CHECK(accepted(sandbox, before) == 1);

  // Page by page, while some of what was listed goes.
  const std::string list = "/api/v1/namespaces/" + name_space + "/secrets?limit=2";
  const auto page = json::parse(sandbox.kubectl("downstream", {"get", "--raw", list}).out);
  CHECK(page.at("items").as_array().size() == 2);
  CHECK(page.at_pointer("/metadata/remainingItemCount").as_int64() == 1);
  CHECK(sandbox
            .kubectl("downstream", {"delete", "secret", "-n", name_space,
                                    text(page.at("items").at(0), "/metadata/name")})
            .status == 0);
  const auto rest = json::parse(
      sandbox
          .kubectl("downstream",
                   {"get", "--raw", list + "&continue=" + text(page, "/metadata/continue")})
          .out);
  REQUIRE(rest.at("items").as_array().size() == 1);
  CHECK_FALSE(rest.at("metadata").as_object().contains("continue"));

  CHECK(sandbox.kubectl("downstream", {"delete", "secret", "-n", name_space, "--all"}).status == 0);
  CHECK(token_secrets(sandbox, name_space).empty());
  sandbox.tell("use-impersonation");
  wait_until("there are tokens again", [&] {
    const auto made = token_secrets(sandbox, name_space);
    return made.size() == 3 && std::all_of(made.begin(), made.end(), [](const json::value& each) {
             return !text(each, "/data/token").empty();
           });
  });
  CHECK(accepted(sandbox, token_secrets(sandbox, name_space)) == 3);
}

TEST_CASE("users whose tokens are gone get new ones" * doctest::test_suite("anywhere")) {
  const std::string name_space = "cattle-impersonation-system";
  Sandbox sandbox({"--rancher", "2.12"});
  // The secrets that Rancher made; Kubernetes up to 1.23 makes one more for each account.
  const auto theirs = [&] {
    json::array found;
    for (const auto& secret : token_secrets(sandbox, name_space)) {
      if (!text(secret, "/metadata/labels/cattle.io~1service-account.name").empty()) {
        found.push_back(secret);
      }
    }
    return found;
  };
  const auto users = sandbox.get(
      "downstream", {"sa", "-n", name_space, "-l", "authz.cluster.cattle.io/impersonator=true"});
  CHECK(users.at("items").as_array().size() == 3);
  const auto before = theirs();
  REQUIRE(before.size() == 3);
  CHECK(accepted(sandbox, before) == 0);
  sandbox.tell("use-impersonation");
  CHECK(accepted(sandbox, theirs()) == 0);

  // Of two that are gone both are made again, and the third stays as it is.
  CHECK(sandbox
            .kubectl("downstream",
                     {"delete", "secret", "-n", name_space, text(before[0], "/metadata/name"),
                      text(before[1], "/metadata/name")})
            .status == 0);
  CHECK(theirs().size() == 1);
  wait_until("users have new tokens", [&] {
    sandbox.tell("use-impersonation");
    const auto made = theirs();
    return made.size() == 3 && accepted(sandbox, made) == 2;
  });
}

TEST_CASE("thousands of users do not make the sandbox slow") {
  Sandbox sandbox({"--kubernetes", "1.30", "--rancher", "2.15", "--impersonation-users", "20000"});
  const auto page =
      json::parse(sandbox
                      .kubectl("downstream", {"get", "--raw",
                                              "/api/v1/namespaces/cattle-impersonation-system/"
                                              "secrets?limit=500"})
                      .out);
  CHECK(page.at("items").as_array().size() == 500);
  CHECK(page.at_pointer("/metadata/remainingItemCount").as_int64() == 19'500);
  sandbox.renew();
}

}  // namespace
}  // namespace retrust::e2e
