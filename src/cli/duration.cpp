#include "cli/duration.h"

#include <array>
#include <charconv>

namespace retrust {

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
  };
  // "ms" before "m": the longer name goes first.
  constexpr std::array units{Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000},
                             Unit{"h", 3'600'000}};
  constexpr std::int64_t most = std::int64_t{365} * 24 * 3'600'000;
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  while (!text.empty()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number < 0 || number > most) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const Unit* found = nullptr;
    for (const auto& unit : units) {
      if (found == nullptr && text.starts_with(unit.name)) found = &unit;
    }
    if (found == nullptr) return std::nullopt;
    text.remove_prefix(found->name.size());
    if (number > most / found->milliseconds) return std::nullopt;
    total += number * found->milliseconds;
    if (total > most) return std::nullopt;
  }
  return std::chrono::milliseconds{total};
}

}  // namespace retrust
