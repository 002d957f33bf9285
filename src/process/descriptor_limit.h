#pragma once

#include <cstdint>
#include <optional>

namespace retrust {

/// Raises the soft limit of open files to the hard limit, up to 65536. Returns the soft limit of
/// before, which children get back, as select(2) knows no descriptor above 1023; nothing where it
/// stays.
std::optional<std::uint64_t> raise_descriptor_limit();

}  // namespace retrust
