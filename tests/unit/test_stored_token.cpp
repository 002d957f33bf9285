#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "base/encoding.h"
#include "base/json.h"
#include "observe/parse.h"
#include "observe/stored_token.h"
#include "secrets.h"

namespace retrust {
namespace {

RancherServer rancher(const std::string& version) {
  RancherServer server;
  server.version_text = version;
  server.version = parse_version(version);
  return server;
}

ClusterResource cluster(const std::string& driver) {
  ClusterResource resource;
  resource.id = "c-x7k2p";
  resource.driver = driver;
  return resource;
}

TEST_CASE("which Rancher keeps the token in a Secret") {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"v2.5.15", "no"}, {"v2.5.16", "yes"}, {"v2.6.0", "no"}, {"v2.6.6", "no"},
      {"v2.6.7", "yes"}, {"v2.15.0", "yes"}, {"dev", "no"}};
  for (const auto& [version, answer] : rows) {
    CAPTURE(version);
    CHECK(keeps_token_in_secret(cluster("imported"), rancher(version)) == (answer == "yes"));
  }
  auto named = cluster("imported");
  named.token_secret_name = "cluster-serviceaccounttoken-x";
  CHECK(keeps_token_in_secret(named, rancher("dev")));
}

TEST_CASE("which Rancher takes what agents report") {
  struct Row {
    std::string version;
    std::string driver;
    Reported reported;
    std::string answer;  // a part of it; empty: it is taken
  };
  using enum Reported;
  const std::vector<Row> rows{{"v2.5.15", "imported", token_alone, ""},
                              {"v2.5.15", "", token_alone, ""},
                              {"v2.5.15", "k3s", token_and_ca, "the driver k3s"},
                              {"v2.5.16", "", token_and_ca, ""},
                              {"v2.12.3", "", token_alone, ""},
                              {"v2.5.17", "imported", token_alone, "changed alone"},
                              {"v2.5.17", "imported", token_and_ca, ""},
                              {"v2.6.6", "k3s", token_alone, ""},
                              {"v2.6.7", "rke2", token_alone, "changed alone"},
                              {"v2.6.9", "imported", token_alone, "changed alone"},
                              {"v2.6.10", "imported", token_alone, ""},
                              {"v2.7.0", "imported", token_alone, "changed alone"},
                              {"v2.7.0", "imported", token_and_ca, ""},
                              {"v2.7.1", "imported", token_alone, ""},
                              {"v2.12.3", "EKS", token_and_ca, "the driver EKS"},
                              {"dev", "EKS", token_and_ca, ""}};
  for (const auto& row : rows) {
    CAPTURE(row.version);
    CAPTURE(row.driver);
    const auto why = why_not_reported(cluster(row.driver), rancher(row.version), row.reported);
    CHECK(why.empty() == row.answer.empty());
    CHECK(why.find(row.answer) != std::string::npos);
  }
}

TEST_CASE("no report brings a Secret back that is gone, unless the CA changes too") {
  auto gone = cluster("imported");
  gone.token_secret_name = "cluster-serviceaccounttoken-x";
  CHECK_FALSE(why_not_reported(gone, rancher("v2.12.3"), Reported::token_alone).empty());
  CHECK(why_not_reported(gone, rancher("v2.12.3"), Reported::token_and_ca).empty());
}

TEST_CASE("the token comes from the Secret alone where one is named") {
  Redactor redactor;
  auto resource = cluster("imported");
  resource.stored.token = test::secret_of("left-over");
  const auto token = test::jwt_of("cattle");
  boost::json::object secret;
  secret["data"] = boost::json::object{{"credential", base64_encode(token)}};
  take_token_secret(resource, secret, redactor);
  CHECK(resource.stored.token.reveal() == token);
  CHECK(redactor.mask("this is " + token).find(token) == std::string::npos);
  secret["data"] = boost::json::object{{"credential", base64_encode("retrust-run-folder")}};
  take_token_secret(resource, secret, redactor);
  CHECK(resource.stored.token.empty());
  CHECK(redactor.mask("retrust-run-folder") == "retrust-run-folder");
  take_token_secret(resource, std::nullopt, redactor);
  CHECK(resource.stored.token.empty());
}

TEST_CASE("a new Secret belongs to the clusters resource") {
  auto resource = cluster("imported");
  resource.raw = boost::json::parse(R"({"metadata": {"uid": "1-2-3"}})").as_object();
  const boost::json::value secret(
      new_token_secret(resource, test::secret_of("cattle"), "chosen-x7k2p"));
  CHECK(text_at(secret, "/data/credential") == base64_encode(test::jwt_of("cattle")));
  CHECK(text_at(secret, "/metadata/namespace") == "cattle-global-data");
  CHECK(text_at(secret, "/metadata/name") == "chosen-x7k2p");
  CHECK(text_at(secret, "/metadata/ownerReferences/0/uid") == "1-2-3");
  CHECK(text_at(secret, "/metadata/ownerReferences/0/name") == "c-x7k2p");
}

}  // namespace
}  // namespace retrust
