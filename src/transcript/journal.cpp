#include "transcript/journal.h"

#include <fmt/format.h>

#include "base/text.h"

namespace retrust {

void Journal::say(decltype(Event::what) what, std::string text, Weight weight) const {
  events_->emit({std::move(what), section_, std::move(text), weight});
}

void Journal::run_started(RunStarted run, std::string title) const {
  say(std::move(run), std::move(title));
}

void Journal::run_ended(RunEnded run, std::string text) const {
  say(std::move(run), std::move(text));
}

void Journal::failure(const Failure& failure) const {
  say(FailureTold{static_cast<int>(failure.status), failure.detail, failure.advice,
                  std::string(info_of(failure.code).name)},
      failure.what());
}

void Journal::situation(std::string text) const {
  say(SituationTold{}, std::move(text));
}

void Journal::finding(std::string text, Finding facts) const {
  say(std::move(facts), std::move(text));
}

void Journal::note(std::string text) const {
  say(Finding{}, std::move(text), Weight::routine);
}

void Journal::difference(std::string diff) const {
  if (!diff.empty()) say(Difference{}, std::move(diff));
}

void Journal::plan(std::vector<ShownStep> steps) const {
  say(PlanMade{std::move(steps)}, {});
}

void Journal::warning(std::string text, Advice advice) const {
  say(Warning{std::move(advice)}, std::move(text));
}

void Journal::change(std::string text, Change change) const {
  say(std::move(change), std::move(text));
}

void Journal::saved(const SavedFile& file, Weight weight) const {
  Change change;
  change.file = fmt::format("backup/{}", file.path.filename().string());
  change.sha256 = file.sha256;
  say(std::move(change),
      fmt::format("saved {} as {}{}, SHA-256 {}", file.what, file.path.string(),
                  file.bytes ? fmt::format(": {} bytes", *file.bytes) : "", file.sha256),
      weight);
}

void Journal::step_started(std::string_view name, std::string reason) const {
  say(StepStarted{std::string(name)}, std::move(reason));
}

void Journal::step_ended(std::string_view name, std::string result, std::string_view word) const {
  say(StepEnded{std::string(name), std::string(word)}, std::move(result));
}

void Journal::wait_started(std::string_view what, std::chrono::milliseconds limit) const {
  say(WaitStarted{}, fmt::format("{}, {} at most", what, duration_text(limit)));
}

void Journal::wait_without_limit(std::string_view what) const {
  say(WaitStarted{}, fmt::format("{}, without a time limit", what));
}

void Journal::wait_progress(std::string text) const {
  say(WaitProgress{}, std::move(text));
}

void Journal::wait_ended(std::string text, Weight weight) const {
  say(WaitEnded{}, std::move(text), weight);
}

void Journal::progress(std::string text) const {
  say(WaitProgress{}, std::move(text), Weight::routine);
}

}  // namespace retrust
