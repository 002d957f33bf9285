#pragma once

#include <array>
#include <string>
#include <string_view>
#include <system_error>

#include "base/failure.h"

namespace retrust {

/// Standard output or standard error.
enum class Stream { out, err };

/// The only writer of standard output and standard error. Each text is handed to the system at
/// once, in one piece where the system takes it so.
class Console {
 public:
  /// Writes the text. Standard output gets nothing more after an error: a gap in the middle would
  /// go unnoticed.
  void write(Stream stream, std::string_view text);
  /// The first error of a stream: its text is not whole. No error where it is.
  std::error_code lost(Stream stream) const;

 private:
  std::array<std::error_code, 2> lost_;
};

/// Opens /dev/null for each standard descriptor that is closed, so that no file of ours gets its
/// number. Writing to a standard output that was closed remains an error.
void hold_standard_descriptors();

/// "standard output cannot be written: No space left on device".
std::string lost_text(const Console& output);

/// The exit status of a program whose result is what it wrote: failed where standard output is not
/// whole. Says why, unless the reader of a pipe went away.
ExitStatus status_of_output(Console& output, ExitStatus status);

}  // namespace retrust
