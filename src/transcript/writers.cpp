#include "transcript/writers.h"

#include <algorithm>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "transcript/text.h"

namespace retrust {
namespace {

/// A change is announced before it is made: by then all that came before must be on the disk.
bool precedes_change(EventKind kind) {
  return kind == EventKind::change || kind == EventKind::run_ended;
}

/// Of the moment alone, for a terminal: how far a wait has come.
bool is_momentary(const Event& event) {
  return event.kind == EventKind::wait_progress && event.weight == Weight::routine;
}

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

/// Text within a Markdown line: what would be markup is escaped.
std::string inline_text(std::string_view text) {
  std::string result;
  for (const char c : one_line(text)) {
    if (c == '\\' || c == '`' || c == '*' || c == '_' || c == '<' || c == '>' || c == '[' ||
        c == ']' || c == '#' || c == '|') {
      result += '\\';
    }
    result += c;
  }
  return result;
}

std::string data_text(const Event& event, std::string_view key) {
  const auto* value = event.data.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

std::string json_line(const Event& event, std::chrono::system_clock::time_point time) {
  boost::json::object line;
  line["version"] = 1;
  line["time"] = utc_text_ms(time);
  line["event"] = name_of(event.kind);
  if (!event.section.empty()) line["section"] = event.section;
  if (!event.text.empty()) line["text"] = event.text;
  for (const auto& member : event.data) line.insert(member);
  return boost::json::serialize(line);
}

void JsonlWriter::emit(const Event& event) {
  if (is_momentary(event)) return;
  file_.write(json_line(event, std::chrono::system_clock::now()) + "\n");
  if (precedes_change(event.kind)) file_.sync();
}

std::string markdown(const Event& event, std::chrono::system_clock::time_point time) {
  const auto clock = utc_text(time).substr(11, 8);
  switch (event.kind) {
    case EventKind::run_started:
      return fmt::format("# {}\n\nStarted {}.\n\n{}\n", inline_text(event.text), utc_text(time),
                         fenced(data_text(event, "command_line"), "sh"));
    case EventKind::finding:
      return fmt::format("- {}\n", inline_text(event.text));
    case EventKind::difference:
      return fmt::format("\n{}\n", fenced(event.text, "diff"));
    case EventKind::plan:
      return fmt::format("\n## Plan\n\n{}\n", fenced(event.text, ""));
    case EventKind::step_started:
      return fmt::format("\n## {} {}\n\n{} {}\n\n", event.section,
                         inline_text(data_text(event, "name")), clock, inline_text(event.text));
    case EventKind::step_ended:
      return fmt::format("\n{} {}\n", clock, inline_text(event.text));
    case EventKind::command_started:
      return fmt::format("\n{}\n{}", clock, fenced(event.text, "sh"));
    case EventKind::command_ended: {
      const auto output = data_text(event, "output");
      return fmt::format("\n{} {}\n{}", clock, inline_text(event.text),
                         output.empty() ? "" : "\n" + fenced(output, ""));
    }
    case EventKind::change:
      return fmt::format("\n{} **{}**\n", clock, inline_text(event.text));
    case EventKind::wait_started:
      return fmt::format("\n{} Waiting: {}\n", clock, inline_text(event.text));
    case EventKind::wait_progress:
      return fmt::format("- {} {}\n", clock, inline_text(event.text));
    case EventKind::wait_ended:
      return fmt::format("\n{} {}\n", clock, inline_text(event.text));
    case EventKind::warning:
      return fmt::format("\n{} Warning: {}\n", clock, inline_text(event.text));
    case EventKind::failure: {
      auto text = fmt::format("\n{} **Failed: {}**\n", clock, inline_text(event.text));
      if (const auto advice = data_text(event, "advice"); !advice.empty()) {
        text += fmt::format("\n{}\n", inline_text(advice));
      }
      if (const auto detail = data_text(event, "detail"); !detail.empty()) {
        text += "\n" + fenced(detail, "");
      }
      return text;
    }
    case EventKind::run_ended:
      return fmt::format("\n## Result\n\n{} {}\n", utc_text(time), inline_text(event.text));
  }
  return {};
}

void MarkdownWriter::emit(const Event& event) {
  if (is_momentary(event)) return;
  file_.write(markdown(event, std::chrono::system_clock::now()));
  // transcript.jsonl has the same, and is on the disk before every change.
  if (event.kind == EventKind::run_ended) file_.sync();
}

}  // namespace retrust
