#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "cli/options.h"
#include "cli/step_list.h"
#include "transcript/event.h"

namespace retrust {

/// Colour and movement, settled once: NO_COLOR, CLICOLOR_FORCE, TERM and --color.
struct Looks {
  enum class Paint { plain, colored };
  enum class Progress { hidden, shown };
  Paint out = Paint::plain;
  Paint err = Paint::plain;
  /// Whether waits and steps show their progress: standard error is a terminal.
  Progress progress = Progress::hidden;
  StepList::Symbols symbols = StepList::Symbols::ascii;
};

Looks settle_looks(ColorChoice choice, const Environment& environment);

/// Shows events to a person: what is done on standard output, waits and trouble on standard error.
class TerminalSink final : public EventSink {
 public:
  TerminalSink(boost::asio::any_io_executor executor, Looks looks, Verbosity verbosity,
               OutputFormat format);
  void emit(const Event& event) override;

 private:
  void show(const Event& event);
  void print(std::FILE* stream, std::string_view text, std::string_view color);
  void clear_progress();
  void draw_progress();
  std::vector<std::string> progress_lines() const;
  void tick();
  void end_wait();
  void keep_ticking();

  boost::asio::steady_timer timer_;
  Looks looks_;
  Verbosity verbosity_;
  OutputFormat format_;
  struct Wait {
    std::string section;
    std::string text;
    std::string seen;
    std::chrono::steady_clock::time_point since;
  };
  std::optional<Wait> wait_;
  StepList steps_;
  std::size_t drawn_ = 0;  ///< lines at the bottom that are to be brought up to date
  bool ticking_ = false;
};

/// Writes each event as a line of JSON to standard output.
class JsonSink final : public EventSink {
 public:
  void emit(const Event& event) override;
};

/// Asks a question on standard error and reads the answer from standard input; can be interrupted.
class Prompt {
 public:
  explicit Prompt(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  boost::asio::awaitable<bool> ask(std::string question);
  /// Lets a question that is open throw Interrupted.
  void interrupt(int signal);

 private:
  boost::asio::any_io_executor executor_;
  std::optional<boost::asio::posix::stream_descriptor> input_;
  int signal_ = 0;
};

/// Standard input and standard error are both a terminal.
bool can_ask();

}  // namespace retrust
