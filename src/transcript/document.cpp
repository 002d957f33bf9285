#include "transcript/document.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "transcript/account.h"
#include "transcript/markdown.h"
#include "transcript/members.h"

namespace retrust {
namespace {

std::string clock(Time time) {
  return utc_text(time).substr(11, 8);
}

std::string took(Time from, Time to) {
  return duration_text(std::chrono::duration_cast<std::chrono::milliseconds>(to - from));
}

std::string sentence(std::string_view text) {
  auto result = inline_text(text);
  if (!result.empty() && result.back() != '.') result += '.';
  return result;
}

std::string verdict(const Account& account) {
  if (!account.over) {
    return "**Not ended.** This was written while it went on: it still does, or was killed. "
           "transcript.jsonl may have more.";
  }
  const auto status = account.status;
  const auto number = fmt::format(" Exit status {}.", status);
  if (!account.failure) {
    return fmt::format("**{}**{}{}{}", inline_text(account.head),
                       account.verdict.empty() ? "" : " ", sentence(account.verdict), number);
  }
  const auto why = sentence(account.failure->text);
  if (status > 128) return fmt::format("**Interrupted.** {}{}", why, number);
  if (status == 4) return fmt::format("**Refused: nothing was changed.** {}{}", why, number);
  return fmt::format("**{}** {}{}", status == 5 ? "Gave up waiting." : "Failed.", why, number);
}

std::string head(const Account& account) {
  std::string text;
  const auto row = [&](std::string_view name, const std::string& value) {
    text += fmt::format("- {}: {}\n", name, inline_text(value));
  };
  row("started", utc_text(account.started) + ", as all times here in UTC");
  row(account.over ? "ended" : "written", utc_text(account.last));
  row("duration", took(account.started, account.last));
  for (const auto& [key, name] : fact_names()) {
    if (const auto fact = account.facts.find(key); fact != account.facts.end()) {
      row(name, fact->second);
    }
  }
  if (!account.command_line.empty()) text += "\n" + fenced(account.command_line, "sh");
  return text;
}

/// A step of the plan that was not performed, as a row.
std::vector<std::string> left_out(const Account& account, const boost::json::object& step) {
  const auto need = text_in(step, "need");
  auto reason = cell_text(text_in(step, "reason"));
  const auto stopped = account.failure || !account.over;
  std::string result = "not needed";
  if (need == "skipped") result = "skipped";
  if (need == "needed" || need == "depends") {
    // What was observed at first may have been all that was needed.
    if (stopped) result = "not reached";
    if (!stopped && need == "depends") reason = "only " + reason;
    const auto any = std::any_of(account.parts.begin(), account.parts.end(),
                                 [](const Part& part) { return !part.name.empty(); });
    if (!stopped && need == "needed") {
      reason =
          any ? "no longer needed when its turn came" : "nothing differed when it was looked at";
    }
  }
  return {cell_text(text_in(step, "section")), cell_text(text_in(step, "name")), result, "",
          reason};
}

std::string sections(const Account& account) {
  std::vector<std::vector<std::string>> rows{{"section", "step", "result", "took", "why"}};
  std::vector<const Part*> shown;
  const auto add = [&](const Part& part) {
    // Why it was done is told where it is told of.
    rows.push_back({cell_text(part.section), cell_text(part.name), cell_text(part.result),
                    took(part.started, part.ended.value_or(account.last)), ""});
    shown.push_back(&part);
  };
  const auto performed = [&](const auto& fits) {
    auto any = false;
    for (const auto& part : account.parts) {
      const auto again = std::find(shown.begin(), shown.end(), &part) != shown.end();
      if (part.name.empty() || again || !fits(part)) continue;
      add(part);
      any = true;
    }
    return any;
  };
  for (const auto& step : account.steps) {
    if (!step.is_object()) continue;
    const auto name = text_in(step.get_object(), "name");
    if (!performed([&](const Part& part) { return part.name == name; })) {
      rows.push_back(left_out(account, step.get_object()));
    }
  }
  performed([](const Part&) { return true; });
  return rows.size() == 1 ? std::string() : "\n## Sections\n\n" + table(rows);
}

std::string changes(const Account& account) {
  std::string text = "\n## Changes\n\n";
  if (!account.changes.empty()) {
    text += "Each was written down before it was begun; its step tells what came of it.\n\n";
  }
  for (const auto& change : account.changes) {
    text += fmt::format("- {} {}{}\n", clock(change.time),
                        change.section.empty() ? "" : inline_text(change.section) + " ",
                        inline_text(change.text));
  }
  return account.changes.empty() ? text + "None.\n" : text;
}

std::string command_text(const CommandRun& command) {
  auto text = fmt::format("{}, {}{}:\n\n{}", clock(command.started),
                          command.took.empty() ? "" : command.took + ", ",
                          command.ending.empty() ? "not ended" : inline_text(command.ending),
                          fenced(command.line, "sh"));
  if (!command.given.empty()) {
    text += fmt::format("\non standard input: {}\n", inline_text(command.given));
  }
  if (!command.output.empty()) text += "\n" + fenced(command.output, "");
  return text;
}

std::string event_text(const Event& event) {
  const auto item = [&](std::string_view form) {
    return fmt::format(fmt::runtime(form), clock(event.time), inline_text(event.text));
  };
  switch (event.kind) {
    case EventKind::difference:
      return fenced(event.text, "diff");
    case EventKind::change:
      return item("- {} **{}**\n");
    case EventKind::wait_started:
      return item("- {} waiting {}\n");
    case EventKind::warning:
      return item("- {} Warning: {}\n");
    case EventKind::finding:
      // Several lines are a view of credentials.
      return event.text.find('\n') == std::string::npos
                 ? fmt::format("- {}\n", inline_text(event.text))
                 : fenced(event.text, "");
    case EventKind::failure: {
      auto text = item("- {} **Failed: {}**\n");
      const auto detail = text_in(event.data, "detail");
      return detail.empty() ? text : text + "\n" + fenced(detail, "");
    }
    default:
      return item("- {} {}\n");
  }
}

std::string part_text(const std::string& title, const Part& part) {
  if (part.happenings.empty() && part.reason.empty()) return {};
  auto text = fmt::format("\n## {}\n", title);
  if (!part.reason.empty()) text += fmt::format("\n{}\n", sentence(part.reason));
  auto in_list = false;
  for (const auto& happening : part.happenings) {
    const auto block =
        happening.command ? command_text(*happening.command) : event_text(*happening.event);
    const auto item = block.starts_with("- ");
    // An empty line between everything but the items of a list.
    if (!(in_list && item)) text += '\n';
    text += block;
    in_list = item && block.find('\n') == block.size() - 1;
  }
  if (!part.outcome.empty()) text += fmt::format("\nResult: {}\n", sentence(part.outcome));
  return text;
}

std::string parts(const Account& account) {
  std::string text;
  for (auto part = account.parts.begin(); part != account.parts.end(); ++part) {
    std::string title = fmt::format("{} {}", inline_text(part->section), inline_text(part->name));
    if (part == account.parts.begin()) {
      title = "What was found";
    } else if (part->name.empty()) {
      const auto next = std::next(part);
      title = next == account.parts.end() ? "In the end"
                                          : fmt::format("Before {} {}", inline_text(next->section),
                                                        inline_text(next->name));
    }
    text += part_text(title, *part);
    if (part == account.parts.begin() && !account.plan.empty()) {
      text += "\n## Plan\n\n" + fenced(account.plan, "");
    }
  }
  return text;
}

std::string left_to_do(const Account& account) {
  std::string text;
  if (account.failure) {
    const auto advice = text_in(account.failure->data, "advice");
    if (!advice.empty()) text += fmt::format("- {}\n", advice_text(advice));
  }
  if (!account.over) {
    text += "- see whether retrust still runs; else run it again: what is left is done\n";
  }
  for (const auto& warning : account.warnings) {
    text += fmt::format("- look at the warning: {}\n", inline_text(warning.text));
  }
  for (const auto& each : account.next) text += fmt::format("- {}\n", advice_text(each));
  if (text.empty() && account.failure) {
    text += "- mend the cause of the failure, then give the command again\n";
  }
  return "\n## Left to do\n\n" + (text.empty() ? "Nothing.\n" : text);
}

std::string other_commands(const Account& account) {
  if (account.routine.empty()) return {};
  std::string lines;
  for (const auto& command : account.routine) {
    lines +=
        fmt::format("{}  {:<8} {:<16} {}{}\n", clock(command.started), command.took, command.ending,
                    command.line, command.given.empty() ? "" : "  # given: " + command.given);
  }
  return "\n## Other commands\n\nThey read, and nothing that they print is kept. What they create "
         "are reviews: questions, which a cluster answers and does not store. A kubeconfig in a "
         "folder of its own is made by retrust to try a CA and a token: the operator's server, and "
         "these.\n\n" +
         fenced(lines, "");
}

}  // namespace

std::string document(const std::vector<Event>& events) {
  if (events.empty()) return {};
  const auto account = account_of(events);
  return fmt::format("# {}\n\n{}\n\n{}", inline_text(account.title), verdict(account),
                     head(account)) +
         sections(account) + changes(account) + parts(account) + left_to_do(account) +
         other_commands(account);
}

}  // namespace retrust
