#include "tools/announced.h"

#include <chrono>
#include <system_error>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/shortened.h"
#include "base/text.h"
#include "tools/kubectl_words.h"

namespace retrust {

namespace {

/// Output of a command that is withheld from its outcome.
struct Withheld {
  std::string aside;  ///< the withheld lines, for the operator alone
  std::string note;   ///< the number of withheld lines, for the transcript
};

/// Adds the public output to the event. Adds standard error too if the command changes something or
/// failed: warnings of commands that only read are of little use.
void add_output(CommandEnded& command, const Announcement& announcement, const Outcome& outcome,
                const Withheld& withheld) {
  std::string text;
  auto size = outcome.out_size;
  if (announcement.output == Output::public_text) text = outcome.out;
  const auto failed = outcome.ending == Ending::exited && outcome.code != 0;
  const auto says = !outcome.err.empty() || !withheld.note.empty();
  if (says && (failed || announcement.weight == Weight::documented)) {
    if (!text.empty() && text.back() != '\n') text += '\n';
    text += outcome.err;
    text += withheld.note;
    size += outcome.err.size() + withheld.note.size();
  }
  if (text.empty()) return;
  command.output = shortened(text, most_output, size, Cut::between_words);
  if (size > most_output) command.output_bytes = static_cast<std::int64_t>(size);
}

/// Removes secret output from the outcome.
Withheld withhold(Outcome& outcome, Errors errors, Gate::Secrets secrets) {
  const auto started = outcome.ending != Ending::not_found &&
                       outcome.ending != Ending::not_executable &&
                       outcome.ending != Ending::no_resources;
  if (!started) return {};
  if (secrets == Gate::Secrets::unknown) {
    outcome.out.clear();
    outcome.err.clear();
    return {{}, "(withheld: a kubeconfig was not read, so its secrets are not known)\n"};
  }
  // The masking does not know half a secret, of a child ended while writing or beyond a limit.
  const auto ended = outcome.ending != Ending::exited;
  if (ended) outcome.err = whole_words(outcome.err);
  if (ended || outcome.out_size > outcome.out.size()) outcome.out = whole_words(outcome.out);
  if (errors == Errors::passed_on) return {};
  auto words = kubectl_words(outcome.err);
  outcome.err = std::move(words.known);
  if (words.withheld == 0) return {};
  // A failed login plugin, or one that still asks for a login, says what to do. The operator also
  // needs these words if no other line tells what happened.
  const auto failed = outcome.ending == Ending::signalled ||
                      (outcome.ending == Ending::exited && outcome.code != 0);
  const auto silent = failed && outcome.err.empty();
  const auto told = silent || outcome.ending == Ending::timed_out || plugin_failed(outcome.err);
  auto note = fmt::format("({} withheld, as such lines may hold secrets)\n",
                          counted(words.withheld, "other line"));
  if (told) return {std::move(words.others), std::move(note)};
  outcome.err += note;
  return {};
}

boost::asio::awaitable<CommandEnd> run_to_end(Runner& runner, Command command,
                                              OutputReader reader) {
  CommandEnd ended;
  ended.outcome = co_await runner.run(std::move(command), std::move(reader));
  ended.how = ending_text(ended.outcome);
  co_return ended;
}

}  // namespace

NoResources::NoResources(const Outcome& outcome)
    : Failure(
          shortage(fmt::format("no resources for another process on this machine: cannot start {}",
                               outcome.err),
                   {outcome.code, std::generic_category()})) {}

void Gate::open(Secrets secrets) {
  secrets_ = secrets;
  opened_.cancel();
}

boost::asio::awaitable<Gate::Secrets> Gate::wait() {
  boost::system::error_code cancelled;
  while (!secrets_) {
    co_await opened_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
  }
  co_return *secrets_;
}

boost::asio::awaitable<Outcome> run_announced(Runner& runner, EventSink& events,
                                              Announcement announcement, Command command,
                                              OutputReader reader) {
  auto work = run_to_end(runner, std::move(command), std::move(reader));
  return announced(events, std::move(announcement), std::move(work));
}

CommandEnded tell_start(EventSink& events, const Announcement& announcement) {
  CommandStarted start;
  static_cast<CommandAbout&>(start) = announcement.about;
  start.id = events.next_command();
  start.given = announcement.given;
  CommandEnded end;
  static_cast<CommandAbout&>(end) = start;
  end.command = announcement.line;
  events.emit({std::move(start), announcement.section, announcement.line, announcement.weight});
  return end;
}

void tell_end(EventSink& events, const Announcement& announcement, CommandEnded end) {
  auto text = fmt::format("{}: {}", announcement.name, end.ending);
  if (end.milliseconds) {
    text += ", " + duration_text(std::chrono::milliseconds{*end.milliseconds});
  }
  events.emit({std::move(end), announcement.section, std::move(text), announcement.weight});
}

boost::asio::awaitable<Outcome> announced(EventSink& events, Announcement announcement,
                                          boost::asio::awaitable<CommandEnd> work) {
  auto end = tell_start(events, announcement);
  CommandEnd ended;
  auto& outcome = ended.outcome;
  try {
    ended = co_await std::move(work);
  } catch (...) {
    // The transcript shows the end of every begun command, also after a failure.
    end.ending = "ended by retrust: not needed any longer";
    tell_end(events, announcement, std::move(end));
    throw;
  }
  auto secrets = Gate::Secrets::registered;
  if (announcement.gate != nullptr) secrets = co_await announcement.gate->wait();
  auto withheld = withhold(outcome, announcement.errors, secrets);
  end.ending = ended.how;
  end.milliseconds = outcome.wall.count();
  add_output(end, announcement, outcome, withheld);
  end.aside = std::move(withheld.aside);
  tell_end(events, announcement, std::move(end));
  if (outcome.ending == Ending::interrupted) throw Interrupted{outcome.code};
  if (outcome.ending == Ending::no_resources) throw NoResources(outcome);
  co_return std::move(outcome);
}

}  // namespace retrust
