#include "transcript/account.h"

#include <algorithm>

#include "base/text.h"
#include "transcript/event_table.h"

namespace retrust {
namespace {

/// Exit statuses above this number stand for signals.
constexpr std::int64_t signals = 128;

class Reader {
 public:
  Account read(const std::vector<Event>& events) {
    account_.parts.emplace_back();
    for (const auto& event : events) {
      ++order_;
      see(event);
    }
    for (auto* commands : {&ended_, &running_}) {
      for (auto& started : *commands) settle(std::move(started));
    }
    for (auto& part : account_.parts) {
      std::stable_sort(part.happenings.begin(), part.happenings.end(),
                       [](const auto& a, const auto& b) { return a.order < b.order; });
    }
    return std::move(account_);
  }

 private:
  /// A command, and the data to find its place.
  struct Started {
    CommandRun run;
    std::size_t order = 0;
    std::size_t part = 0;
  };

  void see(const Event& event) {
    account_.last = event.time;
    std::visit([&](const auto& what) { see(event, what); }, event.what);
  }

  void see(const Event& event, const RunStarted& run) {
    account_.started = event.time;
    account_.title = event.text;
    account_.run = run;
  }
  void see(const Event& event, const Finding& finding) {
    for_each_member(finding, [&](const auto& member, const auto& fact) {
      if (!fact.empty()) account_.facts.*member.at = fact;
    });
    keep(event);
  }
  void see(const Event&, const PlanMade& plan) {
    account_.plan = plan.steps;
    planned_ = true;
  }
  void see(const Event& event, const StepStarted& step) {
    account_.parts.push_back({event.section, step.name, event.text, event.time});
    inside_ = true;
    planned_ = false;
  }
  void see(const Event& event, const StepEnded& step) {
    auto& part = account_.parts.back();
    part.ended = event.time;
    part.outcome = event.text;
    part.result = step.result.empty() ? "done" : step.result;
    inside_ = false;
  }
  void see(const Event& event, const CommandStarted& command) {
    CommandRun run{command.id, event.time, event.section, event.text, command.given, event.weight};
    // The place of a command is found in the end, because its step may still be to come.
    running_.push_back({std::move(run), order_, account_.parts.size() - 1});
  }
  void see(const Event&, const CommandEnded& command) {
    const auto found = std::find_if(running_.begin(), running_.end(),
                                    [&](const Started& each) { return each.run.id == command.id; });
    if (found == running_.end()) return;
    auto started = std::move(*found);
    running_.erase(found);
    started.run.ending = command.ending;
    started.run.output = command.output;
    if (command.milliseconds) {
      started.run.took = duration_text(std::chrono::milliseconds{*command.milliseconds});
    }
    if (started.run.weight == Weight::routine && started.run.output.empty()) {
      account_.routine.push_back(std::move(started.run));
    } else {
      ended_.push_back(std::move(started));
    }
  }
  void see(const Event& event, const Change&) {
    account_.changes.push_back(event);
    keep(event);
  }
  void see(const Event& event, const WaitEnded&) {
    // The end of a wait often repeats the last progress.
    auto& happenings = current().happenings;
    if (!happenings.empty() && happenings.back().event &&
        happenings.back().event->text == event.text) {
      happenings.pop_back();
    }
    keep(event);
  }
  void see(const Event& event, const Warning&) {
    account_.warnings.push_back(event);
    keep(event);
  }
  void see(const Event& event, const FailureTold& failure) {
    account_.failed = event.text;
    account_.failure = failure;
    if (inside_) {
      account_.parts.back().result = failure.status > signals ? "interrupted" : "failed";
    }
    keep(event);
  }
  void see(const Event& event, const ClusterEnded&) { account_.clusters.push_back(event); }
  void see(const Event&, const RunEnded& end) { account_.end = end; }
  template <typename Other>
  void see(const Event& event, const Other&) {
    keep(event);
  }

  /// The part for the next event. Events between two steps form a part of their own.
  Part& current() {
    auto& parts = account_.parts;
    if (!inside_ && (!parts.back().name.empty() || planned_)) {
      parts.emplace_back();
      planned_ = false;
    }
    return parts.back();
  }

  void keep(const Event& event) { current().happenings.push_back({order_, event}); }

  void settle(Started started) {
    auto& parts = account_.parts;
    auto place = started.part;
    const auto& section = started.run.section;
    const auto inside = !section.empty() && parts[place].section == section;
    if (!inside) {
      const auto of_section = std::find_if(parts.begin(), parts.end(), [&](const Part& part) {
        return !section.empty() && part.section == section;
      });
      if (of_section != parts.end()) {
        place = static_cast<std::size_t>(of_section - parts.begin());
      }
    }
    parts[place].happenings.push_back({started.order, std::nullopt, std::move(started.run)});
  }

  Account account_;
  std::size_t order_ = 0;
  bool inside_ = false;
  /// True after the plan, until the next part begins.
  bool planned_ = false;
  std::vector<Started> running_;
  std::vector<Started> ended_;
};

}  // namespace

Account account_of(const std::vector<Event>& events) {
  return Reader().read(events);
}

}  // namespace retrust
