#pragma once

#include <functional>
#include <string>

namespace retrust::sandbox {

/// Two clusters and everybody who acts in them: played ones (World), or real ones (Live).
class Stage {
 public:
  virtual ~Stage() = default;
  /// Starts everything; calls `ready` when the clusters are as they are to be found.
  virtual void start(std::function<void()> ready) = 0;
  /// Lets go of everything, so that the io_context runs out of work.
  virtual void end() = 0;
  /// A line of standard input, see the help in main.cpp. What is wrong with it, or nothing.
  virtual std::string command(const std::string& line) = 0;
};

}  // namespace retrust::sandbox
