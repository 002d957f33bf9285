// What many downstream clusters are called, and how they are found.
#include "fleet.h"

#include <map>
#include <stdexcept>

#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>
#include <fmt/format.h>

#include "ids.h"

namespace retrust::sandbox {
namespace {

const std::vector<std::pair<std::string, State>>& known_states() {
  static const std::vector<std::pair<std::string, State>> known{
      {"renewed", State::renewed},
      {"ca-only", State::ca_only},
      {"healthy", State::healthy},
      {"silent", State::silent},
      {"wrong-kubeconfig", State::wrong_kubeconfig},
      {"unreachable", State::unreachable},
      {"hosted", State::hosted},
      {"elsewhere", State::elsewhere}};
  return known;
}

State state_of(const std::string& name) {
  for (const auto& [known, state] : known_states()) {
    if (known == name) return state;
  }
  throw std::runtime_error("--mix: there is no state " + name);
}

}  // namespace

std::vector<State> states_of(const std::string& mix) {
  std::vector<State> states;
  if (mix.empty()) {
    for (const auto& [name, state] : known_states()) states.push_back(state);
    return states;
  }
  std::vector<std::string> names;
  boost::split(names, mix, boost::is_any_of(","));
  for (const auto& name : names) states.push_back(state_of(name));
  return states;
}

Settings in_state(Settings common, State state) {
  switch (state) {
    case State::renewed:
    case State::wrong_kubeconfig:
      break;
    case State::ca_only:
      common.scenario = Scenario::ca_only;
      break;
    case State::healthy:
      common.scenario = Scenario::healthy;
      break;
    case State::silent:
      common.faults.set_from("agents-never-report");
      break;
    case State::unreachable:
      common.faults.set_from("unreachable");
      break;
    case State::hosted:
      common.driver =
          common.rancher.number < Version{2, 5, 0} ? "amazonElasticContainerService" : "EKS";
      break;
    case State::elsewhere:
      common.faults.set_from("registered-elsewhere");
      break;
  }
  common.state = state;
  return common;
}

Downstream::Names names_of(int number, const Settings& settings) {
  if (number == 1) return {};
  const auto name = fmt::format("store-{:03}", number);
  const auto provisioned =
      settings.rancher.number >= Version{2, 6, 0} && !settings.token_of_ranchers_own();
  return {.server = name,
          .id = made_id(name, provisioned ? Origin::provisioning : Origin::management),
          .display_name = name};
}

}  // namespace retrust::sandbox
