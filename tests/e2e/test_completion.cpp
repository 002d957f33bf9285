// Completion in a real bash, with the words that it would have.
#include <cstdlib>

#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

std::vector<std::string> completed(const Sandbox& sandbox, const std::string& words) {
  const std::string program = std::getenv("RETRUST_TEST_PROGRAM");
  const std::string script =
      "PATH=" + program.substr(0, program.rfind('/')) + ":$PATH; source " +
      std::getenv("RETRUST_TEST_COMPLETION") + "; COMP_WORDS=(" + words +
      "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _retrust; printf '%s\\n' \"${COMPREPLY[@]}\"";
  Child child(
      {.command = {"bash", "-c", script}, .directory = sandbox.directory(), .name = "completion"});
  CHECK(child.wait() == 0);
  CHECK(child.err().empty());
  return lines_of(child.out());
}

using Words = std::vector<std::string>;

TEST_CASE("bash completes commands, options, values and the clusters of the local cluster") {
  Sandbox sandbox({"--scenario", "healthy"});
  CHECK(completed(sandbox, "retrust st") == Words{"status", "step"});
  CHECK(completed(sandbox, "retrust run --rancher-c") == Words{"--rancher-container"});
  CHECK(completed(sandbox, "retrust status --overw") == Words{""});
  CHECK(completed(sandbox, "retrust run --output = j") == Words{"json"});
  CHECK(completed(sandbox, "retrust step get-t") == Words{"get-token"});
  const auto local = "--local-kubeconfig " + sandbox.file("local.kubeconfig");
  CHECK(completed(sandbox, "retrust run " + local + " --cluster c-x") == Words{"c-x7k2p"});
  CHECK(completed(sandbox, "retrust run " + local + " --cluster prod") == Words{"production"});
  // Without a cluster that answers there is nothing to offer, and nothing is said.
  CHECK(completed(sandbox, "retrust run --cluster c-x") == Words{""});
  CHECK(completed(sandbox, "retrust run --local-kubeconfig /nonexistent --cluster c-x") ==
        Words{""});
}

}  // namespace
}  // namespace retrust::e2e
