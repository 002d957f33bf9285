#pragma once

namespace retrust {

/// What is updated in place on a terminal, and makes room for a question.
class Display {
 public:
  Display() = default;
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;
  virtual ~Display() = default;
  /// Erases the drawing, and draws nothing until go_on(): while somebody types, or when nothing
  /// follows.
  virtual void rest() = 0;
  virtual void go_on() = 0;
};

}  // namespace retrust
