#include "transcript/document.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/failure_code.h"
#include "base/text.h"
#include "transcript/account.h"
#include "transcript/markdown.h"
#include "transcript/plan_text.h"

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

/// Table row of a planned step that was not performed.
std::vector<std::string> left_out(const Account& account, const ShownStep& step) {
  auto reason = cell_text(step.reason);
  const auto stopped = account.failure || !account.end;
  std::string result = "not needed";
  if (step.need == Need::skipped) result = "skipped";
  if (step.need == Need::waived) result = "waived";
  if (comes(step.need)) {
    // The first observation may have been all that was needed.
    if (stopped) result = "not reached";
    if (!stopped && step.need == Need::depends) reason = "only " + reason;
    const auto any = std::any_of(account.parts.begin(), account.parts.end(),
                                 [](const Part& part) { return !part.name.empty(); });
    if (!stopped && step.need != Need::depends) {
      reason =
          any ? "no longer needed when its turn came" : "nothing differed when it was looked at";
    }
  }
  return {cell_text(step.section), cell_text(step.name), result, "", reason};
}

std::string sections(const Account& account) {
  std::vector<std::vector<std::string>> rows{{"section", "step", "result", "took", "why"}};
  std::vector<const Part*> shown;
  const auto add = [&](const Part& part) {
    // The step's own part tells the reason.
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
  for (const auto& step : account.plan) {
    if (!performed([&](const Part& part) { return part.name == step.name; })) {
      rows.push_back(left_out(account, step));
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
  if (event.is<Difference>()) return fenced(event.text, "diff");
  if (event.is<Change>()) return item("- {} **{}**\n");
  if (event.is<WaitStarted>()) return item("- {} waiting {}\n");
  if (event.is<Warning>()) return item("- {} Warning: {}\n");
  if (event.is<Finding>()) {
    // A text of several lines shows credentials.
    return event.text.find('\n') == std::string::npos
               ? fmt::format("- {}\n", inline_text(event.text))
               : fenced(event.text, "");
  }
  if (const auto* failure = std::get_if<FailureTold>(&event.what)) {
    const auto text = item("- {} **Failed: {}**\n");
    return failure->detail.empty() ? text : text + "\n" + fenced(failure->detail, "");
  }
  return item("- {} {}\n");
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
    // An empty line separates all blocks except the items of a list.
    if (!(in_list && item)) text += '\n';
    text += block;
    in_list = item && block.find('\n') == block.size() - 1;
  }
  if (!part.outcome.empty()) text += fmt::format("\nResult: {}\n", sentence(part.outcome));
  return text;
}

/// The end of a run that failed, in a word or two.
std::string failed_word(ExitStatus status, std::string_view code) {
  if (status > ExitStatus::interrupted) return "Interrupted";
  switch (status) {
    case ExitStatus::refused:
      return "Refused";
    case ExitStatus::gave_up:
      return "Gave up waiting";
    case ExitStatus::no_answer:
      return code == info_of(FailureCode::unreachable).name ? "No answer" : "No access";
    case ExitStatus::declined:
      return "Declined";
    default:
      return "Failed";
  }
}

}  // namespace

std::string verdict_text(const Account& account) {
  if (!account.end) {
    return "**Not ended.** This was written while it went on: it still does, or was killed. "
           "transcript.jsonl may have more.";
  }
  const auto& end = *account.end;
  const auto number = fmt::format(" Exit status {}.", end.status);
  if (!account.failure) {
    return fmt::format("**{}**{}{}{}", inline_text(end.head), end.verdict.empty() ? "" : " ",
                       sentence(end.verdict), number);
  }
  const auto why = sentence(account.failed);
  // The verdict of a failure tells which backups stay.
  const auto stays = end.verdict.empty() ? std::string() : sentence(end.verdict) + " ";
  const auto status = static_cast<ExitStatus>(end.status);
  auto head = failed_word(status, end.code);
  if (says_unchanged(status) && stays.empty()) head += ": nothing was changed";
  return fmt::format("**{}.** {}{}{}", head, stays, why, number);
}

std::string head_text(const Account& account) {
  std::string text;
  const auto row = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) text += fmt::format("- {}: {}\n", name, inline_text(value));
  };
  const auto& run = account.run;
  const auto& facts = account.facts;
  row("started", utc_text(account.started) + ", as all times here in UTC");
  row(account.end ? "ended" : "written", utc_text(account.last));
  row("duration", took(account.started, account.last));
  row("retrust", run.version);
  row("operator", run.operator_name);
  row("directory", run.directory);
  row("options from environment and file", run.other_options);
  row("downstream cluster", facts.downstream_cluster);
  row("local cluster", facts.local_cluster);
  row("Rancher", facts.rancher_version);
  row("Kubernetes", facts.kubernetes_version);
  row("kubectl", facts.kubectl_version);
  row("kubectl's path", facts.kubectl_path);
  row("docker", facts.docker_version);
  row("docker's path", facts.docker_path);
  row("backup by", facts.backup_tool_version);
  row("its path", facts.backup_tool_path);
  row("backup of Rancher", facts.rancher_backup);
  if (!run.command_line.empty()) text += "\n" + fenced(run.command_line, "sh");
  return text;
}

std::string parts_text(const Account& account) {
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
      text += "\n## Plan\n\n" + fenced(plan_text(account.plan), "");
    }
  }
  return text;
}

std::string left_to_do_text(const Account& account) {
  std::string text;
  const auto add = [&](const Advice& advice) {
    if (!advice.empty()) text += fmt::format("- {}\n", advice_text(advice));
  };
  if (account.failure) add(account.failure->advice);
  if (!account.end) {
    add(account.run.if_killed);
  }
  for (const auto& warning : account.warnings) {
    text += fmt::format("- look at the warning: {}\n", inline_text(warning.text));
    add(std::get<Warning>(warning.what).advice);
  }
  if (account.end) {
    for (const auto& each : account.end->next) add(each);
  }
  return "\n## Left to do\n\n" + (text.empty() ? "Nothing.\n" : text);
}

std::string other_commands_text(const Account& account) {
  if (account.routine.empty()) return {};
  std::string lines;
  for (const auto& command : account.routine) {
    lines +=
        fmt::format("{}  {:<8} {:<16} {}{}\n", clock(command.started), command.took, command.ending,
                    command.line, command.given.empty() ? "" : "  # given: " + command.given);
  }
  return "\n## Other commands\n\nNothing that they print is kept. They read, ask for reviews "
         "(questions, which a cluster answers and does not store), and write the Lease by which "
         "retrust keeps other runs away from the cluster. The kubeconfig "
         "/dev/stdin is one that retrust keeps in memory to try a CA and a token: the operator's "
         "server, and these.\n\n" +
         fenced(lines, "");
}

std::string document(const std::vector<Event>& events) {
  if (events.empty()) return {};
  const auto account = account_of(events);
  return fmt::format("# {}\n\n{}\n\n{}", inline_text(account.title), verdict_text(account),
                     head_text(account)) +
         sections(account) + changes(account) + parts_text(account) + left_to_do_text(account) +
         other_commands_text(account);
}

}  // namespace retrust
