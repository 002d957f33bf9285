#include "transcript/document.h"

#include <algorithm>
#include <map>
#include <optional>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "transcript/members.h"
#include "transcript/text.h"

namespace retrust {
namespace {

namespace json = boost::json;
using Time = std::chrono::system_clock::time_point;

/// A fenced block that its content cannot end: the fence is longer than any run of backticks in it.
std::string fenced(std::string_view content, std::string_view language) {
  std::size_t longest = 0;
  std::size_t current = 0;
  for (const char c : content) {
    current = c == '`' ? current + 1 : 0;
    longest = std::max(longest, current);
  }
  const std::string fence(std::max<std::size_t>(3, longest + 1), '`');
  std::string block = fence + std::string(language) + "\n" + std::string(content);
  if (!block.ends_with('\n')) block += '\n';
  return block + fence + "\n";
}

/// Text within a line of Markdown: what would be markup is escaped.
std::string inline_text(std::string_view text) {
  std::string result;
  for (const char c : one_line(text)) {
    if (std::string_view("\\`*_<>[]#|").find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

std::optional<std::int64_t> data_number(const Event& event, std::string_view key) {
  const auto* value = event.data.if_contains(key);
  return value != nullptr && value->is_int64() ? std::optional(value->get_int64()) : std::nullopt;
}

std::string clock(Time time) {
  return utc_text(time).substr(11, 8);
}

std::string took(Time from, Time to) {
  return duration_text(std::chrono::duration_cast<std::chrono::milliseconds>(to - from));
}

/// Columns of the same width, so that a table can be read without being rendered.
std::string table(const std::vector<std::vector<std::string>>& rows) {
  const auto width_of = [](std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
  };
  std::vector<std::size_t> widths(rows.front().size(), 3);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      text +=
          fmt::format("| {}{} ", rows[r][i], std::string(widths[i] - width_of(rows[r][i]), ' '));
    }
    text += "|\n";
    if (r > 0) continue;
    for (const auto width : widths) text += fmt::format("|{}", std::string(width + 2, '-'));
    text += "|\n";
  }
  return text;
}

/// A command from its start to its end.
struct CommandRun {
  Time started;
  std::string line;
  Weight weight = Weight::documented;
  std::string ending = "not ended";
  std::string took = {};
  std::string output = {};
};

/// What happened in one step, or outside of any: blocks of Markdown in their order.
struct Part {
  std::string section;
  std::string name;
  std::string reason;
  Time started = {};
  std::optional<Time> ended = {};
  bool failed = false;
  std::vector<std::string> blocks = {};
};

class Reader {
 public:
  explicit Reader(const std::vector<TimedEvent>& events) : events_(events) {
    for (const auto& [time, event] : events) see(time, event);
  }

  std::string text() {
    std::string all = fmt::format("# {}\n\n{}\n\n{}", title_, verdict(), head());
    if (const auto sections = section_table(); !sections.empty()) {
      all += "\n## Sections\n\n" + sections;
    }
    all += part_text("## What was found", before_);
    if (!plan_.empty()) all += "\n## Plan\n\n" + fenced(plan_, "");
    for (const auto& part : parts_) {
      all += part_text(fmt::format("## {} {}", part.section, part.name), part);
    }
    all += part_text("## In the end", after_);
    all += "\n## Left to do\n\n" + left_to_do();
    if (!routine_.empty()) {
      all += "\n## Other commands\n\nThey read, and print nothing that is kept.\n\n";
      std::string lines;
      for (const auto& command : routine_) {
        lines += fmt::format("{}  {:<8} {:<16} {}\n", clock(command.started), command.took,
                             command.ending, command.line);
      }
      all += fenced(lines, "");
    }
    return all;
  }

 private:
  void see(Time time, const Event& event) {
    last_ = time;
    for (const auto& member : event.data) {
      if (is_fact(member.key()) && member.value().is_string()) {
        facts_[std::string(member.key())] = std::string(member.value().get_string());
      }
    }
    auto& part = current();
    const auto add = [&](std::string block) { part.blocks.push_back(std::move(block)); };
    switch (event.kind) {
      case EventKind::run_started:
        started_ = time;
        title_ = inline_text(event.text);
        break;
      case EventKind::plan:
        plan_ = event.text;
        if (const auto* steps = event.data.if_contains("steps"); steps && steps->is_array()) {
          steps_ = steps->get_array();
        }
        break;
      case EventKind::step_started:
        parts_.push_back(
            {event.section, inline_text(text_in(event.data, "name")), event.text, time});
        inside_ = true;
        break;
      case EventKind::step_ended:
        part.ended = time;
        inside_ = false;
        break;
      case EventKind::command_started:
        running_.push_back({time, event.text, event.weight});
        break;
      case EventKind::command_ended:
        end_command(event, part);
        break;
      case EventKind::difference:
        add(fenced(event.text, "diff"));
        break;
      case EventKind::change:
        add(fmt::format("- {} **{}**\n", clock(time), inline_text(event.text)));
        break;
      case EventKind::wait_started:
        add(fmt::format("- {} waiting {}\n", clock(time), inline_text(event.text)));
        break;
      case EventKind::finding:
        // Several lines are a view of credentials.
        add(event.text.find('\n') == std::string::npos
                ? fmt::format("- {}\n", inline_text(event.text))
                : fenced(event.text, ""));
        break;
      case EventKind::wait_progress:
      case EventKind::wait_ended:
        add(fmt::format("- {} {}\n", clock(time), inline_text(event.text)));
        break;
      case EventKind::warning:
        add(fmt::format("- {} Warning: {}\n", clock(time), inline_text(event.text)));
        warnings_.push_back(event.text);
        break;
      case EventKind::failure:
        part.failed = true;
        failure_ = event;
        add(fmt::format("- {} **Failed: {}**\n", clock(time), inline_text(event.text)));
        if (const auto detail = text_in(event.data, "detail"); !detail.empty()) {
          add(fenced(detail, ""));
        }
        break;
      case EventKind::run_ended:
        next_ = texts_in(event.data, "next");
        over_ = true;
        status_ = data_number(event, "status");
        break;
    }
  }

  static bool is_fact(std::string_view key) {
    return std::any_of(fact_names().begin(), fact_names().end(),
                       [&](const auto& fact) { return fact.first == key; });
  }

  /// Keys of events' data that the head shows, in this order.
  static const std::vector<std::pair<std::string, std::string>>& fact_names() {
    static const std::vector<std::pair<std::string, std::string>> names{
        {"retrust", "retrust"},
        {"operator", "operator"},
        {"downstreamCluster", "downstream cluster"},
        {"localCluster", "local cluster"},
        {"rancherVersion", "Rancher"},
        {"kubernetesVersion", "Kubernetes"},
        {"kubectlVersion", "kubectl"},
        {"dockerVersion", "docker"},
        {"backupToolVersion", "backup by"}};
    return names;
  }

  Part& current() {
    if (inside_) return parts_.back();
    return parts_.empty() ? before_ : after_;
  }

  void end_command(const Event& event, Part& part) {
    const auto line = text_in(event.data, "command");
    const auto found = std::find_if(running_.begin(), running_.end(),
                                    [&](const CommandRun& each) { return each.line == line; });
    if (found == running_.end()) return;
    auto command = std::move(*found);
    running_.erase(found);
    command.ending = text_in(event.data, "ending");
    command.output = text_in(event.data, "output");
    if (const auto ms = data_number(event, "milliseconds")) {
      command.took = duration_text(std::chrono::milliseconds{*ms});
    }
    if (command.weight == Weight::routine && command.output.empty()) {
      routine_.push_back(std::move(command));
      return;
    }
    part.blocks.push_back(fmt::format("{}, {}{}:\n\n{}", clock(command.started),
                                      command.took.empty() ? "" : command.took + ", ",
                                      inline_text(command.ending), fenced(command.line, "sh")));
    if (!command.output.empty()) part.blocks.push_back(fenced(command.output, ""));
  }

  std::string verdict() const {
    if (!over_) {
      return "**Not ended.** This was written while it went on: it still does, or was killed. "
             "transcript.jsonl may have more.";
    }
    const auto status = status_.value_or(0);
    if (failure_) {
      return fmt::format("**{}** {} Exit status {}.", status > 128 ? "Interrupted." : "Failed.",
                         sentence(failure_->text), status);
    }
    const auto changed = std::any_of(events_.begin(), events_.end(), [](const TimedEvent& each) {
      return each.event.kind == EventKind::step_ended;
    });
    if (status != 0)
      return fmt::format("**Stored and live credentials differ.** Exit status {}.", status);
    return fmt::format("**Done.** {} Exit status 0.",
                       changed ? "Everything that was needed was done." : "Nothing was needed.");
  }

  static std::string sentence(std::string_view text) {
    auto result = inline_text(text);
    if (!result.empty() && result.back() != '.') result += '.';
    return result;
  }

  std::string head() const {
    std::vector<std::vector<std::string>> rows{{"", ""}};
    const auto row = [&](std::string name, std::string value) {
      if (!value.empty()) rows.push_back({std::move(name), std::move(value)});
    };
    row("started", utc_text(started_));
    row(over_ ? "ended" : "written", utc_text(last_));
    row("duration", took(started_, last_));
    for (const auto& [key, name] : fact_names()) {
      const auto fact = facts_.find(key);
      if (fact != facts_.end()) row(name, inline_text(fact->second));
    }
    auto text = table(rows);
    const auto& first = events_.front().event;
    if (const auto line = text_in(first.data, "command_line"); !line.empty()) {
      text += "\n" + fenced(line, "sh");
    }
    return text;
  }

  std::string section_table() const {
    std::vector<std::vector<std::string>> rows{{"section", "step", "result", "took", "why"}};
    const auto add_part = [&](const Part& part) {
      rows.push_back({part.section, part.name,
                      part.ended    ? "done"
                      : part.failed ? "failed"
                                    : "not ended",
                      took(part.started, part.ended.value_or(last_)), inline_text(part.reason)});
    };
    std::vector<bool> shown(parts_.size(), false);
    for (const auto& step : steps_) {
      if (!step.is_object()) continue;
      const auto& object = step.get_object();
      const auto name = inline_text(text_in(object, "name"));
      auto done = false;
      for (std::size_t i = 0; i < parts_.size(); ++i) {
        if (parts_[i].name != name) continue;
        add_part(parts_[i]);
        shown[i] = true;
        done = true;
      }
      if (done) continue;
      const auto need = text_in(object, "need");
      const auto open = need == "needed" || (need == "depends" && (failure_ || !over_));
      const auto result = open ? "not reached" : need == "skipped" ? "skipped" : "not needed";
      rows.push_back(
          {text_in(object, "section"), name, result, "", inline_text(text_in(object, "reason"))});
    }
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (!shown[i]) add_part(parts_[i]);
    }
    return rows.size() == 1 ? std::string() : table(rows);
  }

  static std::string part_text(const std::string& title, const Part& part) {
    if (part.blocks.empty() && part.reason.empty()) return {};
    auto text = fmt::format("\n{}\n", title);
    if (!part.reason.empty()) text += fmt::format("\n{}\n", inline_text(part.reason));
    auto in_list = false;
    for (const auto& block : part.blocks) {
      const auto item = block.starts_with("- ");
      // An empty line between everything but the items of a list.
      if (!(in_list && item)) text += '\n';
      text += block;
      in_list = item;
    }
    return text;
  }

  std::string left_to_do() const {
    std::string text;
    if (failure_) {
      const auto advice = text_in(failure_->data, "advice");
      text += fmt::format("- {}\n", advice.empty() ? "see the failure above" : inline_text(advice));
    }
    if (!over_)
      text += "- see whether retrust still runs; else run it again: what is left is done\n";
    for (const auto& warning : warnings_) {
      text += fmt::format("- look at the warning: {}\n", inline_text(warning));
    }
    for (const auto& each : next_) text += fmt::format("- {}\n", inline_text(each));
    return text.empty() ? "Nothing.\n" : text;
  }

  const std::vector<TimedEvent>& events_;
  std::string title_ = "retrust";
  Time started_ = {};
  Time last_ = {};
  bool over_ = false;
  bool inside_ = false;
  std::optional<std::int64_t> status_;
  std::optional<Event> failure_;
  std::string plan_;
  json::array steps_;
  std::map<std::string, std::string> facts_;
  std::vector<CommandRun> running_;
  std::vector<CommandRun> routine_;
  std::vector<std::string> warnings_;
  std::vector<std::string> next_;
  Part before_;
  std::vector<Part> parts_;
  Part after_;
};

}  // namespace

std::string document(const std::vector<TimedEvent>& events) {
  return events.empty() ? std::string() : Reader(events).text();
}

std::string shortened(std::string_view text, std::size_t limit, std::size_t total) {
  if (text.size() <= limit) return std::string(text);
  auto head = text.substr(0, limit * 2 / 3);
  auto tail = text.substr(text.size() - limit / 3);
  // Whole lines, where they are short enough.
  if (const auto end = head.rfind('\n'); end != std::string_view::npos && end > head.size() / 2) {
    head = head.substr(0, end + 1);
  }
  if (const auto begin = tail.find('\n');
      begin != std::string_view::npos && begin < tail.size() / 2) {
    tail = tail.substr(begin + 1);
  }
  // Never half a character.
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; };
  while (!tail.empty() && continues(tail.front())) tail.remove_prefix(1);
  while (!head.empty() && head.size() < text.size() && continues(text[head.size()])) {
    head.remove_suffix(1);
  }
  return fmt::format("{}{}… {} bytes left out …\n{}", head, head.ends_with('\n') ? "" : "\n",
                     std::max(total, text.size()) - head.size() - tail.size(), tail);
}

}  // namespace retrust
