#include "ui/terminal.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/text.h"
#include "transcript/plan_text.h"
#include "transcript/writers.h"

namespace retrust {
namespace {

std::string indented(std::string_view text) {
  std::string result;
  for (const auto& line : split_lines(text)) result += fmt::format("  {}\n", line);
  return result;
}

/// Marks the lines of others, so that no line of theirs passes for one of ours.
std::string others_words(std::string_view text) {
  std::string result;
  for (const auto& line : split_lines(text)) result += fmt::format("  | {}\n", line);
  return result;
}

}  // namespace

TerminalSize size_of(Stream stream) {
  winsize size{};
  const auto descriptor = stream == Stream::out ? STDOUT_FILENO : STDERR_FILENO;
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    return {size.ws_col, size.ws_row};
  }
  return {};
}

TerminalStyle terminal_style(ColorChoice choice, const Environment& environment) {
  const auto set = [&](const char* name) {
    const auto value = environment(name);
    return value && !value->empty();
  };
  const auto paint = [&](int descriptor) {
    if (choice == ColorChoice::always) return Paint::colored;
    if (choice == ColorChoice::never || set("NO_COLOR")) return Paint::plain;
    if (set("CLICOLOR_FORCE") && environment("CLICOLOR_FORCE") != "0") return Paint::colored;
    const auto able = ::isatty(descriptor) == 1 && environment("TERM").value_or("dumb") != "dumb";
    return able ? Paint::colored : Paint::plain;
  };
  const auto moves = ::isatty(STDERR_FILENO) == 1 && environment("TERM").value_or("dumb") != "dumb";
  // The first variable that is set counts, as in setlocale.
  std::string locale;
  for (const auto* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (locale.empty()) locale = environment(name).value_or("");
  }
  const auto unicode =
      locale.find("UTF-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  const auto lines = [](int descriptor) {
    return ::isatty(descriptor) == 1 ? TerminalStyle::Lines::wrapped : TerminalStyle::Lines::whole;
  };
  return {paint(STDOUT_FILENO),
          paint(STDERR_FILENO),
          lines(STDOUT_FILENO),
          lines(STDERR_FILENO),
          moves,
          unicode ? StepList::Symbols::unicode : StepList::Symbols::ascii};
}

TerminalSink::TerminalSink(const boost::asio::any_io_executor& executor, Console& output,
                           TerminalStyle style, Verbosity verbosity, OutputFormat format)
    : timer_(executor),
      output_(output),
      style_(style),
      verbosity_(verbosity),
      format_(format),
      steps_(style.symbols) {
  // Lines of JSON on the same terminal would break the list.
  const auto shared =
      format == OutputFormat::json && style.out_lines == TerminalStyle::Lines::wrapped;
  if (shared) style_.draws_steps = false;
}

TerminalSink::~TerminalSink() {
  clear_progress();
}

void TerminalSink::print(Stream stream, std::string_view text, std::string_view color) {
  clear_progress();
  const auto painted = (stream == Stream::out ? style_.out : style_.err) == Paint::colored;
  std::string shown;
  for (const auto& line : split_lines(text)) {
    shown += painted && !color.empty() ? fmt::format("{}{}{}\n", color, line, reset) : line + "\n";
  }
  output_.write(stream, shown);
}

std::optional<std::size_t> TerminalSink::width_for(Stream stream) const {
  const auto lines = stream == Stream::out ? style_.out_lines : style_.err_lines;
  // Wrapping does not help on a terminal with room for few words.
  constexpr std::size_t least = 30;
  const auto columns = size_of(stream).columns;
  if (lines == TerminalStyle::Lines::whole || columns < least) return std::nullopt;
  return columns - 1;
}

void TerminalSink::print_sentences(Stream stream, std::string_view text, std::string_view color) {
  const auto width = width_for(stream);
  print(stream, width ? wrapped_sentences(text, *width) : std::string(text), color);
}

void TerminalSink::print_row(std::string_view row, std::string_view color) {
  const auto width = width_for(Stream::out);
  print(Stream::out, width ? cut(row, *width, steps_.more()) : std::string(row), color);
}

void TerminalSink::print_next(Stream stream, const std::vector<Advice>& next) {
  if (next.empty()) return;
  print(stream, "\n");
  print(stream, "Next:", bold);
  for (const auto& each : next) print_advice(stream, "  - ", each);
}

void TerminalSink::tell_next(const std::vector<Advice>& next) {
  if (verbosity_ != Verbosity::quiet) print_next(Stream::err, next);
}

void TerminalSink::print_advice(Stream stream, std::string_view lead, const Advice& advice) {
  if (advice.empty()) return;
  if (!width_for(stream)) {
    print(stream, fmt::format("{}{}", lead, advice.text()));
    return;
  }
  // A command stays on one line, because people copy it.
  const auto* end = advice.command.empty() ? "" : ":";
  print_sentences(stream, fmt::format("{}{}{}", lead, advice.sentence, end));
  if (!advice.command.empty()) print(stream, "      " + advice.command);
}

void TerminalSink::print_summary() {
  const auto steps = draws() ? steps_.summary() : std::vector<ToneLine>{};
  print(steps.empty() ? Stream::out : Stream::err, "\n");
  for (const auto& line : steps) print(Stream::err, painted(line, style_.err));
}

bool TerminalSink::draws() const {
  return style_.draws_steps && verbosity_ != Verbosity::quiet;
}

void TerminalSink::clear_progress() {
  if (!drawn_) return;
  output_.write(Stream::err, erasing);
  drawn_ = false;
}

void TerminalSink::draw_progress() {
  const auto size = size_of(Stream::err);
  // A row and a column stay free, because a terminal may scroll as soon as the last one is filled.
  const TerminalSize room{std::max<std::size_t>(size.columns, 2) - 1,
                          std::max<std::size_t>(size.rows, 2) - 1};
  auto lines = steps_.lines(std::chrono::steady_clock::now(), room);
  if (lines.empty()) {
    clear_progress();
    return;
  }
  if (lines.size() > 2 && lines.size() < room.rows) lines.insert(lines.begin(), ToneLine{});
  const auto text = drawing(lines, room.columns, steps_.more(), style_.err);
  // One write, so that nobody sees a half-drawn list.
  output_.write(Stream::err, text);
  drawn_ = true;
}

void TerminalSink::rest() {
  resting_ = true;
  clear_progress();
  timer_.cancel();
}

void TerminalSink::keep_up() {
  if (!draws() || resting_) return;
  if (!steps_.active()) {
    clear_progress();
    timer_.cancel();
    return;
  }
  draw_progress();
  if (ticking_) return;
  ticking_ = true;
  // A command is shown as awaited within a second of its start.
  timer_.expires_after(std::chrono::milliseconds{500});
  timer_.async_wait([this](boost::system::error_code) {
    ticking_ = false;
    keep_up();
  });
}

void TerminalSink::emit(const Event& event) {
  steps_.see(event, std::chrono::steady_clock::now());
  show(event);
  keep_up();
}

void TerminalSink::show(const Event& event) {
  const auto talks = format_ == OutputFormat::text && verbosity_ != Verbosity::quiet;
  const auto verbose = verbosity_ == Verbosity::verbose;
  const auto detailed = talks && (event.weight == Weight::documented || verbose);
  if (const auto* plan = std::get_if<PlanMade>(&event.what); plan && talks) {
    print(Stream::out, "\n");
    print(Stream::out, plan_text(plan->steps, width_for(Stream::out)));
  } else if (event.is<SituationTold>() && format_ == OutputFormat::text) {
    print_sentences(Stream::out, event.text, bold);
  } else if (const auto* step = std::get_if<StepStarted>(&event.what); step && talks) {
    print(Stream::out, fmt::format("\n{} {}", event.section, step->name), bold);
    print_sentences(Stream::out, indented(event.text));
  } else if (const auto* command = std::get_if<CommandEnded>(&event.what)) {
    if (detailed) print(Stream::out, others_words(command->output), dim);
    if (talks && verbose) print(Stream::out, "    " + event.text, dim);
    print(Stream::err, others_words(command->aside));
  } else if (const auto* warning = std::get_if<Warning>(&event.what)) {
    print_sentences(Stream::err, "warning: " + event.text, yellow);
    print_advice(Stream::err, "  ", warning->advice);
  } else if (const auto* failure = std::get_if<FailureTold>(&event.what)) {
    print_sentences(Stream::err, "retrust: " + event.text, red);
    // The words of a command stay as they are.
    print(Stream::err, others_words(failure->detail));
    print_advice(Stream::err, "  ", failure->advice);
  } else if (const auto* end = std::get_if<RunEnded>(&event.what)) {
    if (talks) print_summary();
    if (format_ == OutputFormat::text) print_sentences(Stream::out, event.text, bold);
    if (talks) print_next(Stream::out, end->next);
  } else if (event.is<Difference>() && talks) {
    print_difference(event.text);
  } else if (event.is<CommandStarted>() && detailed) {
    print(Stream::out, "  $ " + event.text, dim);
  } else if (event.is<WaitStarted>() && detailed && !draws()) {
    // The list of steps shows the wait if it is drawn.
    print_sentences(Stream::out, indented("waiting " + event.text));
  } else if (event.is<Finding, Change, WaitEnded>() && detailed) {
    print_sentences(Stream::out, indented(event.text));
  }
}

void TerminalSink::print_difference(std::string_view diff) {
  print(Stream::out, "\n");
  for (const auto& line : split_lines(diff)) {
    const auto color = line.starts_with('+')   ? green
                       : line.starts_with('-') ? red
                       : line.starts_with('@') ? dim
                                               : std::string_view{};
    print(Stream::out, "  " + line, color);
  }
}

void JsonSink::emit(const Event& event) {
  if (is_momentary(event)) return;
  const auto line = json_line(event) + "\n";
  output_.write(Stream::out, line);
}

boost::asio::awaitable<Prompt::Reply> Prompt::ask(std::string question, std::string more) {
  const auto words = more.empty() ? std::string("Only the word yes goes on")
                                  : fmt::format("The word yes goes on, and all also {}", more);
  const auto text = fmt::format("\n{}\n{}; anything else changes nothing: ", question, words);
  output_.write(Stream::err, text);
  // Asio makes the descriptor non-blocking, and with it the terminal that we share with the shell.
  const auto flags = ::fcntl(STDIN_FILENO, F_GETFL);
  input_.emplace(executor_, ::dup(STDIN_FILENO));
  std::string answer;
  std::array<char, 256> buffer{};
  boost::system::error_code ended;
  while (!ended && answer.find('\n') == std::string::npos && answer.size() < 4096) {
    const auto count = co_await input_->async_read_some(
        boost::asio::buffer(buffer),
        boost::asio::redirect_error(boost::asio::use_awaitable, ended));
    answer.append(buffer.data(), count);
  }
  input_.reset();
  ::fcntl(STDIN_FILENO, F_SETFL, flags);
  if (signal_ != 0) throw Interrupted{signal_};
  if (answer.ends_with('\n')) answer.pop_back();
  if (answer == "all" && !more.empty()) co_return Reply::all;
  co_return answer == "yes" ? Reply::yes : Reply::no;
}

void Prompt::interrupt(int signal) {
  signal_ = signal;
  if (input_) input_->cancel();
}

bool can_ask() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

}  // namespace retrust
