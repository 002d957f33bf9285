#pragma once

#include <termios.h>

namespace retrust {

/// Whether standard input and error are a terminal, and this process may lend the terminal to a
/// child: a shell has not put this process into the background.
bool can_lend_terminal();

/// The terminal of standard input while a child's process group is its foreground group: the child
/// may read, and Ctrl-C ends the child. Ctrl-Z does nothing meanwhile, because nobody would
/// continue the child. The child takes the terminal itself before its program begins (ChildTerms).
/// If we gave it the terminal, the child could read too early and be stopped for ever.
class LentTerminal {
 public:
  /// Keeps the terminal's modes, and Ctrl-Z from it.
  LentTerminal();
  /// Takes the terminal back, with the modes from before: a child may have died with echo off.
  ~LentTerminal();
  LentTerminal(const LentTerminal&) = delete;
  LentTerminal& operator=(const LentTerminal&) = delete;

 private:
  termios modes_{};
  bool saved_ = false;
};

}  // namespace retrust
