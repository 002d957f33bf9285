// Who makes the agents' token secret, and what the account has to list.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "observe/agent_token.h"

namespace retrust {
namespace {

Observation seen_with(const std::string& kubernetes, const std::string& image,
                      const std::string& rancher) {
  Observation seen;
  seen.downstream.kubernetes_version = kubernetes;
  seen.downstream.agent_image = image;
  seen.local.rancher.version_text = rancher;
  seen.local.rancher.version = parse_version(rancher);
  return seen;
}

TEST_CASE("the agents' version is that of their image, else the server's") {
  const auto version = [](const std::string& image) {
    return agents_version(seen_with("", image, "v2.9.1"));
  };
  CHECK(version("rancher/rancher-agent:v2.6.6") == Version{2, 6, 6});
  CHECK(version("registry.example.com:5000/rancher/rancher-agent:v2.5.17-rc1") ==
        Version{2, 5, 17});
  CHECK(version("registry.example.com:5000/rancher/rancher-agent") == Version{2, 9, 1});
  CHECK(version("rancher/rancher-agent:head") == Version{2, 9, 1});
  CHECK(version("rancher/rancher-agent@sha256:0123") == Version{2, 9, 1});
  CHECK(version("") == Version{2, 9, 1});
  CHECK_FALSE(agents_version(seen_with("", "", "dev")));
}

TEST_CASE("who makes a token secret") {
  const auto maker = [](const std::string& kubernetes, const std::string& agents) {
    return token_maker(seen_with(kubernetes, "rancher/rancher-agent:" + agents, "v2.12.3"));
  };
  CHECK(maker("v1.23.17", "v2.4.17") == TokenMaker::kubernetes);
  CHECK(maker("v1.23.17", "v2.12.3") == TokenMaker::kubernetes);
  CHECK(maker("", "v2.12.3") == TokenMaker::kubernetes);
  CHECK(maker("v1.24.0", "v2.6.6") == TokenMaker::retrust);
  CHECK(maker("v1.24.0", "v2.5.17") == TokenMaker::retrust);
  CHECK(maker("v1.24.0", "v2.6.7") == TokenMaker::agents);
  CHECK(maker("v1.30.14+rke2r1", "v2.12.3") == TokenMaker::agents);
  // The agents have not been told yet to be as new as the server.
  CHECK(token_maker(seen_with("v1.24.0", "", "v2.6.6")) == TokenMaker::retrust);
  // Nothing tells their version: they are waited for, and helped where they make none.
  CHECK(token_maker(seen_with("v1.24.0", "", "dev")) == TokenMaker::agents);
}

TEST_CASE("what the account lists matters to agents of 2.5.8 to 2.6.6 alone") {
  auto seen = seen_with("v1.24.0", "rancher/rancher-agent:v2.6.6", "v2.6.6");
  TokenSecret secret;
  secret.name = "cattle-token-abcde";
  seen.downstream.tokens = {secret};
  seen.downstream.account_secret = "cattle-token-abcde";
  CHECK(account_trouble(seen).empty());
  // As on OpenShift.
  seen.downstream.account_secret = "cattle-dockercfg-abcde";
  CHECK(account_trouble(seen).find("cattle-dockercfg-abcde") != std::string::npos);
  seen.downstream.account_secret = {};
  CHECK_FALSE(account_trouble(seen).empty());
  seen.downstream.agent_image = "rancher/rancher-agent:v2.5.7";
  CHECK(account_trouble(seen).empty());
  seen.downstream.agent_image = "rancher/rancher-agent:v2.12.3";
  CHECK(account_trouble(seen).empty());
  seen.downstream.agent_image = "rancher/rancher-agent:v2.6.6";
  seen.downstream.kubernetes_version = "v1.23.17";
  CHECK(account_trouble(seen).empty());
}

TEST_CASE("the new secret comes first in the account's list, and what is gone goes") {
  const auto listed = [](const std::string& before) {
    auto account = boost::json::parse(before).as_object();
    list_secret_first(account, "new", {"new", "other"});
    return boost::json::serialize(account.at("secrets"));
  };
  CHECK(listed(R"({})") == R"([{"name":"new"}])");
  CHECK(listed(R"({"secrets": null})") == R"([{"name":"new"}])");
  CHECK(listed(R"({"secrets": [{"name": "gone"}, {"name": "other"}, {"name": "new"}, 7]})") ==
        R"([{"name":"new"},{"name":"other"}])");
}

}  // namespace
}  // namespace retrust
