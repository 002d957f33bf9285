#pragma once

#include <sys/types.h>
#include <termios.h>

namespace retrust {

/// Whether standard input and error are a terminal, and this process may lend the terminal to a
/// child: a shell has not put this process into the background.
bool can_lend_terminal();

/// The terminal of standard input while a child's process group is its foreground group: the child
/// may read, and Ctrl-C ends the child. Ctrl-Z does nothing meanwhile, because nobody would
/// continue the child.
class LentTerminal {
 public:
  /// Lends the terminal to the process group that the child leads.
  explicit LentTerminal(pid_t child);
  /// Takes the terminal back, with the modes from before: a child may have died with echo off.
  ~LentTerminal();
  LentTerminal(const LentTerminal&) = delete;
  LentTerminal& operator=(const LentTerminal&) = delete;

 private:
  pid_t child_;
  termios modes_{};
  bool saved_ = false;
};

}  // namespace retrust
