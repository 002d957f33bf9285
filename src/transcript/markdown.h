#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace retrust {

/// A fenced block that its content cannot end: the fence is longer than any run of backquotes in
/// it.
std::string fenced(std::string_view content, std::string_view language);

/// Printable text within a line of Markdown: what would be markup, also to Jira, is escaped.
std::string inline_text(std::string_view text);

/// A table that can be read without being rendered: columns of the same width, but the last one.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace retrust
