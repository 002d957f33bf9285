#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "fuzz/target.h"

namespace {

/// --target=NAME: libFuzzer passes over words that begin with two dashes.
const retrust::fuzz::Target* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  constexpr std::string_view option = "--target=";
  for (int i = 1; i < *argc; ++i) {
    const std::string_view word = (*argv)[i];
    if (!word.starts_with(option)) continue;
    for (const auto& target : retrust::fuzz::all_targets()) {
      if (target.name == word.substr(option.size())) chosen = &target;
    }
  }
  if (chosen == nullptr) {
    std::cerr << "fuzz: --target=NAME is required; fuzz-replay --list prints the names\n";
    std::exit(2);
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // An empty input has no address.
  chosen->run(size == 0 ? std::string_view("")
                        : std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
