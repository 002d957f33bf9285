#include "ui/cluster_board.h"

#include <algorithm>
#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "base/width.h"
#include "transcript/plan_text.h"
#include "transcript/writers.h"

namespace retrust {
namespace {

/// Columns for a name before a line: a longer one is cut.
constexpr std::size_t widest_name = 40;

std::vector<std::string> names_of(const std::vector<BoardRow>& clusters) {
  std::vector<std::string> names;
  for (const auto& each : clusters) names.push_back(each.name);
  return names;
}

}  // namespace

/// Hands the events of one cluster on.
class ClusterBoard::Sink final : public EventSink {
 public:
  Sink(ClusterBoard& board, std::size_t cluster) : board_(board), cluster_(cluster) {}
  void emit(const Event& event) override { board_.see(cluster_, event); }

 private:
  ClusterBoard& board_;
  std::size_t cluster_;
};

ClusterBoard::ClusterBoard(const boost::asio::any_io_executor& executor, Console& output,
                           TerminalStyle style, Verbosity verbosity, OutputFormat format,
                           std::vector<BoardRow> clusters)
    : timer_(executor),
      output_(output),
      style_(style),
      verbosity_(verbosity),
      format_(format),
      clusters_(std::move(clusters)),
      rows_(names_of(clusters_), style.symbols),
      // Lines of JSON on the same terminal would break the table.
      draws_(style.draws_steps && verbosity == Verbosity::normal &&
             !(format == OutputFormat::json && style.out_lines == TerminalStyle::Lines::wrapped)) {}

ClusterBoard::~ClusterBoard() {
  rest();
}

std::shared_ptr<EventSink> ClusterBoard::sink(std::size_t cluster) {
  return std::make_shared<Sink>(*this, cluster);
}

void ClusterBoard::waits(std::size_t cluster) {
  rows_.waits(cluster);
  keep_up();
}

void ClusterBoard::begins(std::size_t cluster) {
  rows_.begins(cluster, std::chrono::steady_clock::now());
  keep_up();
}

void ClusterBoard::tell(std::size_t cluster, std::string_view line) {
  const auto talks = format_ == OutputFormat::text && verbosity_ != Verbosity::quiet;
  if (talks && !draws_) print(Stream::out, cluster, line);
}

void ClusterBoard::ended(std::size_t cluster, Tone tone, std::string result) {
  rows_.ended(cluster, tone, std::move(result));
  keep_up();
}

void ClusterBoard::rest() {
  resting_ = true;
  output_.erase();
  timer_.cancel();
}

void ClusterBoard::go_on() {
  resting_ = false;
  keep_up();
}

void ClusterBoard::see(std::size_t cluster, const Event& event) {
  rows_.see(cluster, event, std::chrono::steady_clock::now());
  say(cluster, event);
  keep_up();
}

void ClusterBoard::print(Stream stream, std::size_t cluster, std::string_view text,
                         std::string_view color) {
  const auto paint = stream == Stream::out ? style_.out : style_.err;
  std::string shown;
  for (const auto& line : split_lines(text)) {
    const auto whole = fmt::format("{}: {}", fitting(clusters_[cluster].name, widest_name), line);
    const auto painted = paint == Paint::colored && !color.empty();
    shown += painted ? fmt::format("{}{}{}\n", color, whole, reset) : whole + "\n";
  }
  output_.write(stream, shown);
}

void ClusterBoard::say(std::size_t cluster, const Event& event) {
  if (const auto* warning = std::get_if<Warning>(&event.what)) {
    print(Stream::err, cluster, "warning: " + event.text, yellow);
    if (!warning->advice.empty()) print(Stream::err, cluster, "  " + warning->advice.text());
  } else if (const auto* failure = std::get_if<FailureTold>(&event.what);
             failure != nullptr && failures_.insert(event.text).second) {
    print(Stream::err, cluster, event.text, red);
    // The words of a command stay as they are.
    for (const auto& line : split_lines(failure->detail)) {
      print(Stream::err, cluster, "  | " + line);
    }
  }
  if (format_ == OutputFormat::json) {
    if (is_momentary(event)) return;
    auto line = to_json(event);
    line["clusterId"] = clusters_[cluster].id;
    output_.write(Stream::out, boost::json::serialize(line) + "\n");
    return;
  }
  const auto verbose = verbosity_ == Verbosity::verbose;
  if (draws_ || verbosity_ == Verbosity::quiet) return;
  const auto detailed = event.weight == Weight::documented || verbose;
  if (const auto* step = std::get_if<StepStarted>(&event.what)) {
    print(Stream::out, cluster, fmt::format("{} {}", event.section, step->name));
  } else if (const auto* end = std::get_if<StepEnded>(&event.what)) {
    print(Stream::out, cluster,
          fmt::format("{} {}: {}", event.section, end->name,
                      end->result.empty() ? "done" : end->result));
  } else if (const auto* plan = std::get_if<PlanMade>(&event.what); plan && verbose) {
    print(Stream::out, cluster, plan_text(plan->steps));
  } else if (event.is<WaitStarted>() && detailed) {
    print(Stream::out, cluster, "waiting " + event.text);
  } else if (event.is<CommandStarted>() && verbose) {
    print(Stream::out, cluster, "$ " + event.text, dim);
  } else if (event.is<Finding, Change, WaitEnded>() && verbose) {
    print(Stream::out, cluster, event.text);
  }
}

void ClusterBoard::draw() {
  const auto size = size_of(Stream::err);
  // A row and a column stay free, because a terminal may scroll as soon as the last one is filled.
  const TerminalSize room{std::max<std::size_t>(size.columns, 2) - 1,
                          std::max<std::size_t>(size.rows, 2) - 1};
  const auto lines = rows_.lines(std::chrono::steady_clock::now(), room);
  output_.draw(drawing(lines, room.columns, rows_.more(), style_.err), erasing);
}

void ClusterBoard::keep_up() {
  news_ = true;
  if (!ticking_) tick();
}

void ClusterBoard::tick() {
  if (!draws_ || resting_) return;
  // Many events at once are one drawing; the seconds go on without any.
  const auto now = std::chrono::steady_clock::now();
  if (news_ || now - drawn_ >= std::chrono::seconds{1}) {
    draw();
    drawn_ = now;
    news_ = false;
  }
  ticking_ = true;
  timer_.expires_after(std::chrono::milliseconds{100});
  std::weak_ptr<const bool> alive = alive_;
  timer_.async_wait([this, alive](boost::system::error_code) {
    if (alive.expired()) return;
    ticking_ = false;
    tick();
  });
}

}  // namespace retrust
