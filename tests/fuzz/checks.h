#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json/value.hpp>

namespace retrust::fuzz {

/// Well-formed UTF-8. Decided by Boost.JSON, not by the code under test.
bool is_utf8(std::string_view text);

/// UTF-8 without control characters and bidirectional overrides; line ends and tabs are allowed.
bool is_printable(std::string_view text);

/// is_printable, and without line ends and tabs.
bool is_one_line(std::string_view text);

/// The input as one JSON document; nothing where it is none.
std::optional<boost::json::value> parsed(std::string_view input);

/// Hands on the text in pieces. Their sizes follow from the text alone, so a crash can be repeated.
void in_pieces(std::string_view text, const std::function<void(std::string_view)>& on_piece);

/// The input before and after the first such separator; all of it is before where there is none.
std::pair<std::string_view, std::string_view> halves(std::string_view input,
                                                     std::string_view separator);

}  // namespace retrust::fuzz
