#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/readable_pipe.hpp>

#include "base/descriptor.h"
#include "process/outcome.h"

namespace retrust {

/// One of a child's outputs, read until its end or until close().
class ChildOutput {
 public:
  explicit ChildOutput(const boost::asio::any_io_executor& executor) : pipe_(executor) {}

  /// Takes over the end of a pipe.
  void adopt(Descriptor& read_end);
  using Take = std::function<void(std::string_view)>;
  using Ended = std::function<void()>;
  /// Hands over each piece, then says that the output has ended. Both must keep this alive.
  void read(Take take, Ended ended);
  void close();
  /// False before adopt() and after the end.
  bool is_open() const { return open_; }

 private:
  boost::asio::readable_pipe pipe_;
  /// As much as a pipe holds, so that one read brings all that a child left in it. Not zeroed: only
  /// what was read is looked at.
  std::array<char, 65536> buffer_;
  bool open_ = false;
};

/// Keeps standard output up to a limit of bytes, and counts all of it. False where it is more.
bool keep_output(Outcome& outcome, std::string_view piece, std::size_t limit);

/// Keeps standard error up to 64 KiB, without the word that is cut off. False where it is more:
/// then nothing may follow.
bool keep_errors(Outcome& outcome, std::string_view piece);

}  // namespace retrust
