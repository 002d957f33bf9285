#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "base/advice.h"
#include "base/failure_code.h"

namespace retrust {

/// A failure in words for the operator.
class Failure : public std::runtime_error {
 public:
  /// `happened` says what was tried and what came of it, `advice` what to do next (may be empty),
  /// `detail` is the underlying command's own message (may be empty).
  Failure(FailureCode cause, std::string happened, Advice next = {}, std::string detail_text = {})
      : std::runtime_error(happened),
        status(info_of(cause).status),
        code(cause),
        advice(std::move(next)),
        detail(std::move(detail_text)) {}
  /// The same without a code of its own.
  Failure(ExitStatus exit_status, std::string happened, Advice next = {},
          std::string detail_text = {})
      : Failure(code_of(exit_status), std::move(happened), std::move(next),
                std::move(detail_text)) {
    status = exit_status;
  }

  /// With the command's own message, for a sentence that goes on about something else.
  std::string in_full() const {
    return detail.empty() ? what() : std::string(what()) + ": " + detail;
  }

  ExitStatus status;
  FailureCode code;
  Advice advice;
  std::string detail;
};

/// Turns a failure into one after a change, where its status would say that nothing was changed.
void after_change(Failure& failure);

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
