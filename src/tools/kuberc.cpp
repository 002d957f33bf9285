#include "tools/kuberc.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <string_view>
#include <strings.h>
#include <system_error>

#include "process/executable.h"

namespace retrust {
namespace {

/// An option with its value without a kuberc, and its one-letter form if there is one.
struct Option {
  Word given;
  std::string_view letter = {};

  std::string_view name() const { return given.text().substr(0, given.text().find('=')); }
};

// The options of kubernetes/kubectl kubernetes-1.36.1: pkg/cmd/get/get.go, delete/delete_flags.go,
// create/create.go, replace/replace.go, rollout/rollout_restart.go, util/helpers.go; and
// kubernetes/cli-runtime, pkg/genericclioptions/config_flags.go. An empty value is the same as none
// there. kubectl itself refuses --filename beside names of objects.

constexpr std::array of_get{
    Option{"--all-namespaces=false", "-A"},
    Option{"--field-selector="},
    Option{"--ignore-not-found=false"},
    Option{"--output=", "-o"},
    Option{"--output-watch-events=false"},
    Option{"--raw="},
    Option{"--selector=", "-l"},
    Option{"--subresource="},
    Option{"--watch=false", "-w"},
    Option{"--watch-only=false"},
};

constexpr std::array of_delete{
    Option{"--all=false"},          Option{"--all-namespaces=false", "-A"},
    Option{"--cascade=background"}, Option{"--dry-run=none"},
    Option{"--field-selector="},    Option{"--force=false"},
    Option{"--grace-period=-1"},    Option{"--interactive=false", "-i"},
    Option{"--kustomize=", "-k"},   Option{"--now=false"},
    Option{"--output=", "-o"},      Option{"--raw="},
    Option{"--selector=", "-l"},    Option{"--timeout=0s"},
};

constexpr std::array of_create{
    Option{"--dry-run=none"}, Option{"--edit=false"},        Option{"--kustomize=", "-k"},
    Option{"--raw="},         Option{"--save-config=false"}, Option{"--selector=", "-l"},
};

// The options of proxy.go. --port and --address do not apply to a socket.
constexpr std::array of_proxy{
    Option{"--accept-paths=^.*"},
    Option{"--api-prefix=/"},
    Option{"--append-server-path=false"},
    Option{"--disable-filter=false"},
    Option{"--www=", "-w"},
};

constexpr std::array of_replace{
    Option{"--cascade=background"},
    Option{"--dry-run=none"},
    Option{"--force=false"},
    Option{"--grace-period=-1"},
    Option{"--kustomize=", "-k"},
    Option{"--output=", "-o"},
    Option{"--raw="},
    Option{"--save-config=false"},
    Option{"--subresource="},
    Option{"--timeout=0s"},
};

constexpr std::array of_rollout{
    Option{"--selector=", "-l"},
};

std::span<const Option> options_of(std::string_view command) {
  if (command == "get") return of_get;
  if (command == "delete") return of_delete;
  if (command == "create") return of_create;
  if (command == "proxy") return of_proxy;
  if (command == "replace") return of_replace;
  if (command == "rollout") return of_rollout;
  return {};
}

bool gives(const Arguments& args, const Option& option) {
  const auto& words = args.list();
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return word.substr(0, word.find('=')) == option.name() || word == option.letter;
  });
}

}  // namespace

// kubernetes/kubectl v0.33.0 and v0.34.0: KubeRC in pkg/cmd/cmd.go and pkg/cmd/util/helpers.go.
KubectlDefaults defaults_of(const std::string& version, const char* gate) {
  constexpr std::string_view major = "v1.";
  constexpr int where_asked_for = 33;
  if (!version.starts_with(major)) return KubectlDefaults::of_kuberc;
  const auto minor = std::atoi(version.c_str() + major.size());
  const auto is = [&](const char* value) {
    return gate != nullptr && ::strcasecmp(gate, value) == 0;
  };
  const auto reads =
      minor == where_asked_for ? is("true") : minor > where_asked_for && !is("false");
  return reads ? KubectlDefaults::of_kuberc : KubectlDefaults::built_in;
}

// kubernetes/kubectl kubernetes-1.36.1, pkg/kuberc/kuberc.go: LoadKuberc.
std::optional<std::filesystem::path> kuberc_file() {
  const auto* named = std::getenv("KUBERC");
  const std::string_view name(named == nullptr ? "" : named);
  if (name == "off") return std::nullopt;
  const auto path = name.empty() ? std::filesystem::path(home_folder()) / ".kube" / "kuberc"
                                 : std::filesystem::path(name);
  std::error_code unknown;
  return std::filesystem::exists(path, unknown) ? std::optional(path) : std::nullopt;
}

Arguments over_kuberc(Arguments args) {
  for (const auto& option : options_of(args.command())) {
    if (!gives(args, option)) args.words({option.given});
  }
  const Option name_space{"--namespace=", "-n"};
  if (!gives(args, name_space)) args.words({name_space.given});
  return args;
}

}  // namespace retrust
