#include "app/fleet.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <sys/resource.h>
#include <utility>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/table_color.h"
#include "base/text.h"
#include "fleet/fleet.h"
#include "report/fleet_table.h"
#include "report/next.h"
#include "transcript/journal.h"
#include "ui/cluster_board.h"

namespace retrust {
namespace {

using boost::asio::awaitable;
using Indices = Fleet::Indices;

/// Next actions of single clusters that are shown at the end: summary.md has all.
constexpr std::size_t most_next = 10;
/// Files that retrust keeps open for each cluster, with room.
constexpr std::size_t files_of_cluster = 12;
/// Files that retrust may need for each cluster at work, see check_resources.
constexpr std::size_t files_at_work = 64;

/// Keeps of a cluster's events what its result is made of.
class ResultSink final : public EventSink {
 public:
  /// `called` is the cluster in the texts of its events.
  ResultSink(FleetResult& result, std::string called)
      : result_(result), called_(std::move(called)) {}
  void emit(const Event& event) override {
    if (const auto* step = std::get_if<StepEnded>(&event.what)) {
      result_.end.last_step = fmt::format("{} {}", event.section, step->name);
    } else if (const auto* failure = std::get_if<FailureTold>(&event.what)) {
      result_.text = event.text;
      failed_ = true;
      result_.end.next = {failure->advice};
      if (failure->advice.empty()) result_.end.next.clear();
    } else if (const auto* end = std::get_if<RunEnded>(&event.what)) {
      // A look has no verdict but its text.
      if (!failed_) result_.text = end->verdict.empty() ? look_text(event.text) : end->verdict;
      if (!end->next.empty()) result_.end.next = end->next;
    }
  }

 private:
  /// The text without the words that all clusters of a table have in common.
  std::string look_text(std::string text) const {
    constexpr std::string_view last = " No changes were made.";
    if (text.starts_with(called_ + " ")) text.erase(0, called_.size() + 1);
    if (text.ends_with(last)) text.resize(text.size() - last.size());
    return text;
  }

  FleetResult& result_;
  std::string called_;
  bool failed_ = false;
};

std::string result_word(std::int64_t status, const FleetEnd& end, CommandName command) {
  constexpr std::int64_t signals = 128;
  if (status > signals) return "interrupted";
  switch (status) {
    case 0:
      if (command == CommandName::rollback) return end.changed ? "put back" : "nothing to put back";
      return end.changed ? "repaired" : "nothing needed";
    case 3:
      return "needs repair";
    case 4:
      return "refused";
    case 5:
      return "gave up";
    default:
      return "failed";
  }
}

Tone tone_of(std::int64_t status) {
  return status == 0 ? Tone::good : status == 3 ? Tone::plain : Tone::bad;
}

/// A folder's name for the cluster: its ID, with its display name where a person reads that.
std::string folder_name(const Way& way) {
  const auto& name = way.display_name.str();
  if (!names_folder(name)) return way.cluster.text();
  constexpr std::size_t most = 40;
  std::string readable;
  for (const char c : name.substr(0, most)) {
    const auto fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
    readable += fits ? c : '_';
  }
  // A leading dash would look like an option.
  const auto first = readable.find_first_not_of("-_");
  readable.erase(0, std::min(first, readable.size()));
  return readable.empty() || readable == way.cluster.text()
             ? way.cluster.text()
             : fmt::format("{}-{}", readable, way.cluster);
}

/// Refuses more clusters than files may be open.
void check_descriptors(std::size_t clusters, std::size_t parallel) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const auto needed =
      files_at_work * (std::min(clusters, parallel) + 1) + files_of_cluster * clusters;
  if (limit.rlim_cur >= needed) return;
  throw Failure(
      ExitStatus::refused,
      fmt::format("{} files may be open, and {} clusters need up to {}: nothing was "
                  "changed",
                  limit.rlim_cur, clusters, needed),
      Advice("allow more open files, or give fewer clusters", fmt::format("ulimit -n {}", needed)));
}

/// One command for several clusters.
class FleetCommand {
 public:
  FleetCommand(Invocation& app, Selection selection)
      : app_(app),
        ways_(std::move(selection.ways)),
        local_(*selection.local),
        results_(ways_.size()),
        parts_(ways_.size()),
        questions_(ways_.size()),
        agreed_(ways_.size()),
        board_(app.host.io.get_executor(), app.output, app.terminal->style(), app.options.verbosity,
               format_of_lines(app.options), board_rows(ways_)),
        fleet_(app.host.io.get_executor(), app.options.fleet, members(ways_),
               [this](Indices clusters, Indices canaries) {
                 return ask(std::move(clusters), std::move(canaries));
               }) {
    for (const auto& line : selection.missed) {
      lost_.push_back({line, "no context of the kubeconfigs is proven to lead there"});
    }
    for (const auto& line : selection.unclear) {
      lost_.push_back({"unknown", fmt::format("{}: where this leads is not known, as its cluster "
                                              "gave no answer",
                                              line)});
    }
  }
  FleetCommand(const FleetCommand&) = delete;
  FleetCommand& operator=(const FleetCommand&) = delete;
  ~FleetCommand() {
    app_.host.on_signal = [](int) {};
  }

  awaitable<ExitStatus> perform() {
    check_canary();
    check_descriptors(ways_.size(), app_.options.fleet.parallel);
    if (!app_.options.clusters.empty() || app_.options.choice == ClusterChoice::all) {
      // The command line names the clusters already.
    } else {
      app_.called.elsewhere.emplace_back("--all-clusters");
    }
    if (app_.options.command == CommandName::run) {
      record_ = &app_.open_record(fmt::format("run of {} clusters", ways_.size()),
                                  RunFolder::Content::summary);
      record_->standing = [this] { return Standing{.changed = changed()}; };
    }
    app_.host.on_signal = [this](int signal) { fleet_.interrupt(signal); };
    co_await fleet_.run([this](std::size_t index) { return work(index); });
    board_.rest();
    for (std::size_t index = 0; index < ways_.size(); ++index) {
      if (!fleet_.begun(index)) not_begun(index);
    }
    for (const auto& [name, why] : lost_) add_lost(name, why);
    co_return end();
  }

 private:
  static OutputFormat format_of_lines(const Options& options) {
    // status and plan print one document at the end.
    const auto looks =
        options.command == CommandName::status || options.command == CommandName::plan;
    return looks || options.output != OutputFormat::json ? OutputFormat::text : OutputFormat::json;
  }
  static std::vector<BoardRow> board_rows(const std::vector<Way>& ways) {
    std::vector<BoardRow> rows;
    for (const auto& way : ways) rows.push_back({way.display_name.str(), way.cluster.text()});
    return rows;
  }
  static std::vector<FleetMember> members(const std::vector<Way>& ways) {
    std::vector<FleetMember> members;
    for (const auto& way : ways) {
      members.push_back({way.cluster.text(), way.display_name.str(),
                         fmt::format("{} ({})", way.display_name, way.cluster)});
    }
    return members;
  }

  /// A canary that was named has to be one of the clusters.
  void check_canary() const {
    const auto& name = app_.options.fleet.canary.name;
    const auto known = name.empty() || std::any_of(ways_.begin(), ways_.end(), [&](const Way& way) {
                         return way.cluster.text() == name || way.display_name.str() == name;
                       });
    if (known) return;
    throw Failure(ExitStatus::usage,
                  fmt::format("--canary {} is none of the clusters that are meant", name),
                  "give the ID or the display name of one of them, or a number");
  }

  bool changed() const {
    return fleet_.changed() || std::any_of(parts_.begin(), parts_.end(), [](const auto& part) {
             return part && part->changed();
           });
  }

  Options options_of(const Way& way) const {
    auto options = app_.options;
    options.kubeconfigs = {way.match.context.file};
    options.clusters = {way.cluster.text()};
    options.contexts = ContextChoice::current;
    options.choice = ClusterChoice::named;
    if (record_ != nullptr) options.run_dir = (record_->folder.path() / folder_name(way)).string();
    return options;
  }

  awaitable<FleetEnd> work(std::size_t index) {
    const auto& way = ways_[index];
    auto& result = results_[index];
    auto called = app_.called;
    auto options = options_of(way);
    take_way(options, called, way);
    auto part = std::make_unique<Invocation>(app_.host, std::move(options), std::move(called),
                                             board_.sink(index), board_);
    parts_[index] = part.get();
    part->events.add(std::make_shared<ResultSink>(
        result, fmt::format("{} ({})", way.display_name, way.cluster)));
    part->toolbox.share_local(local_);
    part->found.push_back(fmt::format("{} leads to {} ({})", text_of(way.match.context),
                                      way.display_name, way.cluster));
    part->asks = [this, index](Record& record) { return confirm_of(index, record); };
    part->share = [this, index](Step step, std::function<awaitable<void>()> shared) {
      return fleet_.share(index, step, std::move(shared));
    };
    part->print_report = [&result](const boost::json::value& report) { result.report = report; };
    const auto command = app_.options.command == CommandName::run    ? run_command
                         : app_.options.command == CommandName::plan ? plan_command
                                                                     : status_command;
    if (!way.refusal.empty()) part->refuses = way.refusal;
    const auto status = co_await part->perform(command);
    FleetEnd end{status == ExitStatus::done, part->changed(),
                 static_cast<int>(status) > signal_statuses};
    part->toolbox.end_sessions();
    result.end.folder = record_ == nullptr ? std::string() : folder_name(way);
    parts_[index] = nullptr;
    part.reset();
    ended(index, static_cast<int>(status), end);
    co_return end;
  }

  /// Asks once for all clusters. What is asked again, as the plan changed, is asked by itself.
  Confirm confirm_of(std::size_t index, Record& record) {
    return [this, index, &record](ConsentQuestion asked) -> awaitable<Answer> {
      if (agreed_[index]) {
        const auto again = record.confirm();
        const auto answer = co_await again(std::move(asked));
        co_return answer;
      }
      if (!asked.claim.empty()) {
        throw Failure(ExitStatus::refused, fmt::format("{}Nothing was changed in it", asked.claim),
                      Advice::retrust("run it alone, on a terminal", "run"));
      }
      questions_[index] = std::move(asked);
      parts_[index]->toolbox.rest();
      board_.waits(index);
      co_await fleet_.agree(index);
      agreed_[index] = true;
      record.note(app_.options.consented
                      ? std::string("nobody was asked: --yes was given")
                      : fmt::format("{} was asked about {}, this one among them, and said yes: see "
                                    "../summary.md",
                                    app_.host.operator_name, counted(asked_about_, "cluster")));
      co_return app_.options.consented ? Answer::yes_ahead : Answer::yes;
    };
  }

  awaitable<void> ask(Indices clusters, Indices canaries) {
    const Journal journal(app_.events);
    asked_about_ = clusters.size();
    std::set<std::string> effects;
    for (const auto index : clusters) {
      const auto& question = questions_[index];
      journal.finding(fmt::format("{}: {}", question.cluster, question.changes));
      if (!question.effects.empty()) effects.insert(question.effects);
    }
    std::vector<std::string> first;
    for (const auto index : canaries) first.push_back(questions_[index].cluster);
    const auto others = clusters.size() > canaries.size() && !canaries.empty();
    auto text = fmt::format("{}Do this to {}{}?", fmt::join(effects, ""),
                            clusters.size() == 1 ? questions_[clusters.front()].cluster
                                                 : counted(clusters.size(), "cluster"),
                            others ? fmt::format(", first to {}, and to the others once that is "
                                                 "proven",
                                                 enumerated(first))
                                   : "");
    if (app_.options.consented && others) {
      journal.finding(fmt::format("first: {}", enumerated(first)));
    }
    board_.rest();
    const auto confirm = record_->confirm();
    ConsentQuestion question{std::move(text)};
    co_await confirm(std::move(question));
    board_.go_on();
  }

  void ended(std::size_t index, int status, const FleetEnd& end) {
    const auto& way = ways_[index];
    auto& result = results_[index];
    result.end.id = way.cluster.text();
    result.end.name = way.display_name.str();
    result.end.status = status;
    result.end.changed = end.changed;
    result.end.result = result_word(status, end, app_.options.command);
    board_.ended(index, tone_of(status), result.end.result);
    tell(result);
  }

  void tell(const FleetResult& result) {
    if (record_ == nullptr) return;
    app_.events.emit({.what = result.end, .text = result.text});
  }

  void not_begun(std::size_t index) {
    results_[index].text = "this cluster was not begun: nothing was changed in it";
    ended(index, signal_statuses + app_.runner.interrupted().value_or(0), {});
  }

  void add_lost(const std::string& name, const std::string& why) {
    FleetResult result;
    result.end.name = name;
    result.end.result = "refused";
    result.end.status = static_cast<int>(ExitStatus::refused);
    result.text = why;
    tell(result);
    results_.push_back(std::move(result));
  }

  ExitStatus end() {
    app_.toolbox.end_sessions();
    const auto status = static_cast<ExitStatus>(worst_status(results_));
    auto next = fleet_next(results_, most_next);
    const auto text = counted_results(results_);
    if (app_.options.output == OutputFormat::json && record_ == nullptr) {
      boost::json::value shown(fleet_report(results_));
      mask_values(shown, app_.redactor);
      app_.print_report(shown);
    }
    if (app_.options.output == OutputFormat::text) print_table();
    if (record_ == nullptr) {
      if (status == ExitStatus::differs) {
        next.push_back(completed(app_.called, Advice::retrust("repair what needs it", "run")));
      }
      RunEnded run;
      run.next = std::move(next);
      Journal(app_.events)
          .run_ended(std::move(run), fmt::format("{}. No changes were made.", text));
      return status_of_output(app_.output, status);
    }
    const auto good = status == ExitStatus::done;
    if (!good) {
      next.push_back(completed(app_.called, Advice::retrust("do what is left", "run")));
    }
    return record_->end(status, {good ? "Done." : "Not all done.", text, std::move(next)});
  }

  void print_table() {
    for (const auto& line : fleet_table(results_)) {
      app_.terminal->print_result(app_.redactor.mask(line.text), color_of(line.kind));
    }
  }

  static constexpr int signal_statuses = 128;

  Invocation& app_;
  std::vector<Way> ways_;
  Kubectl local_;
  std::vector<FleetResult> results_;
  std::vector<Invocation*> parts_;  ///< null where a cluster is not at work
  std::vector<ConsentQuestion> questions_;
  std::vector<bool> agreed_;
  std::size_t asked_about_ = 0;
  std::vector<std::pair<std::string, std::string>> lost_;
  ClusterBoard board_;
  Fleet fleet_;
  Record* record_ = nullptr;  ///< of a run
};

}  // namespace

awaitable<ExitStatus> fleet_command(Invocation& app, Selection selection) {
  FleetCommand command(app, std::move(selection));
  const auto status = co_await command.perform();
  co_return status;
}

}  // namespace retrust
