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

/// A file under backup/ and its record in the transcript, for a rollback: see saved_files.h.
struct SavedFile {
  std::string what;  ///< e.g. "what will be replaced"
  std::filesystem::path path;
  std::string sha256;
  std::optional<std::uint64_t> bytes = {};  ///< size for the transcript, if known
};

/// Sends the events of one section of the runbook to an event sink. Cheap to copy.
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

  /// Emits the situation at the start, which is shown to the quietest operator too.
  void situation(std::string text) const;
  /// Emits a finding, one sentence. The facts are for the head of a transcript: see facts in
  /// findings.h.
  void finding(std::string text, Finding facts = {}) const;
  /// Emits a finding for the transcript alone, because the operator has seen it.
  void note(std::string text) const;
  /// Emits a unified diff of rendered credentials, unless the diff is empty.
  void difference(std::string diff) const;
  void plan(std::vector<ShownStep> steps) const;
  void warning(std::string text, Advice advice = {}) const;
  /// Emits a change or a saved file, one sentence.
  void change(std::string text, Change change = {}) const;
  void saved(const SavedFile& file, Weight weight = Weight::documented) const;

  void step_started(std::string_view name, std::string reason) const;
  /// Emits the end of a step. `word` is the result in a word or two, if it is not "done".
  void step_ended(std::string_view name, std::string result, std::string_view word = {}) const;

  /// Emits the start of a wait. `what` is its goal: "for new agents to be ready".
  void wait_started(std::string_view what, std::chrono::milliseconds limit) const;
  void wait_without_limit(std::string_view what) const;
  void wait_progress(std::string text) const;
  void wait_ended(std::string text, Weight weight = Weight::documented) const;
  /// Emits the progress of a wait for a terminal alone.
  void progress(std::string text) const;

 private:
  void say(decltype(Event::what) what, std::string text, Weight weight = Weight::documented) const;

  EventSink* events_;
  std::string section_;
};

}  // namespace retrust
