#include <algorithm>
#include <set>

#include <doctest/doctest.h>

#include "base/failure.h"
#include "observe/commands.h"
#include "observe/stored_token.h"
#include "tools/arguments.h"
#include "tools/docker.h"
#include "tools/k3s.h"
#include "tools/kubectl.h"
#include "tools/rke.h"

namespace retrust {
namespace {

/// Every word that may begin with a dash, and what a word with a value begins with.
const std::set<std::string> options{"-n",
                                    "-o",
                                    "-w",
                                    "-f",
                                    "-",
                                    "-i",
                                    "-e",
                                    "-c",
                                    "-sk",
                                    "--raw",
                                    "--all-namespaces",
                                    "--wait=false",
                                    "--validate=false",
                                    "--ignore-not-found",
                                    "--no-headers",
                                    "--interactive=false",
                                    "--cascade=background",
                                    "--dry-run=none",
                                    "--force=false",
                                    "--output-watch-events",
                                    "--config",
                                    "--name",
                                    "--type",
                                    "--field-selector=type=kubernetes.io/service-account-token"};

bool is_known(const std::string& word) {
  return !word.starts_with('-') || options.contains(word) ||
         word.starts_with("--field-selector=metadata.name=") || word.starts_with("--kubeconfig=") ||
         word.starts_with("--context=");
}

/// All that can be made of any names that follow their rules.
std::vector<Arguments> all_of(const std::string& name) {
  const ObjectName object(name);
  const NamespaceName label(name);
  const ContainerName container(name);
  const std::vector<ObjectName> objects{object, object};
  return {commands::observe_downstream(label).args(),
          commands::observe_local(label, name).args(),
          commands::kube_system().args(),
          commands::registration_tokens(label).args(),
          commands::clusters_definition().args(),
          commands::cluster_names(),
          commands::delete_secrets(label, objects),
          commands::token_secrets(label).args(),
          commands::service_account(label, object).args(),
          commands::accounts_and_secrets(label).args(),
          commands::ca_holders(label, object).args(),
          commands::delete_pods(label, objects),
          commands::pods(label).args(),
          commands::describe_pods(label),
          commands::secret(label, object).args(),
          commands::cluster(label).args(),
          commands::watched_cluster(label).args(),
          commands::restart_deployment(label, object),
          commands::watched_deployment(label, object).args(),
          commands::delete_given(),
          commands::versions_given(),
          Kubectl::get_args(commands::secret(label, object)),
          Kubectl::watch_args(commands::pods(label)),
          Kubectl::replace_args(),
          Kubectl::replace_raw_args(status_path_of(label)),
          Kubectl::create_args(),
          Docker::restart_args(container),
          Docker::archive_args(container, "/tmp/" + name, "/var/lib/rancher"),
          Docker::copy_args(container, "/tmp/" + name, "-" + name),
          K3s::save_args("-" + name),
          Rke::save_args("-" + name, "-" + name)};
}

TEST_CASE("no word of a command is an option that is not one of ours") {
  for (const std::string name : {"all", "kubeconfig", "a", "c-x7k2p", "x-n", "0"}) {
    for (const auto& args : all_of(name)) {
      for (const auto& word : args.list()) {
        CAPTURE(word);
        CHECK(is_known(word));
      }
    }
  }
}

TEST_CASE("names from outside stand behind their kind") {
  const auto pods = commands::delete_pods("cattle-system", {"all", "kubeconfig"});
  CHECK(std::count(pods.list().begin(), pods.list().end(), "pod/all") == 1);
  CHECK(std::count(pods.list().begin(), pods.list().end(), "pod/kubeconfig") == 1);
  CHECK(std::count(pods.list().begin(), pods.list().end(), "all") == 0);
}

TEST_CASE("what would be an option is refused before there is a command") {
  CHECK_THROWS_AS(commands::delete_pods("cattle-system", {"--all"}), Failure);
  CHECK_THROWS_AS(commands::secret("cattle-system", "--kubeconfig=FILE"), Failure);
  CHECK_THROWS_AS(commands::pods("--all-namespaces"), Failure);
  CHECK_THROWS_AS(commands::cluster("--all"), Failure);
  // A program's own mistakes: nothing to act on, or a path that is none.
  CHECK_THROWS_AS(Arguments().object("pod", ObjectName()), std::logic_error);
  CHECK_THROWS_AS(Arguments().absolute_path("--raw"), std::logic_error);
  CHECK_THROWS_AS(Arguments().container_path("rancher", "-x"), std::logic_error);
}

TEST_CASE("a file that begins with a dash is no option") {
  const auto args = Arguments{"etcd"}.path("--config", "-x.yml");
  CHECK(args.list() == std::vector<std::string>{"etcd", "--config", "./-x.yml"});
  CHECK(Arguments().joined("--kubeconfig=", "-x").list() ==
        std::vector<std::string>{"--kubeconfig=-x"});
}

}  // namespace
}  // namespace retrust
