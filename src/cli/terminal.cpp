#include "cli/terminal.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "transcript/failure.h"
#include "transcript/members.h"
#include "transcript/text.h"
#include "transcript/writers.h"

namespace retrust {
namespace {

constexpr std::string_view plain;
constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view yellow = "\x1b[33m";
constexpr std::string_view reset = "\x1b[0m";

std::size_t columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

/// As many characters of UTF-8 text as fit into so many columns, each taken to fill one.
std::string_view fitting(std::string_view text, std::size_t width) {
  std::size_t used = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto begins = (static_cast<unsigned char>(text[i]) & 0xC0U) != 0x80U;
    if (begins && used++ == width) return text.substr(0, i);
  }
  return text;
}

std::string indented(std::string_view text) {
  std::string result;
  for (const auto& line : split_lines(text)) result += fmt::format("  {}\n", line);
  return result;
}

}  // namespace

Looks settle_looks(ColorChoice choice, const Environment& environment) {
  const auto set = [&](const char* name) {
    const auto value = environment(name);
    return value && !value->empty();
  };
  const auto paint = [&](int descriptor) {
    if (choice == ColorChoice::always) return Looks::Paint::colored;
    if (choice == ColorChoice::never || set("NO_COLOR")) return Looks::Paint::plain;
    if (set("CLICOLOR_FORCE") && environment("CLICOLOR_FORCE") != "0") return Looks::Paint::colored;
    const auto able = ::isatty(descriptor) == 1 && environment("TERM").value_or("dumb") != "dumb";
    return able ? Looks::Paint::colored : Looks::Paint::plain;
  };
  const auto moves = ::isatty(STDERR_FILENO) == 1 && environment("TERM").value_or("dumb") != "dumb";
  // As setlocale has it: the first that is set counts.
  std::string locale;
  for (const auto* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (locale.empty()) locale = environment(name).value_or("");
  }
  const auto unicode =
      locale.find("UTF-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  return {paint(STDOUT_FILENO), paint(STDERR_FILENO),
          moves ? Looks::Progress::shown : Looks::Progress::hidden,
          unicode ? StepList::Symbols::unicode : StepList::Symbols::ascii};
}

TerminalSink::TerminalSink(boost::asio::any_io_executor executor, Looks looks, Verbosity verbosity,
                           OutputFormat format)
    : timer_(std::move(executor)),
      looks_(looks),
      verbosity_(verbosity),
      format_(format),
      steps_(looks.symbols) {}

void TerminalSink::print(std::FILE* stream, std::string_view text, std::string_view color) {
  clear_progress();
  const auto painted = (stream == stdout ? looks_.out : looks_.err) == Looks::Paint::colored;
  // A terminal that went away must not stop the work: what happens is in the transcript.
  for (const auto& line : split_lines(text)) {
    const auto shown =
        painted && !color.empty() ? fmt::format("{}{}{}\n", color, line, reset) : line + "\n";
    std::fwrite(shown.data(), 1, shown.size(), stream);
  }
  std::fflush(stream);
}

void TerminalSink::clear_progress() {
  if (drawn_ == 0) return;
  std::string text = "\r\x1b[K";
  for (std::size_t line = 1; line < drawn_; ++line) text += "\x1b[1A\x1b[K";
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  drawn_ = 0;
}

std::vector<std::string> TerminalSink::progress_lines() const {
  const auto now = std::chrono::steady_clock::now();
  auto lines = steps_.active() ? steps_.lines(now) : std::vector<std::string>{};
  // What is waited for outside of any step has a line of its own.
  if (wait_ && (wait_->section.empty() || lines.empty())) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(now - wait_->since);
    lines.push_back(fmt::format("  waiting {} s {}{}{}", elapsed.count(), wait_->text,
                                wait_->seen.empty() ? "" : ": ", wait_->seen));
  }
  return lines;
}

void TerminalSink::draw_progress() {
  if (looks_.progress == Looks::Progress::hidden || verbosity_ == Verbosity::quiet) return;
  clear_progress();
  const auto lines = progress_lines();
  std::string text;
  for (const auto& line : lines) {
    if (!text.empty()) text += "\n";
    text += fitting(line, columns() - 1);
  }
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  drawn_ = lines.size();
}

void TerminalSink::tick() {
  draw_progress();
  timer_.expires_after(std::chrono::seconds{1});
  timer_.async_wait([this](boost::system::error_code cancelled) {
    ticking_ = !cancelled && (wait_ || steps_.active());
    if (ticking_) tick();
  });
}

void TerminalSink::keep_ticking() {
  if (ticking_ || looks_.progress == Looks::Progress::hidden || verbosity_ == Verbosity::quiet) {
    draw_progress();
    return;
  }
  ticking_ = true;
  tick();
}

void TerminalSink::end_wait() {
  wait_.reset();
  if (!steps_.active()) timer_.cancel();
  clear_progress();
}

void TerminalSink::emit(const Event& event) {
  if (format_ == OutputFormat::text) steps_.see(event, std::chrono::steady_clock::now());
  show(event);
  if (steps_.active()) keep_ticking();
}

void TerminalSink::show(const Event& event) {
  const auto talks = format_ == OutputFormat::text && verbosity_ != Verbosity::quiet;
  const auto detailed =
      talks && (event.weight == Weight::documented || verbosity_ == Verbosity::verbose);
  switch (event.kind) {
    case EventKind::finding:
      if (detailed) print(stdout, indented(event.text), plain);
      break;
    case EventKind::difference:
      if (!talks) break;
      for (const auto& line : split_lines(event.text)) {
        const auto color = line.starts_with('+') ? green : line.starts_with('-') ? red : plain;
        print(stdout, "  " + line, color);
      }
      break;
    case EventKind::plan:
      if (talks) print(stdout, "\n" + event.text, plain);
      break;
    case EventKind::step_started:
      if (talks) {
        print(stdout, fmt::format("\n{} {}", event.section, text_in(event.data, "name")), bold);
        print(stdout, indented(event.text), plain);
      }
      break;
    case EventKind::command_started:
      if (detailed) print(stdout, "  $ " + event.text, dim);
      break;
    case EventKind::command_ended:
      if (detailed) print(stdout, indented(indented(text_in(event.data, "output"))), dim);
      if (talks && verbosity_ == Verbosity::verbose) {
        print(stdout, "    " + event.text, dim);
      }
      break;
    case EventKind::change:
      if (talks) print(stdout, indented(event.text), plain);
      break;
    case EventKind::wait_started:
      wait_ = Wait{event.section, event.text, {}, std::chrono::steady_clock::now()};
      keep_ticking();
      break;
    case EventKind::wait_progress:
      if (wait_) wait_->seen = event.text;
      draw_progress();
      break;
    case EventKind::wait_ended:
      end_wait();
      if (talks) print(stdout, indented(event.text), plain);
      break;
    case EventKind::warning:
      print(stderr, "warning: " + event.text, yellow);
      break;
    case EventKind::failure:
      end_wait();
      print(stderr, "retrust: " + event.text, red);
      if (const auto detail = text_in(event.data, "detail"); !detail.empty()) {
        print(stderr, indented(detail), plain);
      }
      if (const auto advice = text_in(event.data, "advice"); !advice.empty()) {
        print(stderr, indented(advice), plain);
      }
      break;
    case EventKind::run_ended:
      end_wait();
      if (looks_.progress == Looks::Progress::shown && talks) {
        // The list stays, as it was in the end.
        const auto steps = steps_.lines(std::chrono::steady_clock::now());
        if (!steps.empty()) print(stderr, "\n", plain);
        for (const auto& line : steps) print(stderr, line, plain);
      }
      if (format_ == OutputFormat::text) print(stdout, event.text, bold);
      if (talks) {
        for (const auto& line : texts_in(event.data, "next"))
          print(stdout, "  next: " + line, plain);
      }
      break;
    case EventKind::run_started:
    case EventKind::step_ended:
      break;
  }
}

void JsonSink::emit(const Event& event) {
  if (is_momentary(event)) return;
  const auto line = json_line(event) + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

boost::asio::awaitable<bool> Prompt::ask(std::string question) {
  const auto text =
      fmt::format("\n{}\nOnly the word yes goes on; anything else changes nothing: ", question);
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
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
  co_return answer == "yes\n" || answer == "yes";
}

void Prompt::interrupt(int signal) {
  signal_ = signal;
  if (input_) input_->cancel();
}

bool can_ask() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

}  // namespace retrust
