#pragma once

#include <string>
#include <vector>

#include "downstream.h"
#include "settings.h"

namespace retrust::sandbox {

/// The states that `--mix` names, with commas between them; all of them where it names none.
/// Throws where there is no such state.
std::vector<State> states_of(const std::string& mix);

/// The settings of a cluster in that state, where all clusters have these in common.
Settings in_state(Settings common, State state);

/// Of the cluster with that number: production is 1, store-002 is 2.
Downstream::Names names_of(int number, const Settings& settings);

}  // namespace retrust::sandbox
