#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "transcript/event.h"
#include "transcript/schema.h"

namespace retrust {

/// Layout of a text. `lines` keeps its lines: a reader sees them indented or in a block.
enum class TextShape { line, lines };

/// A struct's member in transcript.jsonl.
template <typename Struct, typename Value>
struct Member {
  constexpr Member(std::string_view called, Value Struct::*pointer, Presence present,
                   std::string_view means, TextShape keeps = TextShape::line)
      : name(called), at(pointer), presence(present), meaning(means), shape(keeps) {}
  std::string_view name;
  Value Struct::*at;
  Presence presence;
  std::string_view meaning;
  TextShape shape;
};

template <typename Struct, typename Value>
constexpr auto always(std::string_view name, Value Struct::*at, std::string_view meaning,
                      TextShape shape = TextShape::line) {
  return Member(name, at, Presence::always, meaning, shape);
}

template <typename Struct, typename Value>
constexpr auto sometimes(std::string_view name, Value Struct::*at, std::string_view meaning,
                         TextShape shape = TextShape::line) {
  return Member(name, at, Presence::sometimes, meaning, shape);
}

/// A struct in transcript.jsonl: `name` and `meaning` of an event, and its members. The lines,
/// their schema, the man page, the masking and the shortening all come from this table.
template <typename... Members>
struct Table {
  constexpr Table(std::string_view called, std::string_view means, Members... of)
      : name(called), meaning(means), members(of...) {}
  std::string_view name;
  std::string_view meaning;
  std::tuple<Members...> members;
};

constexpr auto table(const RunStarted*) {
  return Table(
      "run_started", "the first line", always("retrust", &RunStarted::version, "its version"),
      always("command_line", &RunStarted::command_line, "how it was called, quoted for a shell",
             TextShape::lines),
      always("operator", &RunStarted::operator_name, "user@host, and who is behind sudo"),
      always("directory", &RunStarted::directory, "in which it was called"),
      sometimes("otherOptions", &RunStarted::other_options,
                "options that the environment or the file set"),
      sometimes("ifKilled", &RunStarted::if_killed, "what to do next if retrust was killed"));
}
constexpr auto table(const Finding*) {
  return Table(
      "finding", "something observed, one sentence",
      sometimes("downstreamCluster", &Finding::downstream_cluster,
                "name, server and uid of kube-system"),
      sometimes("localCluster", &Finding::local_cluster, "server, and uid of kube-system"),
      sometimes("rancherVersion", &Finding::rancher_version, "of Rancher's server"),
      sometimes("kubernetesVersion", &Finding::kubernetes_version, "of the downstream cluster"),
      sometimes("kubectlVersion", &Finding::kubectl_version, "of the kubectl that is used"),
      sometimes("kubectlPath", &Finding::kubectl_path, "absolute path of that kubectl"),
      sometimes("dockerVersion", &Finding::docker_version, "of docker, where it is used"),
      sometimes("dockerPath", &Finding::docker_path, "absolute path of that docker"),
      sometimes("backupToolVersion", &Finding::backup_tool_version,
                "of tar, rke, k3s or RKE2, where they are used"),
      sometimes("backupToolPath", &Finding::backup_tool_path, "absolute path of that program"),
      sometimes("rancherBackup", &Finding::rancher_backup,
                "that the operator waived a backup of Rancher"));
}
constexpr auto table(const SituationTold*) {
  return Table("situation", "whether Rancher trusts the cluster at the start, and why not");
}
constexpr auto table(const Difference*) {
  return Table("difference", "a unified diff of the rendered credentials");
}
constexpr auto table(const ShownStep*) {
  return Table("", "", always("section", &ShownStep::section, ""),
               always("name", &ShownStep::name, ""), always("need", &ShownStep::need, ""),
               always("changes", &ShownStep::changes, ""), always("reason", &ShownStep::reason, ""),
               always("commands", &ShownStep::commands, ""),
               always("notes", &ShownStep::notes, ""));
}
constexpr auto table(const PlanMade*) {
  return Table(
      "plan", "the steps, and why",
      sometimes("steps", &PlanMade::steps,
                "section, name, need (needed, reads, depends, not-needed, skipped or waived), "
                "reason, commands and notes of each"));
}
constexpr auto table(const StepStarted*) {
  return Table("step_started", "a step begins", always("name", &StepStarted::name, "of the step"));
}
constexpr auto table(const StepEnded*) {
  return Table("step_ended", "it is over; its text is the result",
               always("name", &StepEnded::name, "of the step"),
               sometimes("result", &StepEnded::result, "where it is not done: in a word or two"));
}
constexpr auto table(const CommandAbout*) {
  return Table(
      "", "",
      always("id", &CommandAbout::id,
             "the same in a command's start and its end, and in no other's"),
      sometimes("cluster", &CommandAbout::cluster,
                "downstream or local: which one kubectl speaks to"),
      always("program", &CommandAbout::program,
             "what is started: the absolute path, if there is such a program"),
      sometimes("container", &CommandAbout::container, "the container in which it is started"));
}
constexpr auto table(const CommandStarted*) {
  return Table(
      "command_started", "a program is started; its text is the command line",
      sometimes("given", &CommandStarted::given, "what it gets on standard input, in words"));
}
constexpr auto table(const CommandEnded*) {
  return Table(
      "command_ended", "it ended",
      always("command", &CommandEnded::command, "the command, as its command_started has it"),
      always("ending", &CommandEnded::ending, "exit status 0, killed by signal 9, ..."),
      sometimes("milliseconds", &CommandEnded::milliseconds, "how long it ran"),
      sometimes("output", &CommandEnded::output,
                "what it printed where that is no secret, shortened in the middle",
                TextShape::lines),
      sometimes("outputBytes", &CommandEnded::output_bytes,
                "how much that was, where it was a lot"),
      Member("aside", &CommandEnded::aside, Presence::never, "what a login plugin says",
             TextShape::lines));
}
constexpr auto table(const DeletedSecret*) {
  return Table("", "", always("name", &DeletedSecret::name, ""),
               always("uid", &DeletedSecret::uid, ""),
               always("account", &DeletedSecret::account, ""));
}
constexpr auto table(const Change*) {
  return Table(
      "change", "something is changed or saved; written before it is done",
      sometimes("namespace", &Change::name_space, "of the secrets that are deleted"),
      sometimes("secrets", &Change::secrets, "name, uid and account of each"),
      sometimes("file", &Change::file, "that was saved, below the run folder: backup/NAME"),
      sometimes("sha256", &Change::sha256, "of that file; rollback compares it"));
}
constexpr auto table(const WaitStarted*) {
  return Table("wait_started", "a wait begins; its text says for what, and for how long at most");
}
constexpr auto table(const WaitProgress*) {
  return Table("wait_progress", "what was seen of it");
}
constexpr auto table(const WaitEnded*) {
  return Table("wait_ended", "it is there");
}
constexpr auto table(const Warning*) {
  return Table("warning", "nothing that stops the run",
               sometimes("advice", &Warning::advice, "what to do next"));
}
constexpr auto table(const FailureTold*) {
  return Table(
      "failure", "why it stops", always("status", &FailureTold::status, "the exit status"),
      always("code", &FailureTold::code, "the cause as a code of retrust(1)"),
      sometimes("detail", &FailureTold::detail, "the command's own words", TextShape::lines),
      sometimes("advice", &FailureTold::advice, "what to do next"));
}
constexpr auto table(const ClusterEnded*) {
  return Table(
      "cluster_ended", "in summary.jsonl: the result of a cluster, its text what holds now, or why",
      always("id", &ClusterEnded::id, "of the cluster"),
      always("name", &ClusterEnded::name, "its display name"),
      always("result", &ClusterEnded::result, "in a word or two: done, refused, ..."),
      always("status", &ClusterEnded::status, "the exit status that a run of it alone would have"),
      sometimes("code", &ClusterEnded::code, "the code of its failure, see retrust(1)"),
      always("changed", &ClusterEnded::changed, "whether something was changed"),
      sometimes("lastStep", &ClusterEnded::last_step, "the last one that was finished"),
      sometimes("folder", &ClusterEnded::folder, "its run folder, below that of summary.jsonl"),
      sometimes("next", &ClusterEnded::next, "what a person does next, a sentence each"));
}
constexpr auto table(const RunEnded*) {
  return Table(
      "run_ended", "the last line", always("status", &RunEnded::status, "the exit status"),
      sometimes("code", &RunEnded::code, "the code of the failure that ended it, see retrust(1)"),
      always("runFolder", &RunEnded::run_folder, "where the transcripts are"),
      always("head", &RunEnded::head, "how it ended, in a few words: Done., Not done., Put back."),
      sometimes("verdict", &RunEnded::verdict, "what holds now, one sentence"),
      sometimes("next", &RunEnded::next, "what a person does next, a sentence each"),
      always("cpuMicroseconds", &RunEnded::cpu_microseconds, "processor time of retrust itself"),
      always("systemMicroseconds", &RunEnded::system_microseconds, "of which in the kernel"),
      always("peakKiB", &RunEnded::peak_kib, "memory of retrust itself at its peak"));
}

template <typename Struct>
constexpr auto table_of = table(static_cast<const Struct*>(nullptr));

/// Calls a function with each member of a struct's table and its value.
template <typename Struct, typename Function>
void for_each_member(Struct&& object, const Function& function) {
  using Bare = std::remove_cvref_t<Struct>;
  const auto all = [&](const auto&... member) { (function(member, object.*member.at), ...); };
  if constexpr (std::is_base_of_v<CommandAbout, Bare>) {
    std::apply(all, table_of<CommandAbout>.members);
  }
  if constexpr (!std::is_same_v<CommandAbout, Bare>) std::apply(all, table_of<Bare>.members);
}

/// Calls a function with every text in a value, and with its shape.
template <typename Value, typename Function>
void for_each_text(Value& value, const Function& function, TextShape shape = TextShape::line) {
  if constexpr (std::is_same_v<Value, std::string>) {
    function(value, shape);
  } else if constexpr (std::is_same_v<Value, Advice>) {
    function(value.sentence, shape);
    function(value.command, shape);
    for_each_text(value.own, function);
  } else if constexpr (requires { table(&value); }) {
    for_each_member(value, [&](const auto& member, auto& part) {
      for_each_text(part, function, member.shape);
    });
  } else if constexpr (requires {
                         typename Value::value_type;
                         value.begin();
                       }) {
    for (auto& element : value) for_each_text(element, function, shape);
  }
}

}  // namespace retrust
