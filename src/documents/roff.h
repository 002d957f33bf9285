#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace retrust::documents {

/// Text for roff, with roff's special characters escaped.
std::string escaped(std::string_view text);
/// Lines in roff that keep their form.
std::string literal(const std::vector<std::string>& lines);
std::string bold(std::string_view text);
std::string italic(std::string_view text);

/// Returns the roff for a line "@directive". Throws if the directive is unknown.
using Part = std::function<std::string(const std::string& directive)>;

/// Makes a man page from a text whose first line is "% NAME SECTION DATE". Then "## " and "### "
/// begin headings, "- " items, "= " a term that the lines below explain. Four spaces begin literal
/// lines, "@" parts from elsewhere. `bold` and *italic* stand within a line.
std::string man_page(std::string_view text, std::string_view source, const Part& part);

}  // namespace retrust::documents
