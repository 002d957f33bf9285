#include "app/application.h"

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/complete.h"
#include "app/next.h"
#include "app/toolbox.h"
#include "app/usage.h"
#include "app/version.h"
#include "base/encoding.h"
#include "base/text.h"
#include "base/trust.h"
#include "credentials/certificate.h"
#include "observe/server_container.h"
#include "process/process.h"
#include "report/findings.h"
#include "report/report.h"
#include "run/execution.h"
#include "run/preflight.h"
#include "run/rollback.h"
#include "transcript/writers.h"
#include "ui/output.h"
#include "ui/terminal.h"

namespace retrust {
namespace {

using boost::asio::awaitable;

void report_failure(EventSink& events, const Failure& failure) {
  boost::json::object data;
  data["status"] = static_cast<int>(failure.status);
  if (!failure.detail.empty()) data["detail"] = failure.detail;
  if (!failure.advice.empty()) data["advice"] = failure.advice;
  events.emit({.kind = EventKind::failure, .text = failure.what(), .data = std::move(data)});
}

boost::json::object data_of(const std::vector<std::string>& next) {
  boost::json::object data;
  if (!next.empty()) data["next"] = boost::json::array(next.begin(), next.end());
  return data;
}

/// "root@bastion, by sudo of ada": who is to be asked about what was done.
std::string operator_text(const Environment& environment) {
  const auto* user = ::getpwuid(::geteuid());
  std::array<char, 256> host{};
  const auto known = ::gethostname(host.data(), host.size() - 1) == 0;
  const auto behind = environment("SUDO_USER").value_or("");
  return fmt::format("{}@{}{}", user == nullptr ? std::to_string(::geteuid()) : user->pw_name,
                     known ? host.data() : "unknown",
                     behind.empty() ? "" : ", by sudo of " + DisplayText(behind));
}

std::string outcome_of_look(const Observation& seen, const Plan& plan) {
  if (!differs(seen, plan)) return "Nothing is needed.";
  const auto steps = steps_text(plan);
  if (steps.empty()) return "Stored and live credentials differ. No changes were made.";
  const auto& cluster = seen.local.cluster;
  return fmt::format("{} ({}) needs {}. No changes were made.", cluster.display_name, cluster.id,
                     steps);
}

/// One invocation: everything that lives while a command runs.
class Application {
 public:
  Application(Options options, Called called, const Environment& environment)
      : options_(std::move(options)),
        called_(std::move(called)),
        operator_(operator_text(environment)),
        runner_(io_.get_executor()),
        prompt_(io_.get_executor(), output_),
        signals_(io_),
        events_(redactor_),
        toolbox_(options_, runner_, events_, redactor_) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      // What we were started to ignore, as by nohup, stays ignored.
      struct sigaction inherited {};
      ::sigaction(signal, nullptr, &inherited);
      if (inherited.sa_handler != SIG_IGN) signals_.add(signal);
    }
    // What `step get-token` prints is for another program: nothing else goes to standard output.
    const auto alone = options_.step == Step::get_token || options_.step == Step::get_ca;
    const auto prints_report =
        options_.command == CommandName::status || options_.command == CommandName::plan;
    if (options_.output == OutputFormat::json && !prints_report && !alone) {
      events_.add(std::make_shared<JsonSink>(output_));
      lines_ = Lines::json;
    }
    terminal_ = std::make_shared<TerminalSink>(
        io_.get_executor(), output_, settle_looks(options_.color, environment), options_.verbosity,
        alone ? OutputFormat::json : options_.output);
    events_.add(terminal_);
  }

  int run() {
    await_signals();
    auto status = static_cast<int>(ExitStatus::done);
    boost::asio::co_spawn(io_, guarded(), [&](std::exception_ptr error, int result) {
      status = result;
      signals_.cancel();
      // What was waited for when it ended is waited for no longer.
      terminal_->rest();
      if (error) std::rethrow_exception(error);
    });
    io_.run();
    return status;
  }

 private:
  void await_signals() {
    signals_.async_wait([this](boost::system::error_code cancelled, int signal) {
      if (cancelled) return;
      runner_.interrupt(signal);
      prompt_.interrupt(signal);
      await_signals();
    });
  }

  /// Turns every end into an exit status, and says it.
  awaitable<int> guarded() {
    std::optional<Failure> failure;
    try {
      co_return co_await perform();
    } catch (const Interrupted& interrupted) {
      co_return interrupted_by(interrupted.signal);
    } catch (const Failure& error) {
      failure = error;
    } catch (const std::exception& error) {
      failure = Failure(ExitStatus::failed, fmt::format("unexpected: {}", error.what()),
                        "this is a defect of retrust: please report it");
    }
    // A command that died of the signal that we were sent says nothing about the cluster.
    if (const auto signal = runner_.interrupted()) co_return interrupted_by(*signal);
    // After the first change it would be untrue that nothing was changed.
    const auto before_changes =
        failure->status == ExitStatus::refused || failure->status == ExitStatus::usage;
    if (before_changes && changed()) failure->status = ExitStatus::failed;
    report_end(*failure);
    co_return static_cast<int>(failure->status);
  }

  void report_end(const Failure& failure) {
    try {
      auto shown = failure;
      shown.advice = completed(called(), failure.advice);
      report_failure(events_, shown);
      if (folder_) end(failure.status, {"Not done.", "", next_after_failure()});
    } catch (const Failure& unwritten) {
      output_.write(Stream::err,
                    fmt::format("retrust: {}\n", one_line(redactor_.mask(unwritten.what()))));
    }
  }

  bool changed() const {
    return (execution_ && execution_->changed()) || (rollback_ && rollback_->changed());
  }

  std::vector<std::string> next_after_failure() const {
    if (!changed()) return {};
    // A rollback that failed has announced its change of the record.
    const auto way_back = execution_ ? execution_->way_back() : WayBack::rollback;
    return retrust::next_after_failure(called(), options_, way_back, folder_->path().string());
  }

  /// A rollback need not be told which cluster; other commands have to.
  Called called() const {
    auto called = called_;
    called.elsewhere = options_.elsewhere;
    if (rollback_ && options_.cluster.empty() && !rollback_->cluster().empty()) {
      called.elsewhere.push_back("--cluster=" + rollback_->cluster().text());
    }
    return called;
  }

  int interrupted_by(int signal) {
    const auto text = fmt::format("interrupted by signal {} ({})", signal, ::strsignal(signal));
    report_end(Failure(static_cast<ExitStatus>(128 + signal), text,
                       folder_ ? "run again: what is left to do is read from the clusters" : ""));
    return 128 + signal;
  }

  /// How a run ended, in words.
  struct Ended {
    std::string head;     ///< "Done."
    std::string verdict;  ///< what holds now; may be empty
    std::vector<std::string> next;
  };

  /// Writes the last line, and returns the exit status, which standard output may change.
  ExitStatus end(ExitStatus status, const Ended& ended) {
    const auto good = status == ExitStatus::done || status == ExitStatus::differs;
    if (good && lost_lines()) {
      status = ExitStatus::failed;
      events_.emit({.kind = EventKind::warning,
                    .text = lost_text(output_) + ": its lines of JSON are not whole, but the "
                                                 "transcript is"});
    }
    auto data = data_of(ended.next);
    data["head"] = ended.head;
    if (!ended.verdict.empty()) data["verdict"] = ended.verdict;
    data["status"] = static_cast<int>(status);
    data["runFolder"] = folder_->path().string();
    // What retrust itself took, apart from the commands that it started.
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto microseconds = [](const timeval& time) {
      return time.tv_sec * 1'000'000 + time.tv_usec;
    };
    data["systemMicroseconds"] = microseconds(used.ru_stime);
    data["cpuMicroseconds"] = microseconds(used.ru_utime) + microseconds(used.ru_stime);
    data["peakKiB"] = used.ru_maxrss;
    events_.emit(
        {.kind = EventKind::run_ended,
         .text = fmt::format("{} {}{}Exit status {}. Transcript: {}", ended.head, ended.verdict,
                             ended.verdict.empty() ? "" : ". ", static_cast<int>(status),
                             (folder_->path() / "transcript.md").string()),
         .data = std::move(data)});
    // The last line itself may be the one that is lost.
    if (good && status != ExitStatus::failed && lost_lines()) {
      return status_of_output(output_, status);
    }
    return status;
  }

  bool lost_lines() const {
    return lines_ == Lines::json && static_cast<bool>(output_.lost(Stream::out));
  }

  awaitable<int> perform() {
    check_usage(options_);
    switch (options_.command) {
      case CommandName::run:
      case CommandName::step:
        co_return co_await execute();
      case CommandName::rollback:
        co_return co_await roll_back();
      case CommandName::plan:
        co_return co_await look(Permissions::ask);
      default:
        co_return co_await look(Permissions::leave);
    }
  }

  /// status and plan: look, say what was seen, leave no file.
  awaitable<int> look(Permissions permissions) {
    auto reached = co_await toolbox_.reach();
    auto seen = co_await observe(reached, toolbox_.observe_options(permissions), Journal(events_));
    keep_contexts(reached, seen);
    warn_of_unverified(reached, seen, Journal(events_));
    check_right_clusters(seen);
    auto binaries = toolbox_.backup_tools();
    seen.container = co_await observe_server_container(binaries, options_.rancher_container,
                                                       seen.local, redactor_, Journal(events_));
    if (options_.command == CommandName::plan) {
      seen.backup = co_await observe_backup(binaries, options_.backup, folder_name(), seen);
    }
    const auto plan = make_plan(seen, toolbox_.plan_options(reached));
    if (options_.command == CommandName::plan) check_may_change(seen, plan);
    const auto different = differs(seen, plan);
    if (options_.output == OutputFormat::json) {
      boost::json::value shown(report(seen, plan));
      mask_values(shown, redactor_);
      output_.write(Stream::out, boost::json::serialize(shown) + "\n");
    } else {
      for (auto& line : findings(seen)) {
        events_.emit({.kind = EventKind::finding, .text = std::move(line)});
      }
      if (options_.command == CommandName::status) {
        for (auto& line : credentials_table(seen)) {
          events_.emit({.kind = EventKind::finding, .text = std::move(line)});
        }
      }
      if (auto diff = credentials_diff(seen); !diff.empty()) {
        events_.emit({.kind = EventKind::difference, .text = std::move(diff)});
      }
      if (options_.command == CommandName::plan) {
        events_.emit({.kind = EventKind::plan, .text = plan_text(plan)});
      }
      events_.emit({.kind = EventKind::run_ended,
                    .text = outcome_of_look(seen, plan),
                    .data = data_of(next_after_look(called(), options_, seen, plan))});
    }
    const auto status = different ? ExitStatus::differs : ExitStatus::done;
    co_return static_cast<int>(status_of_output(output_, status));
  }

  std::string folder_name() const {
    if (!options_.run_dir.empty()) return options_.run_dir;
    // A rollback need not be told which cluster: that is in the folder of the run.
    return default_run_folder(options_.cluster.empty() ? "rollback" : options_.cluster);
  }

  void open_folder(std::string_view what) {
    const auto name = options_.run_dir.empty() ? RunFolder::Name::own : RunFolder::Name::given;
    folder_.emplace(folder_name(), name);
    events_.add(std::make_shared<MarkdownWriter>(folder_->folder()));
    events_.add(std::make_shared<JsonlWriter>(folder_->folder()));
    boost::json::object data;
    data["retrust"] = version;
    data["command_line"] = fmt::format("{} {}", called_.program, shell_line(called_.args));
    data["operator"] = operator_;
    std::error_code unknown;
    data["directory"] = std::filesystem::current_path(unknown).string();
    if (!options_.elsewhere.empty()) data["otherOptions"] = shell_line(options_.elsewhere);
    events_.emit({.kind = EventKind::run_started,
                  .text = fmt::format("retrust {}", what),
                  .data = std::move(data)});
  }

  /// For the transcript: on the terminal it is seen already.
  void note(std::string text) {
    events_.emit({.kind = EventKind::finding, .text = std::move(text), .weight = Weight::routine});
  }

  Confirm confirm() {
    return [this](const std::string& external) -> awaitable<Answer> {
      // Before the first change nothing is lost by an end.
      if (lost_lines() && !changed()) {
        throw Failure(ExitStatus::failed, lost_text(output_) + ": nothing was changed",
                      "run again with a standard output that can be written");
      }
      const auto question = one_line(redactor_.mask(external));
      if (options_.consent == Consent::given) {
        note("nobody was asked: --yes was given");
        co_return Answer::yes_ahead;
      }
      terminal_->rest();
      const auto yes = co_await prompt_.ask(question);
      terminal_->go_on();
      note(fmt::format("{} was asked: {} {}", operator_, question,
                       yes ? "The answer was yes." : "The answer was not yes."));
      if (!yes) {
        const auto backup = execution_ ? execution_->backup_made() : BackupMade::no;
        throw Failure(ExitStatus::refused, "not confirmed: nothing was changed in the clusters",
                      advice_after_no(called(), options_, backup));
      }
      co_return Answer::yes;
    };
  }

  awaitable<int> roll_back() {
    open_folder(fmt::format("rollback of {}", options_.rollback_folder));
    RollbackOptions options{options_.rollback_folder, options_.cluster, options_.name_space};
    if (!options_.kubeconfig.empty()) options.trial = RollbackOptions::Trial::downstream;
    if (options_.overwrite == Overwrite::yes) options.others = RollbackOptions::Others::overwrite;
    auto reached = co_await toolbox_.reach();
    rollback_.emplace(std::move(reached), Journal(events_), *folder_, std::move(options),
                      confirm());
    co_await rollback_->run();
    std::vector<std::string> next;
    for (const auto& each : rollback_->next()) next.push_back(completed(called(), each));
    if (rollback_->changed()) {
      add_backup(next, called(), WayBack::rollback, folder_->path().string());
    }
    const auto status =
        end(ExitStatus::done, {rollback_->changed() ? "Put back." : "Nothing to put back.",
                               rollback_->verdict(), std::move(next)});
    co_return static_cast<int>(status);
  }

  awaitable<int> execute() {
    // Temporary kubeconfigs are needed after changes, too.
    temporary_folder();
    open_folder(fmt::format("{} of cluster {}",
                            options_.command == CommandName::run ? "run" : "step",
                            options_.cluster));
    auto reached = co_await toolbox_.reach();
    ExecutionOptions options{
        toolbox_.observe_options(changes_something(options_) ? Permissions::ask
                                                             : Permissions::leave),
        toolbox_.plan_options(reached), options_.timeout};
    execution_.emplace(std::move(reached), toolbox_.backup_tools(), Journal(events_), *folder_,
                       std::move(options), confirm());
    auto status = ExitStatus::done;
    std::string head = "Done.";
    if (options_.command == CommandName::run) {
      co_await execution_->run();
    } else {
      co_await execution_->run_step(*options_.step);
      print_asked();
      if (options_.step == Step::check_cluster && !execution_->observation().comparison().equal()) {
        status = ExitStatus::differs;
        head = "Stored and live credentials differ.";
      }
      if (prints_rejected_token()) {
        head = "The cluster rejects this token.";
        // What comes next is not shown beside what is printed for another program.
        events_.emit({.kind = EventKind::warning,
                      .section = "2.3",
                      .text = completed(called(),
                                        "retrust printed this token although the cluster rejects "
                                        "it; see what replaces it: retrust plan")});
      }
    }
    const auto& seen = execution_->observation();
    const auto folder = folder_->path().string();
    status = end(status, {std::move(head), execution_->verdict(),
                          next_after_change(called(), options_, seen, execution_->left(),
                                            execution_->repaired(), execution_->way_back(),
                                            execution_->changed() ? folder : std::string())});
    co_return static_cast<int>(status);
  }

  bool prints_rejected_token() const {
    const auto* live = execution_->observation().live();
    return options_.step == Step::get_token && live != nullptr &&
           live->verdict == Verdict::rejected;
  }

  /// What `step get-token` and `step get-ca` are for: to standard output and nowhere else.
  void print_asked() {
    const auto* live = execution_->observation().live();
    if (live == nullptr) return;
    std::string text;
    if (options_.step == Step::get_token) text = live->credentials.token.reveal();
    if (options_.step == Step::get_ca) text = base64_encode(live->credentials.ca_pem);
    if (text.empty()) return;
    const std::string what = options_.step == Step::get_token ? "token" : "CA";
    output_.write(Stream::out, text + "\n");
    if (output_.lost(Stream::out)) {
      throw Failure(
          ExitStatus::failed,
          fmt::format("the {} was not printed, or not all of it: {}", what, lost_text(output_)),
          "run again with a standard output that can be written");
    }
    note(options_.step == Step::get_token
             ? "the token itself was printed to standard output, as was asked for"
             : "the CA was printed to standard output, in base64");
  }

  Options options_;
  Called called_;
  std::string operator_;
  Console output_;
  /// Whether lines of JSON go to standard output: they are a result.
  enum class Lines { none, json } lines_ = Lines::none;
  boost::asio::io_context io_{1};
  Runner runner_;
  Prompt prompt_;
  boost::asio::signal_set signals_;
  Redactor redactor_;
  Events events_;
  Toolbox toolbox_;
  std::shared_ptr<TerminalSink> terminal_;
  std::optional<RunFolder> folder_;
  std::optional<Execution> execution_;
  std::optional<Rollback> rollback_;
};

/// Help, version and completion: a text for standard output.
int print_result(std::string_view text) {
  Console output;
  output.write(Stream::out, text);
  return static_cast<int>(status_of_output(output, ExitStatus::done));
}

/// Whoever started us may have held back signals; of a child's end only SIGCHLD tells on old
/// kernels.
void let_signals_in() {
  sigset_t ours;
  ::sigemptyset(&ours);
  for (const auto signal : {SIGCHLD, SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&ours, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &ours, nullptr);
}

int print_failure(const Failure& failure) {
  auto text = fmt::format("retrust: {}\n", one_line(failure.what()));
  if (!failure.advice.empty()) text += fmt::format("  {}\n", one_line(failure.advice));
  Console().write(Stream::err, text);
  return static_cast<int>(failure.status);
}

}  // namespace

int run_application(std::string_view path, const std::vector<std::string>& args,
                    const Environment& environment) {
  // A reader of our output that went away must not stop a change half-way.
  std::signal(SIGPIPE, SIG_IGN);
  // A file that may not grow is an error to tell, not an end without a word.
  std::signal(SIGXFSZ, SIG_IGN);
  hold_standard_descriptors();
  let_signals_in();
  forgo_openssl_configuration();
  if (std::filesystem::path(path).filename() == "kubectl_complete-retrust") {
    return print_result(complete(args, Insertion::verbatim, environment));
  }
  if (!args.empty() && args.front() == complete_command) {
    return print_result(complete({args.begin() + 1, args.end()}, Insertion::quoted, environment));
  }
  try {
    auto options = parse_options(args, environment);
    if (options.command == CommandName::help) {
      return print_result(help_text(program_name(path), options.explained));
    }
    if (options.command == CommandName::version) {
      return print_result(fmt::format("retrust {}\n", version));
    }
    return Application(std::move(options), {program_name(path), args}, environment).run();
  } catch (const Failure& failure) {
    return print_failure(failure);
  } catch (const std::exception& error) {
    return print_failure(Failure(ExitStatus::failed, fmt::format("unexpected: {}", error.what()),
                                 "this is a defect of retrust: please report it"));
  }
}

}  // namespace retrust
