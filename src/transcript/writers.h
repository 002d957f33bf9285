#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/folder.h"
#include "base/private_file.h"
#include "transcript/document.h"
#include "transcript/event.h"
#include "transcript/run_folder.h"

namespace retrust {

/// Writes transcript.jsonl: one JSON object per event with `version`, `time`, `event`, `section`,
/// `text` and the event's own members.
class JsonlWriter final : public EventSink {
 public:
  explicit JsonlWriter(const Folder& folder, const std::string& name = "transcript.jsonl")
      : file_(folder, name) {}
  void emit(const Event& event) override;

 private:
  PrivateFile file_;
  bool ended_ = false;
};

/// Writes transcript.md, to attach to a ticket: see document.h.
class MarkdownWriter final : public EventSink {
 public:
  using Document = std::string (*)(const std::vector<Event>& events);
  /// Throws Failure (refused) if no more files may be open.
  explicit MarkdownWriter(Folder folder, std::string name = "transcript.md",
                          Document document_of = document);
  void emit(const Event& event) override;

 private:
  Folder folder_;
  std::string name_;
  Document document_;
  /// Kept for the next writing: the last one must not fail because children took the descriptors.
  Descriptor spare_;
  std::vector<Event> events_;
  bool ended_ = false;
};

/// Lets no change be announced without a run folder. Comes before the writers.
class FolderGuard final : public EventSink {
 public:
  explicit FolderGuard(RunFolder folder) : folder_(std::move(folder)) {}
  void emit(const Event& event) override {
    if (event.is<Change>()) folder_.check_there();
  }

 private:
  RunFolder folder_;
};

/// True for progress that only a terminal shows. No transcript holds such an event.
bool is_momentary(const Event& event);

/// The line of transcript.jsonl for an event, without its end.
std::string json_line(const Event& event);

}  // namespace retrust
