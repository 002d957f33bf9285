#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "transcript/event.h"

namespace retrust {

/// A file of mode 0600 that is written piece by piece, each piece handed to the system at once.
/// Throws Failure (refused) where it cannot be created or written.
class PrivateFile {
 public:
  explicit PrivateFile(std::filesystem::path path);
  ~PrivateFile();
  PrivateFile(const PrivateFile&) = delete;
  PrivateFile& operator=(const PrivateFile&) = delete;

  void write(std::string_view text);
  /// Returns when the disk has it (fdatasync).
  void sync();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// transcript.jsonl: one JSON object per event with `version`, `time`, `event`, `section`, `text`
/// and what the event brings.
class JsonlWriter final : public EventSink {
 public:
  explicit JsonlWriter(const std::filesystem::path& path) : file_(path) {}
  void emit(const Event& event) override;

 private:
  PrivateFile file_;
};

/// transcript.md, to attach to a ticket.
class MarkdownWriter final : public EventSink {
 public:
  explicit MarkdownWriter(const std::filesystem::path& path) : file_(path) {}
  void emit(const Event& event) override;

 private:
  PrivateFile file_;
};

/// The line of transcript.jsonl for an event, without its end.
std::string json_line(const Event& event, std::chrono::system_clock::time_point time);

/// What transcript.md says about an event; empty for those that it leaves out.
std::string markdown(const Event& event, std::chrono::system_clock::time_point time);

}  // namespace retrust
