#pragma once

#include <array>
#include <string>
#include <string_view>
#include <system_error>

#include "base/failure.h"

namespace retrust {

/// Standard output or standard error.
enum class Stream { out, err };

/// The only writer of standard output and standard error. Hands each text to the system at once, in
/// one piece if the system takes it so.
class Console {
 public:
  /// Writes the text. Standard output gets nothing more after an error: a gap in the middle would
  /// go unnoticed.
  void write(Stream stream, std::string_view text);
  /// Writes a drawing on standard error, which stays until anything else is written: `erasing` is
  /// written before that.
  void draw(std::string_view drawing, std::string_view erasing);
  /// Erases the drawing, if there is one.
  void erase();
  /// The first error of a stream, whose text is then incomplete. No error if the text is complete.
  std::error_code lost(Stream stream) const;

 private:
  std::array<std::error_code, 2> lost_;
  std::string_view erasing_ = {};  ///< empty while nothing is drawn
};

/// Opens /dev/null for each standard descriptor that is closed, so that no file of ours gets its
/// number. Writing to a standard output that was closed remains an error.
void hold_standard_descriptors();

/// Text of the error: "standard output cannot be written: No space left on device".
std::string lost_text(const Console& output);

/// The exit status of a program whose result is its output: failed if standard output is
/// incomplete. Reports the error, unless the reader of a pipe went away.
ExitStatus status_of_output(Console& output, ExitStatus status);

}  // namespace retrust
