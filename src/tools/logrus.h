#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/display_text.h"

namespace retrust {

/// A line of logrus, the logger of rke, k3s and RKE2.
struct LogLine {
  std::string level;    ///< lower case, complete or the first 4 letters; empty if not from logrus
  DisplayText message;  ///< without trailing blanks, which pad messages on a terminal

  /// Whether the line is a warning or worse.
  bool grave() const;
};

/// Reads a line in the terminal form, `INFO[0000] …` with or without colours, or in the pipe form,
/// `level=info msg="…"`. Any other text is a message without a level.
LogLine read_log_line(std::string_view text);

/// Keeps each warning of a child once. After the first 100 warnings a note tells that there were
/// more.
void keep_warning(std::vector<DisplayText>& warnings, std::string_view message);

}  // namespace retrust
