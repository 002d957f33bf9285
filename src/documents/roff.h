#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace retrust::documents {

/// Text for roff, with nothing in it that roff would take for its own.
std::string escaped(std::string_view text);
/// Lines that are shown as they are.
std::string literal(const std::vector<std::string>& lines);
std::string bold(std::string_view text);
std::string italic(std::string_view text);

/// What stands for a line "@directive", as roff; throws where there is no such.
using Part = std::function<std::string(const std::string& directive)>;

/// A man page from a text whose first line is "% NAME SECTION DATE". Then: "## " and "### " for
/// headings, "- " for items, "= " for a term that the lines below explain, four spaces for what is
/// shown as it is, "@" for parts from elsewhere, and `bold` and *italic* within a line.
std::string man_page(std::string_view text, std::string_view source, const Part& part);

}  // namespace retrust::documents
