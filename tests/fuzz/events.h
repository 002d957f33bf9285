#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "transcript/event_table.h"

namespace retrust::fuzz {

template <typename... Kinds>
void make_kind(std::variant<Kinds...>& what, std::size_t number) {
  std::size_t each = 0;
  ((each++ == number ? static_cast<void>(what = Kinds()) : void()), ...);
}

/// An event whose kind the first byte of a line says; each of its texts is what is said.
inline Event event_of(std::string_view line, const std::string& said) {
  Event event{.section = "2.1", .text = said};
  const std::size_t number = static_cast<unsigned char>(line.front());
  make_kind(event.what, number % std::variant_size_v<decltype(event.what)>);
  std::visit(
      [&](auto& what) {
        for_each_member(what, [](const auto&, auto& value) {
          using Value = std::decay_t<decltype(value)>;
          if constexpr (std::is_same_v<Value, std::vector<ShownStep>> ||
                        std::is_same_v<Value, std::vector<Advice>>) {
            value.resize(1);
          }
        });
        for_each_text(what, [&](std::string& text, TextShape) { text = said; });
      },
      event.what);
  event.weight = said.ends_with('.') ? Weight::routine : Weight::documented;
  return event;
}

}  // namespace retrust::fuzz
