#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace retrust::fuzz {

/// JSON documents with the fields that fixtures/faithfulness has recorded of real API servers: each
/// object, and for each server one List of all, as kubectl prints it. Values that are not recorded
/// are made up.
std::vector<std::string> faithful_documents(const std::filesystem::path& fixtures);

}  // namespace retrust::fuzz
