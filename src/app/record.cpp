#include "app/record.h"

#include <filesystem>
#include <memory>
#include <sys/resource.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "app/invocation.h"
#include "app/usage.h"
#include "app/version.h"
#include "base/text.h"
#include "transcript/journal.h"
#include "transcript/summary.h"
#include "transcript/writers.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

/// "the run folder X was deleted" as a sentence.
std::string sentence(std::string clause) {
  if (clause.starts_with("the ")) clause.front() = 'T';
  return clause + ".";
}

}  // namespace

std::string run_folder_name(const Options& options, std::string_view id) {
  if (!options.run_dir.empty()) return options.run_dir;
  if (names_folder(options.cluster)) return default_run_folder(options.cluster);
  if (!id.empty()) return default_run_folder(id);
  // A rollback need not be told which cluster: that is in the folder of the run.
  return default_run_folder(options.command == CommandName::rollback ? "rollback" : "cluster");
}

namespace {

std::string folder_name(const Options& options, RunFolder::Content content) {
  const auto of_one = content == RunFolder::Content::run || !options.run_dir.empty();
  return of_one ? run_folder_name(options) : default_run_folder("clusters");
}

}  // namespace

Record::Record(Invocation& app, RunFolder::Content content)
    : folder(folder_name(app.options, content),
             app.options.run_dir.empty() ? RunFolder::Name::own : RunFolder::Name::given, content),
      app_(app) {
  const auto of_one = content == RunFolder::Content::run;
  // Both transcripts are written, or neither is.
  document_ = of_one ? "transcript.md" : "summary.md";
  auto document = of_one ? std::make_shared<MarkdownWriter>(folder.folder())
                         : std::make_shared<MarkdownWriter>(folder.folder(), document_, summary);
  auto lines = of_one ? std::make_shared<JsonlWriter>(folder.folder())
                      : std::make_shared<JsonlWriter>(folder.folder(), "summary.jsonl");
  app.events.add_record(std::make_shared<FolderGuard>(folder));
  app.events.add_record(std::move(document));
  app.events.add_record(std::move(lines));
}

void Record::begin(std::string_view what) {
  std::error_code unknown;
  Journal(app_.events)
      .run_started({std::string(program_version),
                    fmt::format("{} {}", app_.called.program, shell_line(app_.called.args)),
                    app_.host.operator_name, std::filesystem::current_path(unknown).string(),
                    shell_line(app_.called.elsewhere), advice_if_killed(app_.called, app_.options)},
                   fmt::format("retrust {}", what));
  for (const auto& line : app_.found) note(line);
  folder.folder().synchronise();
}

void Record::reserve_room() {
  // Volume keeps each of the 2 transcripts below this size.
  constexpr std::uint64_t most = std::uint64_t{1} << 20U;
  if (changes_something(app_.options)) room_.emplace(folder.folder(), most, "the transcripts");
}

Confirm Record::confirm() {
  return [this](ConsentQuestion asked) -> awaitable<Answer> {
    // Before the first change nothing is lost by an end.
    if (app_.lost_lines() && !standing().changed) {
      throw Failure(ExitStatus::failed, fmt::format("{}: {}", lost_text(app_.output), unchanged()),
                    "run again with a standard output that can be written");
    }
    const auto question = one_line(app_.redactor.mask(asked.text));
    auto more = one_line(app_.redactor.mask(asked.more));
    if (app_.options.consented) {
      note("nobody was asked: --yes was given");
      co_return Answer::yes_ahead;
    }
    const auto turn = co_await app_.host.questions.take();
    if (const auto signal = app_.runner.interrupted()) throw Interrupted{*signal};
    app_.display.rest();
    using Reply = Prompt::Reply;
    const auto reply = co_await app_.host.prompt.ask(question, more);
    app_.display.go_on();
    const auto answer = reply == Reply::yes   ? std::string("yes")
                        : reply == Reply::all ? fmt::format("all, which also {}", more)
                                              : std::string("not yes");
    note(fmt::format("{} was asked: {} The answer was {}.", app_.host.operator_name, question,
                     answer));
    if (reply == Reply::no) {
      const auto backup = standing().backups.empty() ? BackupMade::no : BackupMade::yes;
      throw Failure(FailureCode::declined, "not confirmed: " + unchanged(),
                    advice_after_no(called(), app_.options, backup));
    }
    co_return reply == Reply::all ? Answer::all : Answer::yes;
  };
}

void Record::note(std::string text) {
  Journal(app_.events).note(std::move(text));
}

ExitStatus Record::end(ExitStatus status, const Ended& ended) {
  app_.toolbox.end_sessions();
  const auto transcript = (folder.path() / document_).string();
  const auto good = status == ExitStatus::done || status == ExitStatus::differs;
  if (good && app_.lost_lines()) {
    status = ExitStatus::failed;
    Journal(app_.events)
        .warning(lost_text(app_.output) +
                 ": its lines of JSON are not whole, but the transcript "
                 "is");
  }
  release_room();
  try {
    const auto lost = folder.loss();
    tell_end(status, ended,
             lost.empty() ? fmt::format("Transcript: {}", transcript) : sentence(lost));
  } catch (const std::exception& error) {
    auto lost = folder.loss();
    auto told = ended;
    if (good) {
      status = ExitStatus::failed;
      told.head = "Done, but not recorded.";
      Journal(app_.events)
          .failure(Failure(status,
                           lost.empty() ? fmt::format("the transcript has no end: {}", error.what())
                                        : fmt::format("there is no transcript: {}", lost),
                           completed(called(), Advice::retrust("see what holds now", "status"))));
    }
    auto where = fmt::format("The transcript {} has no end", transcript);
    // A failure of its own told why.
    if (!good) where += fmt::format(": {}", error.what());
    tell_end(status, told, lost.empty() ? where + "." : sentence(lost));
    return status;
  }
  // The last line itself may be the one that is lost.
  if (good && status != ExitStatus::failed && app_.lost_lines()) {
    return status_of_output(app_.output, status);
  }
  return status;
}

void Record::tell_end(ExitStatus status, const Ended& ended, std::string_view where) {
  RunEnded run{static_cast<int>(status),
               folder.loss().empty() ? folder.path().string() : std::string(), ended.head,
               ended.verdict, ended.next};
  const auto good = status == ExitStatus::done || status == ExitStatus::differs;
  if (!good) run.code = ended.code.empty() ? info_of(code_of(status)).name : ended.code;
  // What retrust itself took, apart from the commands that it started.
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto microseconds = [](const timeval& time) {
    return time.tv_sec * 1'000'000 + time.tv_usec;
  };
  run.system_microseconds = microseconds(used.ru_stime);
  run.cpu_microseconds = microseconds(used.ru_utime) + microseconds(used.ru_stime);
  run.peak_kib = used.ru_maxrss;
  Journal(app_.events)
      .run_ended(std::move(run),
                 fmt::format("{} {}{}Exit status {}. {}", ended.head, ended.verdict,
                             ended.verdict.empty() ? "" : ". ", static_cast<int>(status), where));
}

void Record::end_failed(const Failure& failure) {
  const auto now = standing();
  auto next = now.changed ? next_after_failure(
                                called(), app_.options, now.way_back,
                                folder.loss().empty() ? folder.path().string() : std::string())
                          : next_before_change(called(), app_.options, failure.advice);
  std::string verdict;
  if (!now.changed && !now.backups.empty()) {
    verdict = unchanged();
    verdict.front() = 'N';
  }
  end(failure.status,
      {"Not done.", std::move(verdict), std::move(next), std::string(info_of(failure.code).name)});
}

std::string Record::unchanged() const {
  const auto backups = standing().backups;
  if (backups.empty()) return "nothing was changed in the clusters";
  return fmt::format("nothing was changed apart from the backup, which stays: {}",
                     enumerated(backups));
}

void Record::name_after(const ClusterId& id) {
  if (!app_.options.run_dir.empty() || names_folder(app_.options.cluster)) return;
  folder.name_after(id.text());
}

Called Record::called() const {
  auto called = app_.called;
  const auto now = standing();
  if (app_.options.cluster.empty() && !now.cluster.empty()) {
    called.elsewhere.push_back("--cluster=" + now.cluster.text());
  }
  called.offers = now.offers;
  return called;
}

}  // namespace retrust
