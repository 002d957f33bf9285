#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace retrust {

/// Number of bytes that are read of one line of a child's output.
inline constexpr std::size_t longest_line = std::size_t{8} << 10U;

/// Mark at the end of a line that was cut.
inline constexpr std::string_view cut_mark = " […]";

/// Splits text that comes in pieces into lines. Of a line longer than `longest_line` it keeps the
/// whole words at the beginning, and adds `cut_mark`: a line that never ends costs no memory.
class LineSplitter {
 public:
  using OnLine = std::function<void(std::string_view)>;

  /// `on_line` gets each line without its end.
  explicit LineSplitter(OnLine on_line) : on_line_(std::move(on_line)) {}

  void feed(std::string_view piece);
  /// Gives the last line, if it had no end.
  void finish();

 private:
  void keep(std::string_view part);
  void give();

  OnLine on_line_;
  std::string line_;
  bool cut_ = false;
};

/// Calls `on_line` with each line of a whole text, cut as LineSplitter cuts.
void for_each_line(std::string_view text, const LineSplitter::OnLine& on_line);

/// The first line, cut at `longest_line`.
std::string_view first_line(std::string_view text);

/// The last line with anything but blanks in it, cut at `longest_line`; empty if there is none.
std::string_view last_line(std::string_view text);

/// The column of that index, from 0, between blanks and tabs; empty if the line has fewer. It
/// points into the line.
std::string_view column(std::string_view line, std::size_t index);

/// A number of decimal digits and nothing else. Nothing if it does not fit into 64 bits.
std::optional<std::uint64_t> whole_number(std::string_view text);

/// Whether the part stands anywhere in the text.
inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace retrust
