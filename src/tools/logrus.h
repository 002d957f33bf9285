#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/display_text.h"

namespace retrust {

/// A line as logrus writes it, the logger of rke, k3s and RKE2.
struct LogLine {
  std::string level;    ///< in small letters, whole or its first four; empty for any other line
  DisplayText message;  ///< without the blanks that fill it up on a terminal

  /// A warning or worse.
  bool grave() const;
};

/// `INFO[0000] …` as logrus writes to a terminal, with or without colors, or fields
/// (`level=info msg="…"`) as it does to a pipe. What is neither is a line of its own, of no level.
LogLine read_log_line(std::string_view text);

/// Keeps a warning of a child, each once and the first 100 of them; then it says that there were
/// more.
void keep_warning(std::vector<DisplayText>& warnings, std::string_view message);

}  // namespace retrust
