#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "cli/options.h"
#include "transcript/event.h"
#include "ui/cluster_rows.h"
#include "ui/display.h"
#include "ui/output.h"
#include "ui/terminal.h"

namespace retrust {

/// A cluster as people and programs know it.
struct BoardRow {
  std::string name;
  std::string id;
};

/// Shows the work for several clusters: on a terminal a table that is updated in place, elsewhere a
/// line for each change of state, which begins with the cluster's name.
class ClusterBoard final : public Display {
 public:
  /// The output must outlive this.
  ClusterBoard(const boost::asio::any_io_executor& executor, Console& output, TerminalStyle style,
               Verbosity verbosity, OutputFormat format, std::vector<BoardRow> clusters);
  ~ClusterBoard() override;

  /// A sink for the events of a cluster's command. This must outlive it.
  std::shared_ptr<EventSink> sink(std::size_t cluster);
  void waits(std::size_t cluster);
  /// The cluster's turn has come, after waits().
  void begins(std::size_t cluster);
  void ended(std::size_t cluster, Tone tone, std::string result);
  /// Prints a line about a cluster, unless the table on a terminal shows it.
  void tell(std::size_t cluster, std::string_view line);

  void rest() override;
  void go_on() override;

 private:
  class Sink;
  void see(std::size_t cluster, const Event& event);
  void say(std::size_t cluster, const Event& event);
  void print(Stream stream, std::size_t cluster, std::string_view text,
             std::string_view color = {});
  void draw();
  /// Draws what is new, soon.
  void keep_up();
  void tick();

  boost::asio::steady_timer timer_;
  Console& output_;
  TerminalStyle style_;
  Verbosity verbosity_;
  OutputFormat format_;
  std::vector<BoardRow> clusters_;
  ClusterRows rows_;
  bool draws_;
  std::set<std::string> failures_;  ///< that were told: several clusters may have one cause
  std::chrono::steady_clock::time_point drawn_ = {};
  bool news_ = false;  ///< since the last drawing
  bool ticking_ = false;
  bool resting_ = false;
  /// Gone with this: a timer may call afterwards.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace retrust
