#pragma once

#include "profile.h"
#include "store.h"

namespace retrust::sandbox {

/// Adds clusters resources named prod-0001 and so on to Rancher's own cluster. Each has what
/// Rancher keeps beside it: its namespace, the stored token and the registration tokens. No API
/// server is behind them, and nobody acts on them. The first 20 show every kind of record; further
/// ones repeat the 20 kinds in the same order. The same count gives the same names, IDs and states.
void add_records(Store& local, const RancherProfile& rancher, int count);

}  // namespace retrust::sandbox
