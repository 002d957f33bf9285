#include "app/invocation.h"

#include <array>
#include <csignal>
#include <cstring>
#include <exception>
#include <optional>
#include <pwd.h>
#include <unistd.h>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "base/display_text.h"
#include "base/text.h"
#include "process/descriptor_limit.h"
#include "transcript/journal.h"

namespace retrust {
namespace {

using boost::asio::awaitable;

std::string operator_text(const Environment& environment) {
  const auto* user = ::getpwuid(::geteuid());
  std::array<char, 256> host{};
  const auto known = ::gethostname(host.data(), host.size() - 1) == 0;
  const auto behind = environment("SUDO_USER").value_or("");
  return fmt::format("{}@{}{}", user == nullptr ? std::to_string(::geteuid()) : user->pw_name,
                     known ? host.data() : "unknown",
                     behind.empty() ? "" : ", by sudo of " + DisplayText(behind));
}

/// Whether standard output is for other programs, and nothing else may go there. The table of
/// `list` can be read by a program too, unless the operator wants to see the commands.
bool is_for_programs(const Options& options) {
  const auto table = options.command == CommandName::list &&
                     (options.output == OutputFormat::text || options.output == OutputFormat::wide);
  if (table) return options.verbosity != Verbosity::verbose;
  return options.output != OutputFormat::text;
}

Called with_elsewhere(Called called, const Options& options) {
  called.elsewhere = options.elsewhere;
  return called;
}

}  // namespace

Invocation::Invocation(Options options_given, Called called_as, const Environment& environment)
    : options(std::move(options_given)),
      called(with_elsewhere(std::move(called_as), options)),
      operator_name(operator_text(environment)),
      runner(io.get_executor(), raise_descriptor_limit()),
      prompt(io.get_executor(), output),
      events(redactor),
      toolbox(options, runner, events, redactor),
      resource_wait_(events, options.timeout,
                     [this] { return record_ && record_->standing().changed; }),
      signals_(io) {
  runner.on_shortage(resource_wait_);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    // What we were started to ignore, as by nohup, stays ignored.
    struct sigaction inherited {};
    ::sigaction(signal, nullptr, &inherited);
    if (inherited.sa_handler != SIG_IGN) signals_.add(signal);
  }
  // What `step get-token` prints is for another program: nothing else goes to standard output.
  const auto alone = options.step == Step::get_token || options.step == Step::get_ca;
  const auto lists = options.command == CommandName::list;
  const auto prints_report =
      options.command == CommandName::status || options.command == CommandName::plan || lists;
  if (options.output == OutputFormat::json && !prints_report && !alone) {
    events.add(std::make_shared<JsonSink>(output));
    prints_lines_ = true;
  }
  terminal = std::make_shared<TerminalSink>(
      io.get_executor(), output, terminal_style(options.color, environment), options.verbosity,
      alone || is_for_programs(options) ? OutputFormat::json : OutputFormat::text);
  events.add(terminal);
}

int Invocation::run(Command command) {
  await_signals();
  auto status = ExitStatus::done;
  boost::asio::co_spawn(io, guarded(command), [&](std::exception_ptr error, ExitStatus result) {
    status = result;
    toolbox.end_sessions();
    signals_.cancel();
    // What was waited for when it ended is waited for no longer.
    terminal->rest();
    if (error) std::rethrow_exception(error);
  });
  io.run();
  return static_cast<int>(status);
}

void Invocation::await_signals() {
  signals_.async_wait([this](boost::system::error_code cancelled, int signal) {
    if (cancelled) return;
    runner.interrupt(signal);
    prompt.interrupt(signal);
    await_signals();
  });
}

awaitable<ExitStatus> Invocation::guarded(Command command) {
  std::optional<Failure> failure;
  auto interrupted = 0;
  try {
    const auto status = co_await command(*this);
    co_return status;
  } catch (const Interrupted& by) {
    interrupted = by.signal;
  } catch (const Failure& error) {
    failure = error;
  } catch (const std::exception& error) {
    failure = unexpected(error);
  }
  // A command that died of the signal that we were sent says nothing about the cluster.
  if (failure) interrupted = runner.interrupted().value_or(0);
  if (interrupted != 0) {
    failure =
        Failure(static_cast<ExitStatus>(128 + interrupted),
                fmt::format("interrupted by signal {} ({})", interrupted, ::strsignal(interrupted)),
                record_ ? "run again: what is left to do is read from the clusters" : "");
  }
  // After the first change it would be untrue that nothing was changed.
  const auto before_changes =
      failure->status == ExitStatus::refused || failure->status == ExitStatus::usage;
  if (before_changes && record_ && record_->standing().changed) {
    failure->status = ExitStatus::failed;
  }
  report(*failure);
  co_return failure->status;
}

void Invocation::report(const Failure& failure) {
  try {
    toolbox.end_sessions();
    auto shown = failure;
    shown.advice = completed(record_ ? record_->called() : called, failure.advice);
    if (record_) record_->release_room();
    Journal(events).failure(shown);
    if (record_) record_->end_failed(shown);
  } catch (const Failure& unwritten) {
    output.write(Stream::err,
                 fmt::format("retrust: {}\n", one_line(redactor.mask(unwritten.what()))));
  }
}

Record& Invocation::open_record(std::string_view what) {
  auto& record = record_.emplace(*this);
  // A failure from here on is the end of the transcripts, too.
  record.begin(what);
  record.reserve_room();
  return record;
}

bool Invocation::lost_lines() const {
  return prints_lines_ && static_cast<bool>(output.lost(Stream::out));
}

}  // namespace retrust
