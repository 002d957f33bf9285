#include "settings.h"

#include <set>
#include <stdexcept>

namespace retrust::sandbox {
namespace {

enum class Where { played, anywhere };

const std::map<std::string, Where>& known_faults() {
  static const std::map<std::string, Where> known{{"agents-never-report", Where::anywhere},
                                                  {"linger-old-agent", Where::anywhere},
                                                  {"node-away", Where::anywhere},
                                                  {"close-watches", Where::played},
                                                  {"restart-downstream", Where::played},
                                                  {"restart-local", Where::played},
                                                  {"conflict", Where::played},
                                                  {"slow-token", Where::played},
                                                  {"two-tokens", Where::played},
                                                  {"no-token", Where::played},
                                                  {"old-ca-handed-out", Where::played},
                                                  {"secrets-later", Where::played},
                                                  {"map-later", Where::played},
                                                  {"review-trouble", Where::played},
                                                  {"twin-name", Where::played},
                                                  {"dockercfg", Where::played},
                                                  {"cattle-deployment", Where::anywhere},
                                                  {"broken-credentials", Where::played},
                                                  {"no-agents-start", Where::played},
                                                  {"new-pods", Where::played},
                                                  {"registered-elsewhere", Where::played},
                                                  {"unreachable", Where::played},
                                                  {"forbidden", Where::played},
                                                  {"forbidden-local", Where::played},
                                                  {"no-leases", Where::played},
                                                  {"others-start", Where::played},
                                                  {"node", Where::played},
                                                  {"slow-rancher", Where::anywhere},
                                                  {"rollout-awaits-reader", Where::played},
                                                  {"credential-missing", Where::anywhere},
                                                  {"stored-crlf", Where::played},
                                                  {"ca-bundle", Where::played},
                                                  {"additional-ca", Where::played},
                                                  {"no-managed-fields", Where::played},
                                                  {"metrics-away", Where::played},
                                                  {"registration", Where::played},
                                                  {"backup", Where::played}};
  return known;
}

}  // namespace

void Faults::set_from(const std::string& text) {
  const auto equals = text.find('=');
  const auto name = text.substr(0, equals);
  if (!known_faults().contains(name)) throw std::runtime_error("there is no fault " + name);
  values_[name] = equals == std::string::npos ? "" : text.substr(equals + 1);
}

void Faults::require_live() const {
  for (const auto& [name, value] : values_) {
    if (known_faults().at(name) == Where::played) {
      throw std::runtime_error("a real control plane cannot show the fault " + name);
    }
  }
}

bool Settings::token_of_ranchers_own() const {
  static const std::set<std::string> drivers{"EKS",
                                             "AKS",
                                             "GKE",
                                             "Alibaba",
                                             "amazonElasticContainerService",
                                             "azureKubernetesService",
                                             "googleKubernetesEngine",
                                             "rancherKubernetesEngine"};
  return drivers.contains(driver);
}

}  // namespace retrust::sandbox
