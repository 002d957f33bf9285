#include "app/invocation.h"

#include <cstring>
#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "app/plan_file.h"
#include "base/text.h"
#include "report/failure_report.h"
#include "transcript/journal.h"

namespace retrust {
namespace {

using boost::asio::awaitable;

/// Whether standard output is for other programs, and nothing else may go there. The table of
/// `list` can be read by a program too, unless the operator wants to see the commands.
bool is_for_programs(const Options& options) {
  const auto table = options.command == CommandName::list &&
                     (options.output == OutputFormat::text || options.output == OutputFormat::wide);
  if (table) return options.verbosity != Verbosity::verbose;
  return options.output != OutputFormat::text;
}

/// Whether `step` prints what another program reads.
bool prints_alone(const Options& options) {
  return options.step == Step::get_token || options.step == Step::get_ca;
}

/// Prints the failure of a command as the one JSON object that it would have printed.
class ErrorSink final : public EventSink {
 public:
  explicit ErrorSink(Console& output) : output_(output) {}
  void emit(const Event& event) override {
    const auto* failure = std::get_if<FailureTold>(&event.what);
    if (failure != nullptr) print_json(output_, failure_report(*failure, event.text));
  }

 private:
  Console& output_;
};

Called with_elsewhere(Called called, const Options& options) {
  called.elsewhere = options.elsewhere;
  return called;
}

}  // namespace

Invocation::Invocation(Host& host_of_all, Options options_given, Called called_as,
                       const Environment& environment)
    : host(host_of_all),
      options(std::move(options_given)),
      called(with_elsewhere(std::move(called_as), options)),
      output(host.output),
      runner(host.runner),
      redactor(host.redactor),
      events(redactor),
      toolbox(options, runner, events, redactor),
      // What `step get-token` prints is for another program: nothing else goes to standard output.
      terminal(std::make_shared<TerminalSink>(
          host.io.get_executor(), output, terminal_style(options.color, environment),
          options.verbosity,
          prints_alone(options) || is_for_programs(options) ? OutputFormat::json
                                                            : OutputFormat::text)),
      display(*terminal),
      keep_plan([this](boost::json::object plan) { return save_plan(*this, {std::move(plan)}); }),
      print_report([this](const boost::json::value& value) { print_json(output, value); }) {
  resource_wait_.emplace(events, options.timeout, [this] { return changed(); });
  runner.on_shortage(*resource_wait_);
  const auto lists = options.command == CommandName::list;
  const auto prints_report =
      options.command == CommandName::status || options.command == CommandName::plan || lists;
  if (options.output == OutputFormat::json && !prints_report && !prints_alone(options)) {
    events.add(std::make_shared<JsonSink>(output));
    prints_lines_ = true;
  } else if (options.output == OutputFormat::json && prints_report) {
    events.add(std::make_shared<ErrorSink>(output));
  }
  events.add(terminal);
}

Invocation::Invocation(Host& host_of_all, Options options_given, Called called_as,
                       std::shared_ptr<EventSink> shown, Display& display_of_all)
    : host(host_of_all),
      options(std::move(options_given)),
      called(std::move(called_as)),
      output(host.output),
      runner(host.runner),
      redactor(host.redactor),
      events(redactor),
      toolbox(options, runner, events, redactor),
      display(display_of_all),
      keep_plan([this](boost::json::object plan) { return save_plan(*this, {std::move(plan)}); }),
      print_report([this](const boost::json::value& value) { print_json(output, value); }) {
  events.add(std::move(shown));
}

int Invocation::run(Command command) {
  host.await_signals();
  auto status = ExitStatus::done;
  boost::asio::co_spawn(host.io, perform(command),
                        [&](std::exception_ptr error, ExitStatus result) {
                          status = result;
                          toolbox.end_sessions();
                          host.leave_signals();
                          // What was waited for when it ended is waited for no longer.
                          display.rest();
                          if (error) std::rethrow_exception(error);
                        });
  host.io.run();
  return static_cast<int>(status);
}

awaitable<ExitStatus> Invocation::perform(Command command) {
  std::optional<Failure> failure;
  auto interrupted = 0;
  try {
    if (!refuses.empty()) {
      throw Failure(FailureCode::wrong_cluster, refuses,
                    "find out which one is the right one, and give its kubeconfig alone");
    }
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
    auto text = fmt::format("interrupted by signal {} ({})", interrupted, ::strsignal(interrupted));
    if (record_ && !changed()) text += ": " + record_->unchanged();
    failure = Failure(static_cast<ExitStatus>(128 + interrupted), text,
                      record_ ? "run again: what is left to do is read from the clusters" : "");
  }
  // After the first change it would be untrue that nothing was changed.
  if (changed()) after_change(*failure);
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

Record& Invocation::open_record(std::string_view what, RunFolder::Content content) {
  auto& record = record_.emplace(*this, content);
  // A failure from here on is the end of the transcripts, too.
  record.begin(what);
  record.reserve_room();
  return record;
}

bool Invocation::lost_lines() const {
  return prints_lines_ && static_cast<bool>(output.lost(Stream::out));
}

void print_json(Console& output, const boost::json::value& value) {
  output.write(Stream::out, boost::json::serialize(value) + "\n");
}

}  // namespace retrust
