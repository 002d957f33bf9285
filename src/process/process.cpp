#include "process/process.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <set>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <boost/asio/write.hpp>
#include <boost/process/v2/environment.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/stdio.hpp>
#include <fmt/format.h>

namespace retrust {
namespace {

namespace asio = boost::asio;
namespace bp = boost::process::v2;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::size_t error_limit = std::size_t{64} << 10U;

/// What a child's own children may still write after it has ended, before its pipes are closed.
constexpr std::chrono::milliseconds drain_time{200};

/// Everything but the three standard descriptors is closed by exec: also what was opened without
/// close-on-exec, by us or by whoever started us. The launcher's own pipe survives until then.
void close_on_exec() {
  constexpr unsigned first = STDERR_FILENO + 1;
  if (::close_range(first, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  // A kernel before 5.11.
  const auto limit = static_cast<int>(std::min(::sysconf(_SC_OPEN_MAX), 65536L));
  for (int number = first; number < limit; ++number) ::fcntl(number, F_SETFD, FD_CLOEXEC);
}

/// Runs in the child between fork and exec.
struct ChildSetup {
  static error_code on_exec_setup(bp::posix::default_launcher&, const bp::filesystem::path&,
                                  const char* const*) {
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    // Ignored signals stay ignored over exec; handlers do not.
    std::signal(SIGPIPE, SIG_DFL);
    close_on_exec();
    if (::setpgid(0, 0) != 0) return {errno, boost::system::system_category()};
    return {};
  }
};

/// Our own environment with the additions.
std::vector<std::string> environment_with(const std::map<std::string, std::string>& additions) {
  std::vector<std::string> variables;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    if (!additions.contains(std::string(variable.substr(0, variable.find('='))))) {
      variables.emplace_back(variable);
    }
  }
  for (const auto& [name, value] : additions) variables.push_back(name + "=" + value);
  return variables;
}

/// The file to execute, or the outcome that says why there is none.
std::pair<std::filesystem::path, Outcome> locate(const std::string& program) {
  std::error_code error;
  std::filesystem::path path = program;
  if (program.find('/') == std::string::npos) {
    path = bp::environment::find_executable(program).string();
  }
  if (path.empty() || !std::filesystem::exists(path, error)) {
    return {{}, {.ending = Ending::not_found, .err = fmt::format("{}: no such program", program)}};
  }
  if (std::filesystem::is_directory(path, error)) {
    return {{}, {.ending = Ending::not_executable, .err = fmt::format("{}: a directory", program)}};
  }
  if (::access(path.c_str(), X_OK) != 0) {
    return {{},
            {.ending = Ending::not_executable, .err = fmt::format("{}: not executable", program)}};
  }
  return {path, {}};
}

/// One child, from its start until it and its pipes are done with. Driven by callbacks on the
/// executor; whoever waits is told by `finished`.
class Job : public std::enable_shared_from_this<Job> {
 public:
  Job(const asio::any_io_executor& executor, Command command, OutputReader reader)
      : command_(std::move(command)),
        reader_(std::move(reader)),
        process_(executor),
        in_(executor),
        out_(executor),
        err_(executor),
        deadline_(executor),
        grace_(executor),
        drain_(executor),
        finished_(executor, Clock::time_point::max()) {}

  /// Starts the child. False where it could not be started; the outcome says why.
  bool start() {
    auto [path, problem] = locate(command_.program);
    if (path.empty()) {
      outcome_ = std::move(problem);
      return false;
    }
    // Should exec fail, the forked copy of us ends with exit(), which writes what is unwritten.
    std::fflush(nullptr);
    // Boost keeps pointers into the variables, and silently passes over an initializer whose
    // functions it cannot call, as those of a const one.
    const auto variables = environment_with(command_.environment);
    bp::process_environment environment(variables);
    bp::posix::default_launcher launcher;
    error_code error;
    const bp::filesystem::path executable(path.string());
    if (command_.input.empty()) {
      process_ = launcher(out_.get_executor(), error, executable, command_.args,
                          bp::process_stdio{nullptr, out_, err_}, environment, ChildSetup{});
    } else {
      process_ = launcher(out_.get_executor(), error, executable, command_.args,
                          bp::process_stdio{in_, out_, err_}, environment, ChildSetup{});
    }
    if (error) {
      // The launcher leaves the copy of us that failed to be waited for.
      if (launcher.pid > 0) ::waitpid(launcher.pid, nullptr, 0);
      outcome_ = {.ending = Ending::not_executable,
                  .err = fmt::format("{}: {}", command_.program, error.message())};
      return false;
    }
    started_ = Clock::now();
    outcome_.pid = process_.id();
    read_output();
    read_errors();
    write_input();
    const auto self = shared_from_this();
    if (command_.deadline.count() > 0) {
      deadline_.expires_after(command_.deadline);
      deadline_.async_wait([self](error_code cancelled) {
        if (!cancelled) self->end(Ending::timed_out, SIGTERM);
      });
    }
    process_.async_wait([self](error_code, int) { self->exited(); });
    return true;
  }

  asio::awaitable<void> finished() {
    error_code cancelled;
    while (!done_) {
      co_await finished_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
    if (reader_failure_) std::rethrow_exception(reader_failure_);
  }

  Outcome take_outcome() { return std::move(outcome_); }

  /// Ends the child and its group for the reason given, at the latest after the grace.
  void end(Ending why, int signal) {
    if (exited_) return;
    if (decided_) {
      // Asked twice: no more patience.
      if (why == Ending::interrupted) signal_group(SIGKILL);
      return;
    }
    decided_ = why;
    decided_signal_ = signal;
    signal_group(signal);
    grace_.expires_after(command_.grace);
    grace_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled) self->signal_group(SIGKILL);
    });
  }

 private:
  void signal_group(int signal) const { ::kill(-outcome_.pid, signal); }

  void read_output() {
    out_.async_read_some(asio::buffer(out_buffer_),
                         [self = shared_from_this()](error_code error, std::size_t size) {
                           if (size > 0) self->take_output({self->out_buffer_.data(), size});
                           if (error) {
                             self->out_open_ = false;
                             self->check_done();
                           } else {
                             self->read_output();
                           }
                         });
  }

  void take_output(std::string_view piece) {
    // What comes after the decision to end the child is of no interest any more.
    if (decided_) return;
    if (reader_) {
      try {
        if (reader_(piece) == Flow::stop) end(Ending::stopped, SIGTERM);
      } catch (...) {
        reader_failure_ = std::current_exception();
        end(Ending::stopped, SIGTERM);
      }
      return;
    }
    if (outcome_.out.size() + piece.size() > command_.output_limit) {
      end(Ending::output_limit, SIGTERM);
      return;
    }
    outcome_.out += piece;
  }

  void read_errors() {
    err_.async_read_some(
        asio::buffer(err_buffer_), [self = shared_from_this()](error_code error, std::size_t size) {
          auto& kept = self->outcome_.err;
          kept.append(self->err_buffer_.data(), std::min(size, error_limit - kept.size()));
          if (error) {
            self->err_open_ = false;
            self->check_done();
          } else {
            self->read_errors();
          }
        });
  }

  void write_input() {
    if (command_.input.empty()) return;
    // A child that does not read its input is no failure: it may not need it.
    asio::async_write(in_, asio::buffer(command_.input),
                      [self = shared_from_this()](error_code, std::size_t) {
                        error_code ignored;
                        self->in_.close(ignored);
                      });
  }

  void exited() {
    exited_ = true;
    outcome_.wall = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_);
    const auto native = process_.native_exit_code();
    if (decided_) {
      outcome_.ending = *decided_;
      outcome_.code = *decided_ == Ending::interrupted ? decided_signal_ : 0;
      signal_group(SIGKILL);  // whoever of the group is still there
      close_pipes();
    } else if (WIFSIGNALED(native)) {
      outcome_.ending = Ending::signalled;
      outcome_.code = WTERMSIG(native);
    } else {
      outcome_.ending = Ending::exited;
      outcome_.code = WEXITSTATUS(native);
    }
    deadline_.cancel();
    grace_.cancel();
    error_code ignored;
    in_.close(ignored);
    drain_.expires_after(drain_time);
    drain_.async_wait([self = shared_from_this()](error_code cancelled) {
      if (!cancelled) self->close_pipes();
    });
    check_done();
  }

  void close_pipes() {
    error_code ignored;
    out_.close(ignored);
    err_.close(ignored);
  }

  void check_done() {
    if (!exited_ || out_open_ || err_open_ || done_) return;
    done_ = true;
    drain_.cancel();
    process_.detach();  // it has been waited for: nothing is left to end
    finished_.cancel();
  }

  Command command_;
  OutputReader reader_;
  bp::process process_;
  asio::writable_pipe in_;
  asio::readable_pipe out_;
  asio::readable_pipe err_;
  asio::steady_timer deadline_;
  asio::steady_timer grace_;
  asio::steady_timer drain_;
  asio::steady_timer finished_;
  std::array<char, 16384> out_buffer_;  // not zeroed: only what was read is looked at
  std::array<char, 4096> err_buffer_;
  Outcome outcome_;
  Clock::time_point started_;
  std::optional<Ending> decided_;
  int decided_signal_ = 0;
  std::exception_ptr reader_failure_;
  bool exited_ = false;
  bool out_open_ = true;
  bool err_open_ = true;
  bool done_ = false;
};

}  // namespace

struct Runner::State {
  explicit State(asio::any_io_executor used) : executor(std::move(used)) {}
  asio::any_io_executor executor;
  std::set<std::shared_ptr<Job>> jobs;
  std::optional<int> interrupted;
};

Runner::Runner(asio::any_io_executor executor)
    : state_(std::make_shared<State>(std::move(executor))) {
  // A child may end before it has read its input: that is an error of a write, not our end.
  std::signal(SIGPIPE, SIG_IGN);
}

Runner::~Runner() = default;

asio::awaitable<Outcome> Runner::run(Command command, OutputReader reader) {
  const auto state = state_;
  if (state->interrupted) {
    Outcome none;
    none.ending = Ending::interrupted;
    none.code = *state->interrupted;
    co_return none;
  }
  const auto job = std::make_shared<Job>(state->executor, std::move(command), std::move(reader));
  if (!job->start()) co_return job->take_outcome();
  state->jobs.insert(job);
  std::exception_ptr failure;
  try {
    co_await job->finished();
  } catch (...) {
    failure = std::current_exception();
  }
  state->jobs.erase(job);
  if (failure) std::rethrow_exception(failure);
  co_return job->take_outcome();
}

void Runner::interrupt(int signal) {
  if (!state_->interrupted) state_->interrupted = signal;
  const auto running = state_->jobs;
  for (const auto& job : running) job->end(Ending::interrupted, signal);
}

std::optional<int> Runner::interrupted() const {
  return state_->interrupted;
}

}  // namespace retrust
