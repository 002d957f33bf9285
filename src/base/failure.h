#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "base/advice.h"

namespace retrust {

/// Exit status of the program. 128 + n stands for an end by signal n.
enum class ExitStatus : int {
  done = 0,
  failed = 1,
  usage = 2,
  differs = 3,
  refused = 4,
  gave_up = 5,
};

/// A failure in words for the operator.
class Failure : public std::runtime_error {
 public:
  /// `happened` says what was tried and what came of it, `advice` what to do next (may be empty),
  /// `detail` is the underlying command's own message (may be empty).
  Failure(ExitStatus exit_status, std::string happened, Advice next = {},
          std::string detail_text = {})
      : std::runtime_error(happened),
        status(exit_status),
        advice(std::move(next)),
        detail(std::move(detail_text)) {}

  /// With the command's own message, for a sentence that goes on about something else.
  std::string in_full() const {
    return detail.empty() ? what() : std::string(what()) + ": " + detail;
  }

  ExitStatus status;
  Advice advice;
  std::string detail;
};

/// The text of an exception. Boost's own text may end with a source path of the library.
std::string reason_of(const std::exception& error);

/// Whether the system lacks a descriptor, a process, memory or room on a disk.
bool is_shortage(const std::error_code& error);

/// The failure of something for lack of that, with advice that names the limit.
Failure shortage(std::string happened, const std::error_code& error);

/// The failure for an exception that no caller expects.
Failure unexpected(const std::exception& error);

/// A signal asked us to end. Not a std::exception: nothing but the top may swallow it.
struct Interrupted {
  int signal;
};

}  // namespace retrust
