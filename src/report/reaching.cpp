#include "report/reaching.h"

namespace retrust {

std::vector<std::string> downstream_words(const Options& options, const Observation& seen) {
  std::vector<std::string> words{options.kubectl, "--kubeconfig=" + options.kubeconfig};
  const auto& context =
      options.context.empty() ? seen.downstream.kubeconfig.context : options.context;
  if (!context.empty()) words.push_back("--context=" + context);
  return words;
}

std::vector<std::string> local_words(const Options& options, const Observation& seen) {
  if (options.local_kubeconfig.empty()) {
    return {options.docker, "exec", options.rancher_container, "kubectl"};
  }
  std::vector<std::string> words{options.kubectl, "--kubeconfig=" + options.local_kubeconfig};
  const auto& context =
      options.local_context.empty() ? seen.local.kubeconfig.context : options.local_context;
  if (!context.empty()) words.push_back("--context=" + context);
  return words;
}

}  // namespace retrust
