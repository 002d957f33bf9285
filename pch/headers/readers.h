// Headers that most files include, compiled once: what takes longest to read of what may be seen by
// files that read text from outside.
#ifndef PCH_READERS_H  // g++ warns of #pragma once in a header that it precompiles
#define PCH_READERS_H
#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#endif
