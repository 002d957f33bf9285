#pragma once

#include <string>
#include <string_view>

namespace retrust::faults {

/// Appends a line to a file that many processes append to; its number, from 1.
unsigned counted(const std::string& path, std::string line);

/// Whether all of it was written.
bool write_all(int descriptor, std::string_view text);

}  // namespace retrust::faults
