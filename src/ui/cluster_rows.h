#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "transcript/event.h"
#include "ui/layout.h"
#include "ui/step_list.h"

namespace retrust {

/// The state of each of several clusters, for an updated display at the bottom of a terminal.
/// Pure: follows events, and prints nothing.
class ClusterRows {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `names` are the clusters as people know them.
  ClusterRows(std::vector<std::string> names, StepList::Symbols symbols);

  /// An event of a cluster's own command.
  void see(std::size_t cluster, const Event& event, Time now);
  /// The cluster was looked at, and waits for the answer or for its turn.
  void waits(std::size_t cluster);
  /// The turn of a cluster that waited has come.
  void begins(std::size_t cluster, Time now);
  /// The cluster's work is over. `result` is in a word or two.
  void ended(std::size_t cluster, Tone tone, std::string result);

  /// Lines to draw now, within the room: the clusters at work, then the failed ones, then
  /// the numbers of all others.
  std::vector<ToneLine> lines(Time now, TerminalSize room) const;
  const std::string& name(std::size_t cluster) const { return rows_[cluster].name; }
  /// Mark of a cut text.
  std::string_view more() const { return symbols_ == StepList::Symbols::unicode ? "…" : "..."; }

 private:
  enum class Stage { queued, looking, waiting, working, over };
  struct Row {
    std::string name;
    Stage stage = Stage::queued;
    std::string step = {};                ///< "2.2 recreate-agents"
    std::vector<std::string> waits = {};  ///< a wait can begin inside another one
    Time since = {};
    Tone tone = Tone::plain;
    std::string result = {};
  };
  std::string_view symbol(Tone tone) const;
  ToneLine line(const Row& row, Time now) const;
  /// "12 done, 3 refused, 60 to come"
  std::string others(const std::vector<const Row*>& rows) const;

  StepList::Symbols symbols_;
  std::vector<Row> rows_;
  std::size_t width_ = 0;  ///< columns of the longest name
};

}  // namespace retrust
