#include "tools/kubectl_words.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "base/text.h"

namespace retrust {
namespace {

/// Beginnings of kubectl's own lines: kubernetes/kubectl kubernetes-1.35.0, pkg/cmd/util/helpers.go
/// (checkErr, StandardErrorMessage, MultilineError), pkg/kuberc/kuberc.go; client-go,
/// plugin/pkg/client/auth/exec/exec.go (installHint), rest/warnings.go. The list also has lines of
/// docker and podman, for a kubectl in a container: docker_errors.cpp.
constexpr std::array beginnings{
    std::string_view{"Error from server"},
    std::string_view{"error: "},
    std::string_view{"Error: "},
    std::string_view{"Error in configuration"},
    std::string_view{"Unable to connect to the server"},
    std::string_view{"The connection to the server "},
    std::string_view{"Server returned an unexpected response"},
    std::string_view{"The request is invalid"},
    std::string_view{"Warning: "},
    std::string_view{"kuberc: "},
    std::string_view{"No resources found"},
    std::string_view{"See 'kubectl"},
    std::string_view{"Flag --"},
    std::string_view{"It looks like you are trying to use a client-go credential plugin"},
    std::string_view{"To learn more about this feature, consult the documentation"},
    std::string_view{"      https://kubernetes.io/docs/"},
    std::string_view{"Error response from daemon"},
    std::string_view{"Cannot connect to the Docker daemon"},
    std::string_view{"failed to connect to the docker API"},
    std::string_view{"Cannot connect to Podman"},
    std::string_view{"error during connect"},
    std::string_view{"permission denied while trying to connect"},
    std::string_view{"Got permission denied while trying to connect"},
    std::string_view{"OCI runtime exec failed"},
};

bool is_known(std::string_view line) {
  // `The Secret "x" is invalid`, and its causes, `* spec.x: …`.
  if (line.starts_with("The ") && line.find(" is invalid") != std::string_view::npos) return true;
  if (line.starts_with("* ")) return true;
  if (line.starts_with("context \"") && line.ends_with(" does not exist")) return true;
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view begins) { return line.starts_with(begins); });
}

/// Whether a line is of klog, e.g. `I0312 12:00:00.000000 …`: severity, month and day
/// (k8s.io/klog/v2, klog.go).
bool is_log(std::string_view line) {
  constexpr std::string_view severities = "IWEF";
  if (line.size() < 6 || severities.find(line[0]) == std::string_view::npos) return false;
  return line[5] == ' ' && std::all_of(line.begin() + 1, line.begin() + 5,
                                       [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// A line without its quotations of a kubeconfig. kubernetes/client-go kubernetes-1.20.0,
/// tools/clientcmd/loader.go wraps the messages of the decoders. The decoders quote entries
/// ("duplicate name … in list:"), some bytes around an error (json-iterator, iter.go), keys and
/// values (yaml.v2).
std::string without_contents(std::string_view line) {
  constexpr std::array about{std::string_view{"error loading config file"},
                             std::string_view{"Error in configuration"}};
  constexpr std::array quotes{std::string_view{" in list: "}, std::string_view{"error found in #"},
                              std::string_view{"map key: "},  std::string_view{"anchor '"},
                              std::string_view{"`"},          std::string_view{"{"},
                              std::string_view{"|"}};
  const auto concerns = std::any_of(about.begin(), about.end(), [&](std::string_view part) {
    return line.find(part) != std::string_view::npos;
  });
  auto end = line.size();
  for (const auto& quote : quotes) {
    if (concerns) end = std::min(end, line.find(quote));
  }
  return end < line.size() ? std::string(line.substr(0, end)) + "…" : std::string(line);
}

}  // namespace

KubectlWords kubectl_words(std::string_view err) {
  KubectlWords words;
  std::set<std::string> told;
  // A value of several lines in klog's log: k8s.io/klog/v2 v2.130.1,
  // internal/serialize/keyvalues.go: writeStringValue.
  auto logged = false;
  for (const auto& line : split_lines(err)) {
    if (logged && (line.starts_with('\t') || line.starts_with(" >"))) {
      logged = !line.starts_with(" >") || line.ends_with("=<");
      continue;
    }
    logged = is_log(line) && line.ends_with("=<");
    if (line.empty() || is_log(line)) continue;
    if (is_known(line)) {
      const auto shown = without_contents(line);
      if (told.insert(shown).second) words.known += shown + "\n";
    } else if (told.insert(line).second) {
      words.others += line + "\n";
      ++words.withheld;
    }
  }
  return words;
}

bool plugin_failed(std::string_view known) {
  return known.find("getting credentials: ") != std::string_view::npos;
}

std::string_view whole_words(std::string_view text) {
  const auto end = text.find_last_of(" \t\r\n");
  return end == std::string_view::npos ? std::string_view{} : text.substr(0, end + 1);
}

}  // namespace retrust
