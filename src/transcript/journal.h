#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "transcript/event.h"

namespace retrust {

/// A file under backup/, as the transcript records it for a rollback: see saved_files.h.
struct SavedFile {
  std::string what;  ///< e.g. "what will be replaced"
  std::filesystem::path path;
  std::string sha256;
  std::optional<std::uint64_t> bytes = {};  ///< told where it is given
};

/// Tells an event sink what a part of a run does, in one section of the runbook. Cheap to copy.
class Journal {
 public:
  /// The sink must outlive this and its copies. An empty section stands for the run as a whole.
  explicit Journal(EventSink& events, std::string_view section = {})
      : events_(&events), section_(section) {}

  /// A copy for another section, e.g. "2.1".
  Journal in_section(std::string_view section) const { return Journal(*events_, section); }
  EventSink& events() const { return *events_; }

  void run_started(RunStarted run, std::string title) const;
  void run_ended(RunEnded run, std::string text) const;
  void failure(const Failure& failure) const;

  /// Something that was observed, one sentence.
  /// The facts are for the head of a transcript: see facts in findings.h.
  void finding(std::string text, Finding facts = {}) const;
  /// What the transcript alone needs: the operator has seen it.
  void note(std::string text) const;
  /// A unified diff of rendered credentials; an empty one is not told.
  void difference(std::string diff) const;
  void plan(std::vector<ShownStep> steps) const;
  void warning(std::string text, Advice advice = {}) const;
  /// Something that is changed or saved, one sentence.
  void change(std::string text, Change change = {}) const;
  void saved(const SavedFile& file, Weight weight = Weight::documented) const;

  void step_started(std::string_view name, std::string reason) const;
  /// `word` is the result where it is not "done", in a word or two.
  void step_ended(std::string_view name, std::string result, std::string_view word = {}) const;

  /// `what` is waited for: "for new agents to be ready".
  void wait_started(std::string_view what, std::chrono::milliseconds limit) const;
  void wait_without_limit(std::string_view what) const;
  void wait_progress(std::string text) const;
  void wait_ended(std::string text, Weight weight = Weight::documented) const;
  /// How far a wait has come, for a terminal alone.
  void progress(std::string text) const;

 private:
  void say(decltype(Event::what) what, std::string text, Weight weight = Weight::documented) const;

  EventSink* events_;
  std::string section_;
};

}  // namespace retrust
