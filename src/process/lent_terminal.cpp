#include "process/lent_terminal.h"

#include <unistd.h>

#include "process/child_setup.h"

namespace retrust {

bool can_lend_terminal() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1 &&
         ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
}

LentTerminal::LentTerminal() {
  saved_ = ::tcgetattr(STDIN_FILENO, &modes_) == 0;
  if (saved_) {
    auto without_stop = modes_;
    without_stop.c_cc[VSUSP] = _POSIX_VDISABLE;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &without_stop);
  }
}

LentTerminal::~LentTerminal() {
  // The shell that started this process may have taken the terminal meanwhile.
  const auto holder = ::tcgetpgrp(STDIN_FILENO);
  const auto shell = ::getpgid(::getppid());
  if (holder == shell && holder != ::getpgrp()) return;
  // In the background, SIGTTOU would stop this process.
  const SignalsHeld held;
  ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
  if (saved_) ::tcsetattr(STDIN_FILENO, TCSANOW, &modes_);
}

}  // namespace retrust
