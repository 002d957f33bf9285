// What somebody else does while a question waits for its answer, or just before a deletion.
#include <doctest/doctest.h>

#include "sandbox.h"
#include "words.h"

namespace retrust::e2e {
namespace {

constexpr const char* question = "Do this to cluster";

std::string name_of_token(Sandbox& sandbox) {
  return text(sandbox.get("downstream", {"-n", "cattle-system", "serviceaccount", "cattle"}),
              "/secrets/0/name");
}

TEST_CASE("a cluster that a colleague repaired while the question stood is left alone") {
  Sandbox sandbox;
  const auto child = sandbox.start_on_terminal({.args = {"run", "--no-rancher-backup"}});
  const auto folder = sandbox.run_folder();
  wait_until("the question", [&] { return has(unwrapped(child->out()), question); });
  REQUIRE(sandbox.run().status == 0);
  const auto changes = sandbox.changes().size();
  child->write("yes\n");
  CHECK(child->wait() == 0);
  CAPTURE(child->out());
  CHECK(has(unwrapped(child->out()), "Somebody else did what was needed"));
  CHECK(sandbox.changes().size() == changes);
  CHECK(has(document_words(folder), "Somebody else did what was needed"));
}

TEST_CASE("a plan that changed while the question stood is shown, and asked about again") {
  Sandbox sandbox;
  const auto child = sandbox.start_on_terminal({.args = {"run", "--no-rancher-backup"}});
  wait_until("the question", [&] { return has(unwrapped(child->out()), question); });
  const auto old = name_of_token(sandbox);
  REQUIRE(sandbox.kubectl("downstream", {"-n", "cattle-system", "delete", "secret", old}).status ==
          0);
  wait_until("another token", [&] {
    const auto now = name_of_token(sandbox);
    return !now.empty() && now != old;
  });
  const auto changes = sandbox.changes().size();
  child->write("yes\n");
  wait_until("the second question", [&] { return times(unwrapped(child->out()), question) == 2; });
  CAPTURE(child->out());
  CHECK(has(unwrapped(child->out()),
            "the plan changed meanwhile: 2.1 delete-token is not needed any more"));
  SUBCASE("no") {
    child->write("no\n");
    CHECK(child->wait() == 4);
    CHECK(sandbox.changes().size() == changes);
  }
  SUBCASE("yes") {
    child->write("yes\n");
    CHECK(child->wait() == 0);
    CHECK(sandbox.ready() == "True");
  }
}

}  // namespace
}  // namespace retrust::e2e
