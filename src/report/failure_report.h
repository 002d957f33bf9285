#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include "transcript/event.h"

namespace retrust {

/// The output of `status`, `plan` or `list` with -o json if the command failed or was refused: see
/// failure_fields() in report_fields.h. `message` says what happened. Pure.
boost::json::object failure_report(const FailureTold& failure, std::string_view message);

}  // namespace retrust
