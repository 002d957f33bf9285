#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/advice.h"

namespace retrust {

/// A fenced block. The fence is longer than any run of backquotes in the content, so the content
/// cannot end it.
std::string fenced(std::string_view content, std::string_view language);

/// Printable text within a line of Markdown. Words stay as they are if GitHub, GitLab, Mattermost
/// and Jira see nothing but words in them. Others, such as links, domains, mentions, references and
/// markup, become code spans. Text behind a colon that holds such a word becomes one span: a
/// cluster or a program said the text.
std::string inline_text(std::string_view text);

/// An advice within a line of Markdown: its command becomes one code span.
std::string advice_text(const Advice& advice);

/// Printable text in a cell of a table: `|` would end the cell even in a code span, and becomes
/// `¦`.
std::string cell_text(std::string_view text);

/// A table that reads well without rendering: all columns but the last have a fixed width, of 60 at
/// most.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace retrust
