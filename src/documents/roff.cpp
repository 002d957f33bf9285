#include "documents/roff.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

namespace retrust::documents {
namespace {

enum class Quote { prose, literal };

std::string roff(std::string_view text, Quote quote) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '\\':
        result += "\\e";
        break;
      case '-':
        // A hyphen of prose is no minus. Text for a shell has minus signs.
        result += quote == Quote::literal ? "\\-" : "-";
        break;
      case '\'':
        result += "\\(aq";
        break;
      case '"':
        result += "\\(dq";
        break;
      case '^':
        result += "\\(ha";
        break;
      case '~':
        result += "\\(ti";
        break;
      case '`':
        result += "\\(ga";
        break;
      default:
        result += c;
    }
  }
  return result.starts_with('.') ? "\\&" + result : result;
}

/// Converts `bold` and *italic*. An open mark is text.
std::string inline_roff(std::string_view line) {
  std::string result;
  while (!line.empty()) {
    const auto mark = line.find_first_of("`*");
    const auto end =
        mark == std::string_view::npos ? std::string_view::npos : line.find(line[mark], mark + 1);
    if (end == std::string_view::npos) return result + escaped(line);
    if (mark > 0) result += escaped(line.substr(0, mark));
    const auto inner = line.substr(mark + 1, end - mark - 1);
    result += line[mark] == '`' ? bold(inner) : italic(inner);
    line.remove_prefix(end + 1);
  }
  return result;
}

}  // namespace

std::string escaped(std::string_view text) {
  // Options in prose keep their dashes.
  std::string result;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(' ', begin), text.size());
    const auto word = text.substr(begin, end - begin);
    result += roff(word, word.starts_with("--") ? Quote::literal : Quote::prose);
    if (end < text.size()) result += ' ';
    begin = end + 1;
  }
  return result;
}

std::string literal(const std::vector<std::string>& lines) {
  std::string text = ".PP\n.in +4n\n.EX\n";
  for (const auto& line : lines) text += roff(line, Quote::literal) + "\n";
  return text + ".EE\n.in\n";
}

std::string bold(std::string_view text) {
  // roff must not hyphenate options and variables at the end of a line.
  if (text.starts_with("--") || text.find('_') != std::string_view::npos) {
    return "\\%\\fB" + roff(text, Quote::literal) + "\\fR";
  }
  return "\\fB" + roff(text, Quote::literal) + "\\fR";
}

std::string italic(std::string_view text) {
  return "\\fI" + roff(text, Quote::literal) + "\\fR";
}

std::string man_page(std::string_view text, std::string_view source, const Part& part) {
  std::istringstream lines{std::string(text)};
  std::string line;
  std::getline(lines, line);
  std::istringstream head(line);
  std::string percent, name, section, date;
  if (!(head >> percent >> name >> section >> date) || percent != "%") {
    throw std::runtime_error("the first line is not \"% NAME SECTION DATE\"");
  }
  std::string page = fmt::format(".TH {} {} {} \"{}\"\n", name, section, date, source);
  enum class At { heading, prose, literal, gap } at = At::heading;
  while (std::getline(lines, line)) {
    if (at == At::literal && !line.starts_with("    ")) {
      page += ".EE\n.in\n";
      at = At::gap;
    }
    if (line.empty()) {
      if (at == At::prose) at = At::gap;
    } else if (line.starts_with("## ")) {
      page += ".SH " + escaped(line.substr(3)) + "\n";
      at = At::heading;
    } else if (line.starts_with("### ")) {
      page += ".SS " + escaped(line.substr(4)) + "\n";
      at = At::heading;
    } else if (line.starts_with("@")) {
      page += part(line.substr(1));
      at = line.starts_with("@step ") ? At::heading : At::gap;
    } else if (line.starts_with("= ")) {
      page += ".TP\n" + inline_roff(line.substr(2)) + "\n";
      at = At::prose;
    } else if (line.starts_with("- ")) {
      page += ".IP \\(bu 2\n" + inline_roff(line.substr(2)) + "\n";
      at = At::prose;
    } else if (line.starts_with("    ")) {
      if (at != At::literal)
        page += (at == At::heading ? "" : ".PP\n") + std::string(".in +4n\n.EX\n");
      page += roff(line.substr(4), Quote::literal) + "\n";
      at = At::literal;
    } else {
      if (at == At::gap) page += ".PP\n";
      page += inline_roff(line) + "\n";
      at = At::prose;
    }
  }
  if (at == At::literal) page += ".EE\n.in\n";
  return page;
}

}  // namespace retrust::documents
