#include "tools/logrus.h"

#include <algorithm>

namespace retrust {
namespace {

/// The unquoted value of a key in `time="…" level=info msg="…"`.
std::string log_field(std::string_view line, std::string_view key) {
  const auto at = line.find(key);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + key.size());
  if (!line.starts_with('"')) return std::string(line.substr(0, line.find(' ')));
  std::string value;
  for (std::size_t i = 1; i < line.size() && line[i] != '"'; ++i) {
    if (line[i] == '\\' && i + 1 < line.size()) {
      ++i;
      value += line[i] == 'n' ? '\n' : line[i];
    } else {
      value += line[i];
    }
  }
  return value;
}

/// The line without the colours that logrus gives a level on a terminal.
std::string plain(std::string_view line) {
  std::string text;
  for (auto escape = line.find("\x1b["); escape != std::string_view::npos;
       escape = line.find("\x1b[")) {
    text += line.substr(0, escape);
    line.remove_prefix(escape);
    line.remove_prefix(line.find('m') == std::string_view::npos ? line.size() : line.find('m') + 1);
  }
  return text.append(line);
}

}  // namespace

bool LogLine::grave() const {
  return level == "warning" || level == "warn" || level == "error" || level == "erro" ||
         level == "fatal" || level == "fata";
}

LogLine read_log_line(std::string_view text) {
  const auto without_colors = plain(text);
  const std::string_view line = without_colors;
  if (line.starts_with("time=")) return {log_field(line, "level="), log_field(line, " msg=")};
  const auto close = line.find("] ");
  const auto open = line.find('[');
  if (open == 4 && close != std::string_view::npos) {
    std::string level(line.substr(0, open));
    std::transform(level.begin(), level.end(), level.begin(),
                   [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
    auto message = line.substr(close + 2);
    while (message.ends_with(' ')) message.remove_suffix(1);
    return {std::move(level), std::string(message)};
  }
  return {{}, std::string(line)};
}

void keep_warning(std::vector<DisplayText>& warnings, std::string_view message) {
  constexpr std::size_t most = 100;
  if (warnings.size() > most) return;
  if (std::find(warnings.begin(), warnings.end(), message) != warnings.end()) return;
  warnings.emplace_back(warnings.size() < most ? message : "further warnings were left out");
}

}  // namespace retrust
