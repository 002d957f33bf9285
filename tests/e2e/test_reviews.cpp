// What a TokenReview says, and what it leaves in the cluster.
#include <algorithm>
#include <map>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool deletes_secrets(const Sandbox& sandbox) {
  const auto changes = sandbox.changes();
  return std::any_of(changes.begin(), changes.end(), [](const std::string& change) {
    return has(change, "downstream delete secrets");
  });
}

TEST_CASE(
    "an API server's own trouble is no verdict on a token: it is named, and the use decides") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--scenario", "healthy", "--fault",
                   "review-trouble"});
  const auto status = sandbox.retrust({"status"});
  CAPTURE(status.all());
  CHECK(status.status == 3);
  CHECK(has(status.out,
            "whether the cluster accepts the token that Rancher has stored is not clear: context "
            "deadline exceeded"));
  CHECK_FALSE(has(status.out, "reject"));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out, "nothing is needed"));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("no secret is deleted for a review that failed") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--fault", "review-trouble"});
  const auto plan = sandbox.retrust({"plan"});
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  CHECK(has(plan.out, "only what it certainly rejects is deleted"));
  const auto run = sandbox.run({"--repair-impersonation", "--timeout", "3s"});
  CAPTURE(run.all());
  CHECK(run.status != 0);
  CHECK_FALSE(deletes_secrets(sandbox));
}

/// The token secrets of a namespace as the cluster has them, by name.
std::map<std::string, std::string> secrets_in(Sandbox& sandbox, const std::string& name_space) {
  std::map<std::string, std::string> found;
  const auto list = sandbox.get(
      "downstream",
      {"secrets", "-n", name_space, "--field-selector=type=kubernetes.io/service-account-token"});
  for (const auto& secret : list.at("items").as_array()) {
    found[text(secret, "/metadata/name")] = json::serialize(secret);
  }
  return found;
}

bool any_labelled(const std::map<std::string, std::string>& secrets) {
  return std::any_of(secrets.begin(), secrets.end(), [](const auto& secret) {
    return has(secret.second, "kubernetes.io/legacy-token-last-used");
  });
}

const std::string users = "cattle-impersonation-system";

TEST_CASE("a look at a healthy cluster leaves the users' token secrets as they were") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--scenario", "healthy"});
  const auto before = secrets_in(sandbox, users);
  REQUIRE(before.size() == 3);
  for (const std::string command : {"status", "plan"}) {
    const auto result = sandbox.retrust({command, "--verbose"});
    CAPTURE(result.all());
    CHECK(result.status == 0);
    CHECK(has(result.all(), "not reviewed: "));
  }
  const auto quiet = sandbox.retrust({"status"});
  CHECK_FALSE(has(quiet.all(), "not reviewed"));
  CHECK(has(sandbox.retrust({"status", "-o", "json"}).out, "\"notReviewed\":3"));
  CHECK(secrets_in(sandbox, users) == before);
  // The agents' own token is reviewed, which leaves the label of the day.
  CHECK(any_labelled(secrets_in(sandbox, "cattle-system")));
  // Where 3.2 is asked for, all are reviewed.
  CHECK(sandbox.retrust({"plan", "--repair-impersonation"}).status == 0);
  CHECK(any_labelled(secrets_in(sandbox, users)));
}

TEST_CASE("an older Kubernetes has no label of the last use") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.26", "--scenario", "healthy"});
  CHECK(sandbox.retrust({"plan", "--repair-impersonation"}).status == 0);
  CHECK_FALSE(any_labelled(secrets_in(sandbox, users)));
  CHECK_FALSE(any_labelled(secrets_in(sandbox, "cattle-system")));
}

TEST_CASE("rejected tokens of users are found after a renewal, and after the repair of the rest") {
  Sandbox sandbox(
      {"--rancher", "2.12", "--kubernetes", "1.30", "--fresh-impersonation-users", "1"});
  const auto finding = "2 of 3 users' tokens in cattle-impersonation-system are rejected";
  CHECK(has(sandbox.retrust({"status"}).out, finding));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  const auto before = secrets_in(sandbox, users);
  const auto after = sandbox.retrust({"status"});
  CAPTURE(after.all());
  CHECK(after.status == 0);
  CHECK(has(after.out, finding));
  CHECK(secrets_in(sandbox, users) == before);
}

}  // namespace
}  // namespace retrust::e2e
