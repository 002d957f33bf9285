#pragma once

#include <string>
#include <string_view>

#include "tools/arguments.h"

namespace retrust {

/// What a kubectl command does, as the subject of a sentence: "deleting the pods". `given`
/// describes its standard input. Pure.
std::string action_text(const Arguments& args, std::string_view given = {});

}  // namespace retrust
