#include "app/fleet.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <sys/resource.h>
#include <utility>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/plan_file.h"
#include "app/table_color.h"
#include "app/usage.h"
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
/// Clusters whose sessions stay while nobody needs them. A kubectl proxy takes some 15 MiB.
constexpr std::size_t most_sessions = 16;
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
      result_.end.code = failure->code;
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

std::string result_word(std::int64_t status, const ClusterEnded& end, CommandName command) {
  constexpr std::int64_t signals = 128;
  if (status > signals) return "interrupted";
  switch (status) {
    case 0:
      if (command == CommandName::rollback) return end.changed ? "put back" : "nothing to put back";
      return end.changed ? "repaired" : "nothing needed";
    case 3:
      return "needs repair";
    case 4:
      return end.code == info_of(FailureCode::not_begun).name ? "not begun" : "refused";
    case 5:
      return "gave up";
    case 6:
      return end.code == info_of(FailureCode::unreachable).name ? "no answer" : "no access";
    case 7:
      return "declined";
    default:
      return "failed";
  }
}

/// Whether the cluster itself has no part in its failure.
bool has_no_part(const ClusterEnded& end) {
  return end.code == info_of(FailureCode::not_begun).name ||
         end.code == info_of(FailureCode::declined).name;
}

Tone tone_of(std::int64_t status) {
  return status == 0 ? Tone::good : status == 3 ? Tone::plain : Tone::bad;
}

/// One of the clusters of a command.
struct Part {
  ClusterId id;
  DisplayText name;
  Options options;
  Called called;
  std::vector<std::string> found = {};  ///< what was found out about the way to it
  std::string refusal = {};             ///< why nothing may be done for it; else empty

  std::string in_full() const { return fmt::format("{} ({})", name, id); }
};

/// What no command is performed for, and why.
struct Lost {
  std::string name;
  std::string why;
  FailureCode code = FailureCode::refused;
};

/// A folder's name for the cluster: its ID, with its display name where a person reads that.
std::string folder_name(const Part& part) {
  const auto& name = part.name.str();
  if (!names_folder(name)) return part.id.text();
  constexpr std::size_t most = 40;
  auto readable = file_name_of(name, most);
  // A leading dash would look like an option.
  const auto first = readable.find_first_not_of("-_");
  readable.erase(0, std::min(first, readable.size()));
  return readable.empty() || readable == part.id.text() ? part.id.text()
                                                        : fmt::format("{}-{}", readable, part.id);
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

/// Refuses two folders of one cluster: only one of them can be put back.
void check_different(const std::vector<Part>& parts) {
  std::map<std::string, std::string> folders;
  for (const auto& part : parts) {
    const auto& folder = part.options.rollback_folder;
    const auto [known, is_new] = folders.try_emplace(part.id.text(), folder);
    if (is_new) continue;
    throw Failure(ExitStatus::refused,
                  fmt::format("two folders are of {}: {} and {}; nothing was changed",
                              part.in_full(), known->second, folder),
                  "give the folder of one cluster, or move one of these away");
  }
}

/// One command for several clusters.
class FleetCommand {
 public:
  FleetCommand(Invocation& app, Kubectl local, std::vector<Part> parts, std::vector<Lost> lost)
      : app_(app),
        local_(std::move(local)),
        parts_(std::move(parts)),
        lost_(std::move(lost)),
        results_(parts_.size()),
        at_work_(parts_.size()),
        plans_(parts_.size()),
        questions_(parts_.size()),
        agreed_(parts_.size()),
        board_(app.host.io.get_executor(), app.output, app.terminal->style(), app.options.verbosity,
               format_of_lines(app.options), board_rows(parts_)),
        fleet_(app.host.io.get_executor(), app.options.fleet, members(parts_),
               [this](Indices clusters, Indices canaries) {
                 return ask(std::move(clusters), std::move(canaries));
               }) {}
  FleetCommand(const FleetCommand&) = delete;
  FleetCommand& operator=(const FleetCommand&) = delete;
  ~FleetCommand() {
    app_.host.on_signal = [](int) {};
    if (record_ != nullptr) record_->standing = [last = standing()] { return last; };
  }

  awaitable<ExitStatus> perform() {
    check_canary();
    check_descriptors(parts_.size(), app_.options.fleet.parallel);
    const auto& options = app_.options;
    const auto rollback = options.command == CommandName::rollback;
    const auto named = !options.clusters.empty() || options.choice == ClusterChoice::all;
    // The next command means the same clusters.
    if (!named && !rollback) app_.called.elsewhere.emplace_back("--all-clusters");
    if (changes_something(options)) {
      record_ = &app_.open_record(
          fmt::format("{} of {}", rollback ? "rollback" : "run", counted(parts_.size(), "cluster")),
          RunFolder::Content::summary);
      record_->standing = [this] { return standing(); };
    }
    app_.host.on_signal = [this](int signal) { fleet_.interrupt(signal); };
    // A kubectl in a container is another one.
    if (!app_.options.local_kubeconfig.empty()) {
      const auto versions = co_await local_.versions();
      version_ = versions.kubectl;
    }
    co_await fleet_.run([this](std::size_t index) { return work(index); });
    board_.rest();
    for (std::size_t index = 0; index < parts_.size(); ++index) {
      if (!fleet_.begun(index)) not_begun(index);
    }
    for (const auto& each : lost_) add(each);
    co_return end();
  }

 private:
  static OutputFormat format_of_lines(const Options& options) {
    // status and plan print one document at the end.
    const auto looks =
        options.command == CommandName::status || options.command == CommandName::plan;
    return looks || options.output != OutputFormat::json ? OutputFormat::text : OutputFormat::json;
  }
  static std::vector<BoardRow> board_rows(const std::vector<Part>& parts) {
    std::vector<BoardRow> rows;
    for (const auto& part : parts) rows.push_back({part.name.str(), part.id.text()});
    return rows;
  }
  static std::vector<FleetMember> members(const std::vector<Part>& parts) {
    std::vector<FleetMember> members;
    for (const auto& part : parts) {
      members.push_back({part.id.text(), part.name.str(), part.in_full()});
    }
    return members;
  }

  /// A canary that was named has to be one of the clusters.
  void check_canary() const {
    const auto& name = app_.options.fleet.canary.name;
    const auto known =
        name.empty() || std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) {
          return part.id.text() == name || part.name.str() == name;
        });
    if (known) return;
    throw Failure(ExitStatus::usage,
                  fmt::format("--canary {} is none of the clusters that are meant", name),
                  "give the ID or the display name of one of them, or a number");
  }

  Standing standing() const {
    Standing now{.changed = changed(), .backups = backups_};
    for (const auto* each : at_work_) {
      if (each == nullptr) continue;
      const auto own = each->standing().backups;
      now.backups.insert(now.backups.end(), own.begin(), own.end());
    }
    return now;
  }

  bool changed() const {
    return fleet_.changed() ||
           std::any_of(at_work_.begin(), at_work_.end(),
                       [](const Invocation* each) { return each != nullptr && each->changed(); });
  }

  Invocation::Command command() const {
    switch (app_.options.command) {
      case CommandName::run:
        return run_command;
      case CommandName::plan:
        return plan_command;
      case CommandName::rollback:
        return rollback_command;
      case CommandName::status:
        return status_command;
      default:
        throw std::logic_error("this command takes one cluster");
    }
  }

  awaitable<FleetEnd> work(std::size_t index) {
    const auto& about = parts_[index];
    auto& result = results_[index];
    auto options = about.options;
    if (record_ != nullptr) {
      result.end.folder = folder_name(about);
      options.run_dir = (record_->folder.path() / result.end.folder).string();
    }
    auto part = std::make_unique<Invocation>(app_.host, std::move(options), about.called,
                                             board_.sink(index), board_);
    at_work_[index] = part.get();
    part->events.add(std::make_shared<ResultSink>(result, about.in_full()));
    part->toolbox.share_local(local_, version_);
    part->found = about.found;
    part->about = about.in_full();
    part->refuses = about.refusal;
    part->asks = [this, index](Record& record) { return confirm_of(index, record); };
    part->share = [this, index](Step step, std::function<awaitable<void>()> shared) {
      return fleet_.share(index, step, std::move(shared));
    };
    part->print_report = [&result](const boost::json::value& report) { result.report = report; };
    part->keep_plan = [this, index](boost::json::object plan) {
      plans_[index] = std::move(plan);
      return std::string();
    };
    auto exit_status = co_await part->perform(command());
    // Wrong usage would mean that nothing was begun at all.
    if (exit_status == ExitStatus::usage) exit_status = ExitStatus::refused;
    const auto status = static_cast<int>(exit_status);
    const FleetEnd end{status == 0, part->changed(), status > signal_statuses};
    part->toolbox.end_sessions();
    const auto backups = part->standing().backups;
    backups_.insert(backups_.end(), backups.begin(), backups.end());
    at_work_[index] = nullptr;
    part.reset();
    ended(index, status, end);
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
      questions_[index].cluster = parts_[index].in_full();
      // Many sessions at once would take much memory of this machine.
      if (parts_.size() > most_sessions) at_work_[index]->toolbox.rest();
      board_.waits(index);
      co_await fleet_.agree(index);
      agreed_[index] = true;
      board_.begins(index);
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
    const auto restarts = std::any_of(clusters.begin(), clusters.end(), [this](std::size_t index) {
      return questions_[index].changes.find("restart-rancher") != std::string::npos;
    });
    // A restart of Rancher comes last, and the proof by use after it.
    const auto* once = app_.options.command == CommandName::rollback ? "once that is done"
                       : restarts                                    ? "once its record is repaired"
                                                                     : "once that is proven";
    auto text = fmt::format(
        "{}Do this to {}{}?", fmt::join(effects, ""),
        clusters.size() == 1 ? questions_[clusters.front()].cluster
                             : counted(clusters.size(), "cluster"),
        others ? fmt::format(", first to {}, and to the others {}", enumerated(first), once) : "");
    if (!app_.options.consented) show_unseen(clusters);
    if (app_.options.consented && others) {
      journal.finding(fmt::format("first: {}", enumerated(first)));
    }
    board_.rest();
    const auto confirm = record_->confirm();
    ConsentQuestion question{std::move(text)};
    co_await confirm(std::move(question));
    board_.go_on();
  }

  /// Shows whoever is asked what the question is about, if standard output does not.
  void show_unseen(const Indices& clusters) {
    const auto& options = app_.options;
    const auto seen = options.output == OutputFormat::text &&
                      options.verbosity != Verbosity::quiet &&
                      app_.terminal->style().out_lines == TerminalStyle::Lines::wrapped;
    if (seen) return;
    std::string lines;
    for (const auto index : clusters) {
      const auto& question = questions_[index];
      lines += fmt::format("  {}: {}\n", question.cluster, question.changes);
    }
    app_.output.write(Stream::err, app_.redactor.mask(lines));
  }

  void ended(std::size_t index, int status, const FleetEnd& end) {
    const auto& about = parts_[index];
    auto& result = results_[index];
    result.end.id = about.id.text();
    result.end.name = about.name.str();
    result.end.status = status;
    result.end.changed = end.changed;
    result.end.result = result_word(status, result.end, app_.options.command);
    // One command does what is left of all these.
    if (!end.changed && (end.interrupted || has_no_part(result.end))) {
      result.end.next.clear();
    }
    if (record_ != nullptr) board_.tell(index, result.end.result);
    board_.ended(index, tone_of(status), result.end.result);
    tell(result);
  }

  /// A summary that cannot be written must not keep other clusters from their ends. The last line
  /// of it tells of that.
  void tell(const FleetResult& result) {
    if (record_ == nullptr) return;
    try {
      app_.events.emit({.what = result.end, .text = result.text});
    } catch (const std::exception& unwritten) {
      if (unwritten_.empty()) unwritten_ = unwritten.what();
    }
  }

  void not_begun(std::size_t index) {
    results_[index].text = "this cluster was not begun: nothing was changed in it";
    results_[index].end.code = info_of(FailureCode::interrupted).name;
    ended(index, signal_statuses + app_.runner.interrupted().value_or(0), {});
  }

  void add(const Lost& lost) {
    FleetResult result;
    result.end.name = lost.name;
    result.end.status = static_cast<int>(info_of(lost.code).status);
    result.end.code = info_of(lost.code).name;
    result.end.result = result_word(result.end.status, result.end, app_.options.command);
    result.text = lost.why;
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
      if (app_.options.command == CommandName::plan) tell_first();
      const auto needed = std::any_of(results_.begin(), results_.end(), [](const auto& each) {
        return each.end.status == static_cast<int>(ExitStatus::differs);
      });
      if (needed && app_.options.command == CommandName::status) {
        next.push_back(completed(app_.called, Advice::retrust("see what would be done", "plan")));
      }
      const auto saved = save_plans();
      const auto& options = app_.options;
      const auto& plan = options.plan_out.empty() ? options.plan_file : options.plan_out;
      if (needed && plan.empty()) {
        next.push_back(completed(app_.called, Advice::retrust("repair what needs it", "run")));
      } else if (needed) {
        next.push_back(performing(app_.called, plan));
      }
      RunEnded run;
      run.next = std::move(next);
      Journal(app_.events)
          .run_ended(std::move(run), fmt::format("{}. No changes were made.{}", text, saved));
      return status_of_output(app_.output, status);
    }
    if (unwritten_.empty()) unwritten_ = record_->folder.loss();
    if (!unwritten_.empty()) {
      throw Failure(status == ExitStatus::done ? ExitStatus::failed : status,
                    fmt::format("the summary is not whole: {} ({})", unwritten_, text),
                    Advice::retrust("see what holds now", "status"));
    }
    const auto good = status == ExitStatus::done;
    const auto rollback = app_.options.command == CommandName::rollback;
    if (good && rollback) {
      next.push_back(completed(app_.called, Advice::retrust("see what Rancher says now", "list")));
    }
    if (changed() && !rollback) next.push_back(way_back());
    const auto changed_plan = std::any_of(results_.begin(), results_.end(), [](const auto& each) {
      return each.end.code == info_of(FailureCode::plan_changed).name;
    });
    if (changed_plan) {
      next.push_back(completed(app_.called, Advice::retrust("save another plan", "plan",
                                                            "--out=" + app_.options.plan_file)));
    } else if (!good) {
      next.push_back(completed(app_.called, Advice::retrust("do what is left", command_name())));
    }
    return record_->end(
        status, {good ? "Done." : "Not all done.", text, std::move(next), worst_code(results_)});
  }

  /// Saves the plans of the clusters that have one. Returns what to say of that.
  std::string save_plans() {
    if (app_.options.plan_out.empty()) return {};
    boost::json::array plans;
    std::vector<std::string> without;
    for (const auto& each : lost_) without.push_back(each.name);
    for (std::size_t index = 0; index < parts_.size(); ++index) {
      if (plans_[index].empty()) {
        without.push_back(parts_[index].in_full());
      } else {
        plans.push_back(std::move(plans_[index]));
      }
    }
    if (plans.empty()) return fmt::format(" {} was not written.", app_.options.plan_out);
    auto text = " " + save_plan(app_, std::move(plans));
    if (!without.empty()) {
      text += fmt::format(" That plan does not have {}: run --plan leaves {} alone.",
                          enumerated(without), without.size() == 1 ? "it" : "them");
    }
    return text;
  }

  /// The clusters with which a run would begin, if others follow; else none.
  std::vector<std::string> first() const {
    Indices needed;
    for (std::size_t index = 0; index < parts_.size(); ++index) {
      const auto status = results_[index].end.status;
      if (status == static_cast<int>(ExitStatus::differs)) needed.push_back(index);
    }
    std::vector<std::string> names;
    const auto canaries = fleet_.canaries(needed);
    if (canaries.size() == needed.size()) return names;
    for (const auto index : canaries) names.push_back(parts_[index].in_full());
    return names;
  }

  void tell_first() {
    const auto names = first();
    if (names.empty()) return;
    Journal(app_.events)
        .finding(fmt::format("run would begin with {}, and with the others once that is proven",
                             enumerated(names)));
  }

  /// The folder says which clusters, and a kubeconfig would lead to one.
  Advice way_back() const {
    auto called = app_.called;
    called.found = {fmt::format("--parallel={}", app_.options.fleet.parallel)};
    auto folder = record_->folder.path().string();
    return completed(called, Advice::retrust("to put back what Rancher had stored, for all of them",
                                             "rollback", std::move(folder)));
  }

  std::string command_name() const {
    return app_.options.command == CommandName::rollback ? "rollback" : "run";
  }

  void print_table() {
    for (const auto& line : fleet_table(results_)) {
      app_.terminal->print_row(app_.redactor.mask(line.text), color_of(line.kind));
    }
  }

  static constexpr int signal_statuses = 128;

  Invocation& app_;
  Kubectl local_;
  DisplayText version_;  ///< of kubectl, if it is known
  std::vector<Part> parts_;
  std::vector<Lost> lost_;
  std::vector<FleetResult> results_;
  std::vector<Invocation*> at_work_;        ///< null where a cluster is not at work
  std::vector<boost::json::object> plans_;  ///< to save; empty where a cluster has none
  std::vector<ConsentQuestion> questions_;
  std::vector<bool> agreed_;
  std::size_t asked_about_ = 0;
  std::string unwritten_;             ///< why a result is not in the summary; else empty
  std::vector<std::string> backups_;  ///< of the clusters that have ended
  ClusterBoard board_;
  Fleet fleet_;
  Record* record_ = nullptr;  ///< of a run
};

}  // namespace

awaitable<ExitStatus> fleet_command(Invocation& app, Selection selection) {
  std::vector<Part> parts;
  for (auto& way : selection.ways) {
    Part part{way.cluster, way.display_name, app.options, app.called};
    part.options.kubeconfigs = {way.match.context.file};
    part.options.clusters = {way.cluster.text()};
    part.options.contexts = ContextChoice::current;
    part.options.choice = ClusterChoice::named;
    take_way(part.options, part.called, way);
    part.found = {fmt::format("{} leads to {}", text_of(way.match.context), part.in_full())};
    part.refusal = std::move(way.refusal);
    parts.push_back(std::move(part));
  }
  std::vector<Lost> lost;
  for (auto& name : selection.missed) {
    lost.push_back({std::move(name), "no context of the kubeconfigs is proven to lead there",
                    selection.missed_code});
  }
  for (const auto& each : selection.unclear) {
    lost.push_back({"unknown",
                    fmt::format("{}: where this leads is not known, as its cluster gave "
                                "no answer",
                                each.context),
                    each.code});
  }
  FleetCommand command(app, std::move(*selection.local), std::move(parts), std::move(lost));
  const auto status = co_await command.perform();
  co_return status;
}

awaitable<ExitStatus> fleet_rollback(Invocation& app, std::vector<SavedMember> members) {
  const auto& given = app.options;
  if (!given.kubeconfig.empty()) {
    throw Failure(ExitStatus::usage,
                  fmt::format("{} is of several clusters, and --kubeconfig leads to one",
                              given.rollback_folder),
                  "leave --kubeconfig out, or give the folder of one cluster");
  }
  std::vector<Part> parts;
  std::vector<Lost> lost;
  for (auto& member : members) {
    const auto& named = given.cluster;
    if (!member.trouble.empty()) {
      // Of a cluster that cannot be read, the folder's name tells which one it is.
      const auto meant = member.name.str().find(named) != std::string::npos;
      if (meant) lost.push_back({member.name.str(), std::move(member.trouble)});
      continue;
    }
    if (!named.empty() && named != member.id.text() && named != member.name.str()) continue;
    Part part{member.id, member.name, given, app.called};
    part.options.rollback_folder = member.path.string();
    part.options.cluster = member.id.text();
    part.called.found = {fmt::format("--cluster={}", member.id)};
    for (auto& word : part.called.args) {
      if (word == given.rollback_folder) word = member.path.string();
    }
    parts.push_back(std::move(part));
  }
  if (parts.empty() && lost.empty()) {
    throw Failure(ExitStatus::usage,
                  fmt::format("{} holds nothing that could be put back{}", given.rollback_folder,
                              given.cluster.empty() ? "" : " for " + given.cluster));
  }
  check_different(parts);
  auto local = co_await app.toolbox.connect_local();
  FleetCommand command(app, std::move(local), std::move(parts), std::move(lost));
  const auto status = co_await command.perform();
  co_return status;
}

}  // namespace retrust
