// What a TokenReview says, and what it leaves in the cluster.
#include <algorithm>

#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

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

}  // namespace
}  // namespace retrust::e2e
