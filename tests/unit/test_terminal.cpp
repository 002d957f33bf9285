#include <chrono>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "ui/terminal.h"

namespace retrust {
namespace {

TEST_CASE("a wait that nobody ended keeps no program alive, nor draws over a question") {
  boost::asio::io_context io{1};
  TerminalStyle style;
  style.draws_steps = true;
  // As with -o json: nothing but the list may be drawn.
  Console output;
  TerminalSink terminal(io.get_executor(), output, style, Verbosity::normal, OutputFormat::json);
  terminal.emit({.what = WaitStarted{}, .text = "for nothing"});
  io.poll();
  CHECK_FALSE(io.stopped());
  terminal.rest();
  // No more than the end of the timer is left to do.
  io.run_for(std::chrono::seconds{30});
  CHECK(io.stopped());
}

}  // namespace
}  // namespace retrust
