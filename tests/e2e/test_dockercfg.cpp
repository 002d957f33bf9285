// Accounts that list a dockercfg secret beside their token secret, as on OpenShift.
#include <algorithm>
#include <set>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"
#include "secrets.h"

namespace retrust::e2e {
namespace {

const std::string users = "cattle-impersonation-system";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The secrets that the account lists, in their order.
std::vector<std::string> listed(Sandbox& sandbox, const std::string& account) {
  std::vector<std::string> names;
  const auto found = sandbox.get("downstream", {"serviceaccount", account, "-n", "cattle-system"});
  for (const auto& secret : found.at("secrets").as_array()) names.push_back(text(secret, "/name"));
  return names;
}

std::set<std::string> user_tokens(Sandbox& sandbox) {
  std::set<std::string> uids;
  const auto list = sandbox.get("downstream", {"secrets", "-n", users,
                                               "--field-selector="
                                               "type=kubernetes.io/service-account-token"});
  for (const auto& secret : list.at("items").as_array()) uids.insert(text(secret, "/metadata/uid"));
  return uids;
}

std::size_t refused_uses(Sandbox& sandbox) {
  const auto events = sandbox.events();
  return static_cast<std::size_t>(std::count_if(
      events.begin(), events.end(),
      [](const std::string& event) { return event.starts_with("rancher cannot impersonate"); }));
}

TEST_CASE("agents that read the account's first secret find a token after 2.1") {
  struct Profile {
    std::string rancher;
    std::string kubernetes;
  };
  const std::vector<Profile> profiles{{"2.5.8", "1.20"}, {"2.6.6", "1.20"}, {"2.6.6", "1.24"}};
  for (const auto& [rancher, kubernetes] : profiles) {
    CAPTURE(rancher);
    CAPTURE(kubernetes);
    Sandbox sandbox({"--rancher", rancher, "--kubernetes", kubernetes, "--fault", "dockercfg"});
    const auto before = listed(sandbox, "cattle");
    REQUIRE(before.front().starts_with("cattle-dockercfg-"));
    const auto status = sandbox.retrust({"status"});
    CAPTURE(status.all());
    CHECK(status.status == 3);
    CHECK(has(status.out, "the service account cattle lists " + before.front() +
                              " first, which is no token secret that is there"));
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK(run.status == 0);
    check_hidden(secrets(sandbox), "output", run.all());
    const auto after = listed(sandbox, "cattle");
    CHECK(after.front().starts_with("cattle-token-"));
    // The secret for pulling images is not taken from the account.
    CHECK(std::count(after.begin(), after.end(), before.front()) == 1);
    CHECK(sandbox.ready() == "True");
    CHECK(sandbox.retrust({"status"}).status == 0);
  }
}

TEST_CASE("agents of 2.12 do not mind the account's list") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--fault", "dockercfg"});
  const auto before = listed(sandbox, "cattle");
  REQUIRE(before.front().starts_with("cattle-dockercfg-"));
  const auto run = sandbox.run();
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(listed(sandbox, "cattle") == before);
  CHECK(sandbox.ready() == "True");
  CHECK(sandbox.retrust({"status"}).status == 0);
}

TEST_CASE("a user's token stays where the next one would be listed behind a dockercfg secret") {
  Sandbox sandbox({"--rancher", "2.6.6", "--kubernetes", "1.20", "--fault", "dockercfg=last"});
  const auto before = user_tokens(sandbox);
  const auto run = sandbox.run({"--repair-impersonation"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(user_tokens(sandbox) == before);
  CHECK(has(run.out,
            "Rancher v2.6.6 takes the first secret that the account lists, and the next token "
            "would be listed behind the account's dockercfg secret"));
  sandbox.tell("use-impersonation");
  CHECK(refused_uses(sandbox) == 0);
}

TEST_CASE("a Rancher that makes its users' tokens itself does so beside a dockercfg secret") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.20", "--fault", "dockercfg=last"});
  const auto before = user_tokens(sandbox);
  const auto run = sandbox.run({"--repair-impersonation"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  const auto after = user_tokens(sandbox);
  CHECK(std::none_of(before.begin(), before.end(),
                     [&](const std::string& uid) { return after.contains(uid); }));
}

}  // namespace
}  // namespace retrust::e2e
