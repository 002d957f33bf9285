#pragma once

#include <string>
#include <vector>

#include "transcript/event.h"

namespace retrust {

/// Writes summary.md from the events of a run of several clusters so far: the verdict, a table of
/// the clusters, the next actions, and where the transcript of each cluster is. Pure; the events
/// are masked already.
std::string summary(const std::vector<Event>& events);

}  // namespace retrust
