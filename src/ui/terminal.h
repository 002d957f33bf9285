#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "cli/options.h"
#include "transcript/event.h"
#include "ui/display.h"
#include "ui/layout.h"
#include "ui/output.h"
#include "ui/step_list.h"

namespace retrust {

/// Colour and movement of the output, from NO_COLOR, CLICOLOR_FORCE, TERM and --color.
struct TerminalStyle {
  /// Wrapping of sentences between words, which a terminal does not do by itself.
  enum class Lines { whole, wrapped };
  Paint out = Paint::plain;
  Paint err = Paint::plain;
  Lines out_lines = Lines::whole;
  Lines err_lines = Lines::whole;
  /// True if waits and steps show their progress: standard error is a terminal.
  bool draws_steps = false;
  StepList::Symbols symbols = StepList::Symbols::ascii;
};

/// The size of the terminal on a stream; a usual one if there is none.
TerminalSize size_of(Stream stream);

TerminalStyle terminal_style(ColorChoice choice, const Environment& environment);

/// Shows events to a person: progress of the work on standard output, waits and trouble on standard
/// error.
class TerminalSink final : public EventSink, public Display {
 public:
  /// The output must outlive this.
  TerminalSink(const boost::asio::any_io_executor& executor, Console& output, TerminalStyle style,
               Verbosity verbosity, OutputFormat format);
  ~TerminalSink() override;
  TerminalSink(const TerminalSink&) = delete;
  TerminalSink& operator=(const TerminalSink&) = delete;
  void emit(const Event& event) override;

  void rest() override;
  void go_on() override { resting_ = false; }

  /// Prints a row of a table, cut to a terminal's width.
  void print_row(std::string_view row, std::string_view color);
  const TerminalStyle& style() const { return style_; }

  /// Prints a line of the result on standard output, in every format.
  void print_result(std::string_view line, std::string_view color = {}) {
    print(Stream::out, line, color);
  }
  /// Prints next actions on standard error, beside a result on standard output.
  void tell_next(const std::vector<Advice>& next);

 private:
  void show(const Event& event);
  void print(Stream stream, std::string_view text, std::string_view color = {});
  /// Width for sentences on a stream; nothing if they stay whole.
  std::optional<std::size_t> width_for(Stream stream) const;
  void print_sentences(Stream stream, std::string_view text, std::string_view color = {});
  void print_difference(std::string_view diff);
  void print_next(Stream stream, const std::vector<Advice>& next);
  /// Prints an advice, with its command on a line of its own.
  void print_advice(Stream stream, std::string_view lead, const Advice& advice);
  void print_summary();
  void clear_progress();
  void draw_progress();
  bool draws() const;
  void keep_up();

  boost::asio::steady_timer timer_;
  Console& output_;
  TerminalStyle style_;
  Verbosity verbosity_;
  OutputFormat format_;
  StepList steps_;
  bool drawn_ = false;
  bool ticking_ = false;
  bool resting_ = false;
};

/// Writes each event as a line of JSON to standard output.
class JsonSink final : public EventSink {
 public:
  /// The output must outlive this.
  explicit JsonSink(Console& output) : output_(output) {}
  void emit(const Event& event) override;

 private:
  Console& output_;
};

/// Asks a question on standard error and reads the answer from standard input; can be interrupted.
class Prompt {
 public:
  /// The output must outlive this.
  Prompt(boost::asio::any_io_executor executor, Console& output)
      : executor_(std::move(executor)), output_(output) {}
  enum class Reply {
    no,  ///< anything but the words
    yes,
    all,  ///< also the rest, where that can be answered
  };
  /// `more` is what the answer "all" adds; empty: there is no such answer.
  boost::asio::awaitable<Reply> ask(std::string question, std::string more = {});
  /// Makes an open question throw Interrupted.
  void interrupt(int signal);

 private:
  boost::asio::any_io_executor executor_;
  Console& output_;
  std::optional<boost::asio::posix::stream_descriptor> input_;
  int signal_ = 0;
};

/// True if standard input and standard error are both a terminal.
bool can_ask();

}  // namespace retrust
