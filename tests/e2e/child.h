#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace retrust::e2e {

/// Waits until the condition is true; throws after a minute, so that no test hangs.
void wait_until(const std::string& what, const std::function<bool()>& condition);

/// A program that runs beside the test, its output in two files.
class Child {
 public:
  struct Setup {
    std::vector<std::string> command;
    std::map<std::string, std::string> environment = {};
    std::filesystem::path directory;  ///< working directory, and where the output goes
    std::string name;                 ///< of the output files
    enum class Input { none, pipe } input = Input::none;
  };
  explicit Child(const Setup& setup);
  /// Kills it, should it still be there.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Waits for its end: the exit status, or 128 + the signal that killed it.
  int wait();
  void signal(int number) const;
  void write(const std::string& text) const;
  void close_input();
  std::string out() const;
  std::string err() const;
  pid_t pid() const { return pid_; }

 private:
  std::filesystem::path out_;
  std::filesystem::path err_;
  pid_t pid_ = -1;
  int input_ = -1;
  int status_ = -1;
};

/// A whole file; empty where it is not there.
std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& text);

}  // namespace retrust::e2e
