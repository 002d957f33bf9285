#include "binaries/announced.h"

#include <fmt/format.h>

#include "transcript/document.h"
#include "transcript/failure.h"
#include "transcript/text.h"

namespace retrust {

namespace {

/// What it printed that is no secret. Its warnings too, where it changes something or failed: what
/// only reads says much that is of no use.
void add_output(boost::json::object& about, const Announcement& announcement,
                const Outcome& outcome) {
  std::string text;
  auto size = outcome.out_size;
  if (announcement.output == Output::public_text) text = outcome.out;
  const auto failed = outcome.ending == Ending::exited && outcome.code != 0;
  if (!outcome.err.empty() && (failed || announcement.weight == Weight::documented)) {
    if (!text.empty() && text.back() != '\n') text += '\n';
    text += outcome.err;
    size += outcome.err.size();
  }
  if (text.empty()) return;
  about["output"] = shortened(text, most_output, size);
  if (size > most_output) about["outputBytes"] = size;
}

}  // namespace

boost::asio::awaitable<Outcome> run_announced(Runner& runner, EventSink& events,
                                              Announcement announcement, Command command,
                                              OutputReader reader) {
  const auto& section = announcement.section;
  const auto weight = announcement.weight;
  auto about = std::move(announcement.about);
  const auto line = announcement.line;
  auto start = about;
  if (!announcement.given.empty()) start["given"] = announcement.given;
  events.emit({.kind = EventKind::command_started,
               .section = section,
               .text = std::move(announcement.line),
               .data = std::move(start),
               .weight = weight});
  Outcome outcome;
  try {
    outcome = co_await runner.run(std::move(command), std::move(reader));
  } catch (...) {
    // What has begun is seen to end in the transcript, whatever comes of it.
    about["command"] = line;
    about["ending"] = "ended by retrust: not needed any longer";
    events.emit({.kind = EventKind::command_ended,
                 .section = section,
                 .text = fmt::format("{}: not needed any longer", announcement.name),
                 .data = std::move(about),
                 .weight = weight});
    throw;
  }
  about["command"] = line;
  about["ending"] = ending_text(outcome);
  about["milliseconds"] = outcome.wall.count();
  add_output(about, announcement, outcome);
  events.emit({.kind = EventKind::command_ended,
               .section = section,
               .text = fmt::format("{}: {}, {}", announcement.name, ending_text(outcome),
                                   duration_text(outcome.wall)),
               .data = std::move(about),
               .weight = weight});
  if (outcome.ending == Ending::interrupted) throw Interrupted{outcome.code};
  co_return outcome;
}

}  // namespace retrust
