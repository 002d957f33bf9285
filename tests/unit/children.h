#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "process/process.h"

namespace retrust::test {

/// A folder that is gone, with all in it, at the end of the test.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// Writes a file with just these permissions and gives its path.
  std::string file(const std::string& name, std::string_view content,
                   std::filesystem::perms permissions) const;
  std::string path(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// Tells when processes are gone that cannot be awaited: they hold its write end.
class Fifo {
 public:
  explicit Fifo(std::string path);
  ~Fifo();
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;

  const std::string& path() const { return path_; }
  /// All that was written, once nobody can write any more. Throws where that takes 30 seconds.
  std::string read_to_end() const;

 private:
  std::string path_;
  int descriptor_;
};

/// `/bin/sh -c script`, with no deadline.
Command shell(std::string script);

/// Runs one command on an executor of its own.
Outcome run(Command command, OutputReader reader = {});

/// Side by side on one executor, in their order.
std::vector<Outcome> run_all(std::vector<Command> commands);

/// As run, with a deadline that is made longer until the child comes as far as printing `word`.
Outcome run_past_deadline(Command command, std::string_view word);

/// Whether the word has come, whole or in pieces.
class Heard {
 public:
  explicit Heard(std::string word) : word_(std::move(word)) {}
  bool in(std::string_view piece) { return (text_ += piece).find(word_) != std::string::npos; }

 private:
  std::string word_;
  std::string text_;
};

/// We have no child, not even an ended one.
bool childless();

}  // namespace retrust::test
