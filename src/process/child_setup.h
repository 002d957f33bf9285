#pragma once

#include <array>
#include <csignal>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/descriptor.h"
#include "process/process.h"

namespace retrust {

/// Both ends of a pipe, neither of which a child inherits by itself.
struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};

/// Makes a pipe. Throws std::system_error, for example if too many files are open.
Pipe make_pipe();

/// A descriptor of a child that becomes readable when the child has ended, also before anybody has
/// awaited it; nothing on a kernel before Linux 5.3, which has none. Throws std::system_error.
std::optional<Descriptor> open_child(int pid);

/// Whether a child that nobody has awaited has ended.
bool has_ended(int pid);

/// Kills a child that is not needed and awaits its end.
void kill_and_await(int pid);

/// /dev/null, with whichever of the three standard descriptors are closed filled by it as well for
/// as long as this lives: otherwise a pipe for a child could get one of their numbers, which is
/// overwritten before the child starts.
class NullDevice {
 public:
  /// Opens the device. Throws std::system_error.
  NullDevice();

  int get() const { return device_.get(); }

 private:
  std::array<Descriptor, 3> fillers_;
  Descriptor device_;
};

/// Our own environment with additions, in the form that exec takes.
class ChildEnvironment {
 public:
  explicit ChildEnvironment(const std::map<std::string, std::string>& additions);
  ChildEnvironment(const ChildEnvironment&) = delete;
  ChildEnvironment& operator=(const ChildEnvironment&) = delete;

  const char* const* get() const { return pointers_.data(); }

 private:
  std::vector<std::string> added_;
  std::vector<const char*> pointers_;
};

/// Holds all signals back while a child is made: until it has default dispositions, a signal would
/// run our handlers in it.
class SignalsHeld {
 public:
  SignalsHeld();
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_{};
};

/// Writes as write(2) does, without SIGPIPE: errno is EPIPE if nobody reads any more.
ssize_t write_without_signal(int descriptor, std::string_view bytes);

}  // namespace retrust
