#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

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

  /// Something that was observed, one sentence.
  void finding(std::string text) const;
  /// The same with what the head of a transcript shows: see facts in findings.h.
  void finding(std::string text, boost::json::object facts) const;
  /// What the transcript alone needs: the operator has seen it.
  void note(std::string text) const;
  /// A unified diff of rendered credentials; an empty one is not told.
  void difference(std::string diff) const;
  void plan(std::string text, boost::json::array steps) const;
  void warning(std::string text) const;
  /// Something that is changed or saved, one sentence.
  void change(std::string text, boost::json::object data = {}) const;
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
  void say(EventKind kind, std::string text, boost::json::object data = {},
           Weight weight = Weight::documented) const;

  EventSink* events_;
  std::string section_;
};

}  // namespace retrust
