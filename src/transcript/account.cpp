#include "transcript/account.h"

#include <algorithm>

#include "base/text.h"
#include "transcript/members.h"

namespace retrust {
namespace {

std::optional<std::int64_t> number_in(const boost::json::object& data, std::string_view key) {
  const auto* value = data.if_contains(key);
  return value != nullptr && value->is_int64() ? std::optional(value->get_int64()) : std::nullopt;
}

/// Exit statuses from here on are those of signals.
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
  /// A command, and what has to be known to find its place.
  struct Started {
    CommandRun run;
    std::int64_t id = 0;
    std::size_t order = 0;
    std::size_t part = 0;
  };

  void see(const Event& event) {
    account_.last = event.time;
    for (const auto& [key, name] : fact_names()) {
      if (auto text = text_in(event.data, key); !text.empty())
        account_.facts[key] = std::move(text);
    }
    switch (event.kind) {
      case EventKind::run_started:
        account_.started = event.time;
        account_.title = event.text;
        account_.command_line = text_in(event.data, "command_line");
        break;
      case EventKind::plan:
        account_.plan = event.text;
        planned_ = true;
        if (const auto* steps = event.data.if_contains("steps"); steps && steps->is_array()) {
          account_.steps = steps->get_array();
        }
        break;
      case EventKind::step_started:
        account_.parts.push_back(
            {event.section, text_in(event.data, "name"), event.text, event.time});
        inside_ = true;
        planned_ = false;
        break;
      case EventKind::step_ended:
        end_step(event);
        break;
      case EventKind::command_started:
        begin_command(event);
        break;
      case EventKind::command_ended:
        end_command(event);
        break;
      case EventKind::change:
        account_.changes.push_back(event);
        keep(event);
        break;
      case EventKind::warning:
        account_.warnings.push_back(event);
        keep(event);
        break;
      case EventKind::failure:
        account_.failure = event;
        if (inside_) {
          const auto interrupted = number_in(event.data, "status").value_or(0) > signals;
          account_.parts.back().result = interrupted ? "interrupted" : "failed";
        }
        keep(event);
        break;
      case EventKind::run_ended:
        account_.over = true;
        account_.status = number_in(event.data, "status").value_or(0);
        account_.head = text_in(event.data, "head");
        account_.verdict = text_in(event.data, "verdict");
        account_.next = texts_in(event.data, "next");
        break;
      case EventKind::finding:
      case EventKind::difference:
      case EventKind::wait_started:
      case EventKind::wait_progress:
      case EventKind::wait_ended:
        keep(event);
        break;
    }
  }

  /// What comes between two steps is a part of its own.
  Part& current() {
    auto& parts = account_.parts;
    if (!inside_ && (!parts.back().name.empty() || planned_)) {
      parts.emplace_back();
      planned_ = false;
    }
    return parts.back();
  }

  void keep(const Event& event) {
    auto& happenings = current().happenings;
    // A wait often ends with what was seen last.
    if (event.kind == EventKind::wait_ended && !happenings.empty() && happenings.back().event &&
        happenings.back().event->text == event.text) {
      happenings.pop_back();
    }
    happenings.push_back({order_, event});
  }

  void end_step(const Event& event) {
    auto& part = account_.parts.back();
    part.ended = event.time;
    part.outcome = event.text;
    const auto result = text_in(event.data, "result");
    part.result = result.empty() ? "done" : result;
    inside_ = false;
  }

  void begin_command(const Event& event) {
    CommandRun run{event.time, event.section, event.text, text_in(event.data, "given"),
                   event.weight};
    const auto id = number_in(event.data, "id").value_or(0);
    // Where it is shown is decided in the end: the step that it belongs to may be still to come.
    running_.push_back({std::move(run), id, order_, account_.parts.size() - 1});
  }

  void end_command(const Event& event) {
    const auto id = number_in(event.data, "id").value_or(0);
    const auto found = std::find_if(running_.begin(), running_.end(),
                                    [&](const Started& each) { return each.id == id; });
    if (found == running_.end()) return;
    auto started = std::move(*found);
    running_.erase(found);
    started.run.ending = text_in(event.data, "ending");
    started.run.output = text_in(event.data, "output");
    if (const auto ms = number_in(event.data, "milliseconds")) {
      started.run.took = duration_text(std::chrono::milliseconds{*ms});
    }
    if (started.run.weight == Weight::routine && started.run.output.empty()) {
      account_.routine.push_back(std::move(started.run));
    } else {
      ended_.push_back(std::move(started));
    }
  }

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
  /// The plan came, and nothing after it.
  bool planned_ = false;
  std::vector<Started> running_;
  std::vector<Started> ended_;
};

}  // namespace

const std::vector<std::pair<std::string, std::string>>& fact_names() {
  static const std::vector<std::pair<std::string, std::string>> names{
      {"retrust", "retrust"},
      {"operator", "operator"},
      {"directory", "directory"},
      {"otherOptions", "options from environment and file"},
      {"downstreamCluster", "downstream cluster"},
      {"localCluster", "local cluster"},
      {"rancherVersion", "Rancher"},
      {"kubernetesVersion", "Kubernetes"},
      {"kubectlVersion", "kubectl"},
      {"kubectlPath", "kubectl's path"},
      {"dockerVersion", "docker"},
      {"dockerPath", "docker's path"},
      {"backupToolVersion", "backup by"},
      {"backupToolPath", "its path"}};
  return names;
}

Account account_of(const std::vector<Event>& events) {
  return Reader().read(events);
}

}  // namespace retrust
