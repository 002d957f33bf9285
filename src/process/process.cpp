#include "process/process.h"

#include <cerrno>
#include <csignal>
#include <exception>
#include <set>
#include <stdexcept>
#include <string_view>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/process/v2/process.hpp>

#include "base/failure.h"
#include "process/child_end.h"
#include "process/child_output.h"
#include "process/child_setup.h"
#include "process/executable.h"
#include "process/lent_terminal.h"
#include "process/start_child.h"

namespace retrust {
namespace {

namespace asio = boost::asio;
namespace bp = boost::process::v2;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

/// What a child's own children may still write after it has ended, before its pipes are closed.
constexpr std::chrono::milliseconds drain_time{200};

constexpr std::chrono::milliseconds between_looks{100};

/// The file to execute, or the outcome that says why there is none.
std::pair<std::string, Outcome> locate(const std::string& program) {
  if (program.find('/') == std::string::npos) {
    auto found = absolute_program(program);
    if (found != program) return {std::move(found), Outcome()};
    return {{}, never_started(Ending::not_found, program, "no such program on PATH")};
  }
  auto problem = check_executable(program);
  if (problem.ending != Ending::exited) return {std::string(), std::move(problem)};
  return {program, {}};
}

/// One child, from its start until it and its pipes are done with. Driven by callbacks on the
/// executor; whoever waits is told by `finished`.
class Job : public std::enable_shared_from_this<Job> {
 public:
  Job(const asio::any_io_executor& executor, Command command, OutputReader reader,
      std::optional<std::uint64_t> open_files)
      : executor_(executor),
        command_(std::move(command)),
        reader_(std::move(reader)),
        open_files_(open_files) {}

  /// Where the executor goes before the child does; the handle then ends and awaits the child.
  ~Job() {
    if (running()) signal_group(SIGKILL);
  }

  /// Starts the child. False where it could not be started; the outcome says why.
  bool start() {
    auto [path, problem] = locate(command_.program);
    if (path.empty()) {
      outcome_ = std::move(problem);
      return false;
    }
    try {
      launch(path);
    } catch (const std::system_error& error) {
      const auto& code = error.code();
      const auto why = is_shortage(code) ? Ending::no_resources : Ending::not_executable;
      outcome_ = never_started(why, command_.program, code.message());
      outcome_.code = code.value();
      return false;
    } catch (const std::runtime_error& error) {
      outcome_ = never_started(Ending::not_executable, command_.program, reason_of(error));
      return false;
    }
    outcome_.pid = process_.id();
    started_ = Clock::now();
    read(out_, &Job::take_output);
    if (err_.is_open()) read(err_, &Job::take_errors);
    if (in_.is_open()) write_input();
    if (command_.deadline) after(deadline_, *command_.deadline, &Job::time_out);
    if (command_.watch) after(watch_, between_looks, &Job::watch);
    end_.await([self = shared_from_this()] { self->exited(); });
    return true;
  }

  asio::awaitable<void> finished() {
    error_code cancelled;
    while (!done_) {
      co_await finished_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
    if (failure_) std::rethrow_exception(failure_);
  }

  Purpose purpose() const { return command_.purpose; }

  /// What was given to a child that could not be started.
  Command take_command() { return std::move(command_); }
  OutputReader take_reader() { return std::move(reader_); }

  Outcome take_outcome() { return std::move(outcome_); }

  /// Ends the child and its group for the reason given, at the latest after the grace.
  void end(Ending why, int signal) {
    if (running() && has_ended(outcome_.pid)) exited();
    if (exited_) {
      // By itself, so that its group is left alone; but output that is cut off must be told of.
      if (why == Ending::stopped || why == Ending::output_limit) {
        decided_ = why;
        outcome_.ending = why;
        outcome_.code = 0;
      }
      if (why != Ending::timed_out) close_pipes();
      return;
    }
    if (decided_) {
      if (why == Ending::interrupted) signal_group(signal);
      return;
    }
    decided_ = why;
    decided_signal_ = signal;
    signal_group(signal);
    // One that somebody stopped ends when it goes on.
    signal_group(SIGCONT);
    after(grace_, command_.grace, &Job::kill);
  }

  /// Ends the child and its group now.
  void kill() {
    if (running()) signal_group(SIGKILL);
  }

  /// Nobody waits any longer: the child is ended and, in its own time, awaited.
  void abandon() {
    if (!done_) end(Ending::stopped, SIGTERM);
  }

 private:
  /// Not awaited yet, so that its number is nobody else's.
  bool running() const { return outcome_.pid > 0 && !exited_; }

  void signal_group(int signal) const { ::kill(-outcome_.pid, signal); }

  /// Throws std::runtime_error, and leaves no child behind then.
  void launch(const std::string& path) {
    const NullDevice null;
    Pipe input;
    if (!command_.input.empty()) input = make_pipe();
    auto output = make_pipe();
    const auto lends = command_.terminal == Terminal::lent;
    Pipe errors;
    if (!lends) errors = make_pipe();
    auto child_in = command_.input.empty() ? null.get() : input.read_end.get();
    if (command_.input_descriptor) child_in = *command_.input_descriptor;
    if (lends) child_in = STDIN_FILENO;
    const auto child_err = lends ? STDERR_FILENO : errors.write_end.get();
    const ChildTerms terms{{child_in, output.write_end.get(), child_err},
                           command_.on_parent_death,
                           command_.largest_file,
                           command_.most_memory,
                           open_files_,
                           command_.pace,
                           command_.terminal};
    const ChildEnvironment environment(command_.environment);
    if (lends) lent_.emplace();
    const auto child = started(path, environment, terms);
    try {
      process_ = bp::process(executor_, child);
      end_.open(child);
      if (!command_.input.empty()) {
        in_.assign(input.write_end.get());
        input.write_end.release();
        in_.native_non_blocking(true);
      }
      out_.adopt(output.read_end);
      if (!lends) err_.adopt(errors.read_end);
    } catch (...) {
      kill_and_await(child);
      process_.detach();
      throw;
    }
  }

  pid_t started(const std::string& path, const ChildEnvironment& environment,
                const ChildTerms& terms) const {
    try {
      return start_child(path, command_.args, environment, terms);
    } catch (const std::system_error& failed) {
      if (failed.code() != std::errc::no_such_file_or_directory) throw;
      // The program is there, so this is about the interpreter that it names.
      throw std::runtime_error("its interpreter is not there");
    }
  }

  void after(asio::steady_timer& timer, std::chrono::milliseconds time, void (Job::*act)()) {
    timer.expires_after(time);
    timer.async_wait([self = shared_from_this(), act](error_code cancelled) {
      if (!cancelled) (self.get()->*act)();
    });
  }

  void time_out() { end(Ending::timed_out, SIGTERM); }

  void watch() {
    // One that was due when the child ended is called all the same.
    if (decided_ || exited_) return;
    try {
      command_.watch();
      after(watch_, between_looks, &Job::watch);
    } catch (...) {
      fail();
    }
  }

  /// Ends the child; whoever waits gets the exception that is being handled.
  void fail() {
    failure_ = std::current_exception();
    end(Ending::stopped, SIGTERM);
  }

  void read(ChildOutput& output, void (Job::*take)(std::string_view)) {
    output.read(
        [self = shared_from_this(), take](std::string_view piece) { (self.get()->*take)(piece); },
        [self = shared_from_this()] { self->check_done(); });
  }

  void take_output(std::string_view piece) {
    // What comes after the decision to end the child is of no interest any more.
    if (decided_) return;
    if (reader_) {
      try {
        const auto flow = reader_(piece);
        if (flow == Flow::stop) end(Ending::stopped, SIGTERM);
        if (flow == Flow::too_much) end(Ending::output_limit, SIGTERM);
      } catch (...) {
        fail();
      }
      return;
    }
    const auto whole = keep_output(outcome_, piece, command_.output_limit);
    if (!whole && command_.excess == Excess::ends_child) end(Ending::output_limit, SIGTERM);
  }

  void take_errors(std::string_view piece) {
    if (!errors_cut_) errors_cut_ = !keep_errors(outcome_, piece);
  }

  /// A child that does not read its input is no failure: it may not need it.
  void write_input() {
    const auto size = write_without_signal(in_.native_handle(), input_left_);
    const auto go_on = size >= 0 || errno == EAGAIN || errno == EINTR;
    if (size > 0) input_left_.remove_prefix(static_cast<std::size_t>(size));
    if (!go_on || input_left_.empty()) {
      error_code ignored;
      in_.close(ignored);
      return;
    }
    in_.async_wait(in_.wait_write, [self = shared_from_this()](error_code cancelled) {
      if (!cancelled) self->write_input();
    });
  }

  void exited() {
    if (exited_) return;
    // While the child has not been awaited, its group's number cannot be anybody else's.
    if (decided_) signal_group(SIGKILL);
    exited_ = true;
    error_code ignored;
    process_.wait(ignored);
    const auto native = process_.native_exit_code();
    process_.detach();
    outcome_.wall = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_);
    if (decided_) {
      outcome_.ending = *decided_;
      outcome_.code = *decided_ == Ending::interrupted ? decided_signal_ : 0;
    } else if (WIFSIGNALED(native)) {
      outcome_.ending = Ending::signalled;
      outcome_.code = WTERMSIG(native);
    } else {
      outcome_.ending = Ending::exited;
      outcome_.code = WEXITSTATUS(native);
    }
    // Ctrl-C reaches the child alone while it has the terminal, and is meant for both.
    // A script tells of it as a shell does.
    constexpr int interrupted_status = 128 + SIGINT;
    const auto by_signal = outcome_.ending == Ending::signalled && outcome_.code == SIGINT;
    const auto by_status = outcome_.ending == Ending::exited && outcome_.code == interrupted_status;
    if (lent_ && by_status) outcome_.code = SIGINT;
    if (lent_ && (by_signal || by_status)) {
      outcome_.ending = Ending::interrupted;
    }
    lent_.reset();
    end_.close();
    in_.close(ignored);
    deadline_.cancel();
    grace_.cancel();
    watch_.cancel();
    if (decided_ == Ending::stopped || decided_ == Ending::interrupted) close_pipes();
    after(drain_, drain_time, &Job::close_pipes);
    check_done();
  }

  void close_pipes() {
    out_.close();
    err_.close();
  }

  void check_done() {
    if (!exited_ || out_.is_open() || err_.is_open() || done_) return;
    done_ = true;
    drain_.cancel();
    finished_.cancel();
  }

  asio::any_io_executor executor_;
  Command command_;
  OutputReader reader_;
  std::optional<std::uint64_t> open_files_;
  bp::process process_{executor_};
  ChildEnd end_{executor_};
  asio::posix::stream_descriptor in_{executor_};
  std::string_view input_left_{command_.input};
  ChildOutput out_{executor_};
  ChildOutput err_{executor_};
  asio::steady_timer deadline_{executor_};
  asio::steady_timer grace_{executor_};
  asio::steady_timer watch_{executor_};
  asio::steady_timer drain_{executor_};
  asio::steady_timer finished_{executor_, Clock::time_point::max()};
  Outcome outcome_;
  Clock::time_point started_;
  std::optional<LentTerminal> lent_;
  std::optional<Ending> decided_;
  int decided_signal_ = 0;
  std::exception_ptr failure_;
  bool errors_cut_ = false;
  bool exited_ = false;
  bool done_ = false;
};

}  // namespace

struct Runner::State {
  State(asio::any_io_executor used, std::optional<std::uint64_t> most_open)
      : executor(std::move(used)), open_files(most_open) {}

  /// A job in the list of those running, for as long as somebody waits for it.
  class Entry {
   public:
    Entry(State& state, std::shared_ptr<Job> job) : state_(state), job_(std::move(job)) {
      state_.jobs.insert(job_);
    }
    ~Entry() {
      state_.jobs.erase(job_);
      job_->abandon();
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    State& state_;
    std::shared_ptr<Job> job_;
  };

  asio::any_io_executor executor;
  std::set<std::shared_ptr<Job>> jobs;
  std::optional<int> interrupted;
  std::optional<std::uint64_t> open_files;
  Shortage* shortage = nullptr;
};

Runner::Runner(asio::any_io_executor executor, std::optional<std::uint64_t> open_files)
    : state_(std::make_shared<State>(std::move(executor), open_files)) {}

Runner::~Runner() = default;

asio::awaitable<Outcome> Runner::run(Command command, OutputReader reader) {
  const auto state = state_;
  auto lacked = false;
  for (;;) {
    if (state->interrupted && command.purpose == Purpose::ordinary) {
      Outcome none;
      none.ending = Ending::interrupted;
      none.code = *state->interrupted;
      co_return none;
    }
    const auto job = std::make_shared<Job>(state->executor, std::move(command), std::move(reader),
                                           state->open_files);
    if (job->start()) {
      if (lacked) state->shortage->over();
      const State::Entry entry(*state, job);
      co_await job->finished();
      co_return job->take_outcome();
    }
    auto outcome = job->take_outcome();
    const auto waits = outcome.ending == Ending::no_resources && state->shortage != nullptr;
    if (!waits || state->interrupted) co_return outcome;
    lacked = true;
    const auto again = co_await state->shortage->tries_again(outcome);
    if (!again) co_return outcome;
    command = job->take_command();
    reader = job->take_reader();
  }
}

void Runner::on_shortage(Shortage& shortage) {
  state_->shortage = &shortage;
}

void Runner::interrupt(int signal) {
  const auto again = state_->interrupted.has_value();
  if (!again) state_->interrupted = signal;
  const auto running = state_->jobs;
  for (const auto& job : running) {
    // What is being cleaned up would stay otherwise; whoever asks a second time wants that.
    if (!again && job->purpose() == Purpose::cleanup) continue;
    job->end(Ending::interrupted, signal);
    if (again) job->kill();
  }
}

std::optional<int> Runner::interrupted() const {
  return state_->interrupted;
}

}  // namespace retrust
