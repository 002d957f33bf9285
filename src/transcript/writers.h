#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "transcript/event.h"
#include "transcript/private_file.h"

namespace retrust {

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
