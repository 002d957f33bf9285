#include "fuzz/target.h"

#include <cstdlib>
#include <iostream>

namespace retrust::fuzz {

const std::vector<Target>& all_targets() {
  static const std::vector<Target> targets{
      {"json-stream", json_stream},
      {"json-answer", json_answer},
      {"certificate", certificate},
      {"base64", base64},
      {"token", token},
      {"rke-log", rke_log},
      {"k3s-log", k3s_log},
      {"container", container},
      {"command-errors", command_errors},
      {"kubeconfig", kubeconfig},
      {"cluster", cluster},
      {"options", options},
      {"config-file", config_file},
      {"text", text},
      {"markdown", markdown},
      {"transcript", transcript},
      {"difference", difference},
      {"redactor", redactor},
      {"secret", secret},
      {"secret-shape", secret_shape},
      {"lines", lines},
      {"kubectl-output", kubectl_output},
      {"volume", volume},
      {"saved-files", saved_files},
      {"saved-plan", saved_plan},
  };
  return targets;
}

void require(bool holds, std::string_view property) {
  if (holds) return;
  std::cerr << "does not hold: " << property << std::endl;
  std::abort();
}

}  // namespace retrust::fuzz
