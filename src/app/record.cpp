#include "app/record.h"

#include <filesystem>
#include <memory>
#include <sys/resource.h>
#include <system_error>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "app/invocation.h"
#include "app/version.h"
#include "base/text.h"
#include "transcript/writers.h"

namespace retrust {

using boost::asio::awaitable;

std::string run_folder_name(const Options& options) {
  if (!options.run_dir.empty()) return options.run_dir;
  // A rollback need not be told which cluster: that is in the folder of the run.
  return default_run_folder(options.cluster.empty() ? "rollback" : options.cluster);
}

Record::Record(Invocation& app, std::string_view what)
    : folder(run_folder_name(app.options),
             app.options.run_dir.empty() ? RunFolder::Name::own : RunFolder::Name::given),
      app_(app) {
  app.events.add(std::make_shared<MarkdownWriter>(folder.folder()));
  app.events.add(std::make_shared<JsonlWriter>(folder.folder()));
  boost::json::object data;
  data["retrust"] = program_version;
  data["command_line"] = fmt::format("{} {}", app.called.program, shell_line(app.called.args));
  data["operator"] = app.operator_name;
  std::error_code unknown;
  data["directory"] = std::filesystem::current_path(unknown).string();
  if (!app.called.elsewhere.empty()) data["otherOptions"] = shell_line(app.called.elsewhere);
  app.events.emit({.kind = EventKind::run_started,
                   .text = fmt::format("retrust {}", what),
                   .data = std::move(data)});
}

Confirm Record::confirm() {
  return [this](const std::string& external) -> awaitable<Answer> {
    // Before the first change nothing is lost by an end.
    if (app_.lost_lines() && !standing().changed) {
      throw Failure(ExitStatus::failed, lost_text(app_.output) + ": nothing was changed",
                    "run again with a standard output that can be written");
    }
    const auto question = one_line(app_.redactor.mask(external));
    if (app_.options.consent == Consent::given) {
      note("nobody was asked: --yes was given");
      co_return Answer::yes_ahead;
    }
    app_.terminal->rest();
    const auto yes = co_await app_.prompt.ask(question);
    app_.terminal->go_on();
    note(fmt::format("{} was asked: {} {}", app_.operator_name, question,
                     yes ? "The answer was yes." : "The answer was not yes."));
    if (!yes) {
      throw Failure(ExitStatus::refused, "not confirmed: nothing was changed in the clusters",
                    advice_after_no(called(), app_.options, standing().backup));
    }
    co_return Answer::yes;
  };
}

void Record::note(std::string text) {
  app_.events.emit(
      {.kind = EventKind::finding, .text = std::move(text), .weight = Weight::routine});
}

ExitStatus Record::end(ExitStatus status, const Ended& ended) {
  app_.toolbox.end_sessions();
  const auto good = status == ExitStatus::done || status == ExitStatus::differs;
  if (good && app_.lost_lines()) {
    status = ExitStatus::failed;
    app_.events.emit({.kind = EventKind::warning,
                      .text = lost_text(app_.output) + ": its lines of JSON are not whole, but the "
                                                       "transcript is"});
  }
  boost::json::object data;
  if (!ended.next.empty()) {
    data["next"] = boost::json::array(ended.next.begin(), ended.next.end());
  }
  data["head"] = ended.head;
  if (!ended.verdict.empty()) data["verdict"] = ended.verdict;
  data["status"] = static_cast<int>(status);
  data["runFolder"] = folder.path().string();
  // What retrust itself took, apart from the commands that it started.
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto microseconds = [](const timeval& time) {
    return time.tv_sec * 1'000'000 + time.tv_usec;
  };
  data["systemMicroseconds"] = microseconds(used.ru_stime);
  data["cpuMicroseconds"] = microseconds(used.ru_utime) + microseconds(used.ru_stime);
  data["peakKiB"] = used.ru_maxrss;
  app_.events.emit(
      {.kind = EventKind::run_ended,
       .text = fmt::format("{} {}{}Exit status {}. Transcript: {}", ended.head, ended.verdict,
                           ended.verdict.empty() ? "" : ". ", static_cast<int>(status),
                           (folder.path() / "transcript.md").string()),
       .data = std::move(data)});
  // The last line itself may be the one that is lost.
  if (good && status != ExitStatus::failed && app_.lost_lines()) {
    return status_of_output(app_.output, status);
  }
  return status;
}

void Record::end_failed(ExitStatus status) {
  const auto now = standing();
  std::vector<std::string> next;
  if (now.changed) {
    next = next_after_failure(called(), app_.options, now.way_back, folder.path().string());
  }
  end(status, {"Not done.", "", std::move(next)});
}

Called Record::called() const {
  auto called = app_.called;
  const auto cluster = standing().cluster;
  if (app_.options.cluster.empty() && !cluster.empty()) {
    called.elsewhere.push_back("--cluster=" + cluster.text());
  }
  return called;
}

}  // namespace retrust
