// Which cluster a command goes to, where a kubeconfig leads to several.
#include <cstdlib>
#include <filesystem>

#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

/// A kubectl that changes the current context before it shows the version of both: that is one of
/// the first commands. Another terminal does so at any time.
std::string switching_kubectl(Sandbox& sandbox, const std::string& kubeconfig) {
  const char* named = std::getenv("RETRUST_TEST_KUBECTL");
  const std::string real = named == nullptr ? "kubectl" : named;
  const auto path = sandbox.directory() / "switching-kubectl";
  write_file(path, "#!/bin/sh\ncase \" $* \" in *' create '*) '" + real + "' --kubeconfig='" +
                       kubeconfig + "' config use-context local >&2 ;; esac\nexec '" + real +
                       "' \"$@\"\n");
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

TEST_CASE("another current context meanwhile leads no command to another cluster") {
  Sandbox sandbox;
  const auto kubeconfig = sandbox.merged_kubeconfig();
  const auto run = sandbox.retrust({.args = {"run", "--yes", "--no-rancher-backup"},
                                    .kubeconfig = kubeconfig,
                                    .kubectl = switching_kubectl(sandbox, kubeconfig)});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(read_file(kubeconfig).find("current-context: local") != std::string::npos);
  CHECK(sandbox.ready() == "True");
  for (const auto& change : sandbox.changes()) {
    CAPTURE(change);
    CHECK(change.starts_with("downstream "));
  }
}

}  // namespace
}  // namespace retrust::e2e
