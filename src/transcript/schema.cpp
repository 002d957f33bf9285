#include "transcript/schema.h"

#include <algorithm>

#include <fmt/format.h>

namespace retrust {
namespace {

using enum SchemaField::Type;
using enum SchemaField::Presence;

const SchemaField* find(const std::vector<SchemaField>& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const SchemaField& field) { return field.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

bool fits(const boost::json::value& value, SchemaField::Type type) {
  switch (type) {
    case text:
      return value.is_string();
    case number:
      return value.is_int64() || value.is_uint64();
    case list:
      return value.is_array();
  }
  return false;
}

std::string missing(const boost::json::object& line, const std::vector<SchemaField>& fields) {
  for (const auto& field : fields) {
    if (field.presence == always && !line.contains(field.name)) {
      return fmt::format("{} is missing", field.name);
    }
  }
  return {};
}

}  // namespace

const std::vector<SchemaField>& schema_of_lines() {
  static const std::vector<SchemaField> fields{
      {"version", number, always, "of this schema: 1"},
      {"time", text, always, "when it happened, UTC with milliseconds"},
      {"event", text, always, "what kind of line this is"},
      {"section", text, sometimes, "of the runbook, e.g. 2.1"},
      {"text", text, sometimes, "for people; secrets are masked"},
  };
  return fields;
}

const std::vector<SchemaEvent>& schema_of_events() {
  static const std::vector<SchemaField> command{
      {"id", number, always, "the same in a command's start and its end, and in no other's"},
      {"cluster", text, sometimes, "downstream or local: which one kubectl speaks to"},
      {"program", text, always, "what is started: the absolute path, if there is such a program"},
      {"container", text, sometimes, "the container in which it is started"},
  };
  static const std::vector<SchemaField> command_start = [] {
    auto fields = command;
    fields.push_back({"given", text, sometimes, "what it gets on standard input, in words"});
    return fields;
  }();
  static const std::vector<SchemaField> command_end = [] {
    auto fields = command;
    fields.push_back({"command", text, always, "the command, as its command_started has it"});
    fields.push_back({"ending", text, always, "exit status 0, killed by signal 9, ..."});
    fields.push_back({"milliseconds", number, sometimes, "how long it ran"});
    fields.push_back({"output", text, sometimes,
                      "what it printed where that is no secret, shortened in the middle"});
    fields.push_back({"outputBytes", number, sometimes, "how much that was, where it was a lot"});
    return fields;
  }();
  static const std::vector<SchemaEvent> events{
      {"run_started",
       "the first line",
       {{"retrust", text, always, "its version"},
        {"command_line", text, always, "how it was called, quoted for a shell"},
        {"operator", text, always, "user@host, and who is behind sudo"},
        {"directory", text, always, "in which it was called"},
        {"otherOptions", text, sometimes, "options that the environment or the file set"}}},
      {"finding",
       "something observed, one sentence",
       {{"downstreamCluster", text, sometimes, "name, server and uid of kube-system"},
        {"localCluster", text, sometimes, "server, and uid of kube-system"},
        {"rancherVersion", text, sometimes, "of Rancher's server"},
        {"kubernetesVersion", text, sometimes, "of the downstream cluster"},
        {"kubectlVersion", text, sometimes, "of the kubectl that is used"},
        {"kubectlPath", text, sometimes, "absolute path of that kubectl"},
        {"dockerVersion", text, sometimes, "of docker, where it is used"},
        {"dockerPath", text, sometimes, "absolute path of that docker"},
        {"backupToolVersion", text, sometimes, "of tar, rke, k3s or RKE2, where they are used"},
        {"backupToolPath", text, sometimes, "absolute path of that program"}}},
      {"difference", "a unified diff of the rendered credentials", {}},
      {"plan",
       "the steps, and why",
       {{"steps", list, sometimes, "section, name, need, reason, commands and notes of each"}}},
      {"step_started", "a step begins", {{"name", text, always, "of the step"}}},
      {"step_ended",
       "it is over; its text is the result",
       {{"name", text, always, "of the step"},
        {"result", text, sometimes, "where it is not done: in a word or two"}}},
      {"command_started", "a program is started; its text is the command line", command_start},
      {"command_ended", "it ended", command_end},
      {"change",
       "something is changed or saved; written before it is done",
       {{"namespace", text, sometimes, "of the secrets that are deleted"},
        {"secrets", list, sometimes, "name, uid and account of each"},
        {"file", text, sometimes, "that was saved, below the run folder: backup/NAME"},
        {"sha256", text, sometimes, "of that file; rollback compares it"}}},
      {"wait_started", "a wait begins; its text says for what, and for how long at most", {}},
      {"wait_progress", "what was seen of it", {}},
      {"wait_ended", "it is there", {}},
      {"warning", "nothing that stops the run", {}},
      {"failure",
       "why it stops",
       {{"status", number, always, "the exit status"},
        {"detail", text, sometimes, "the command's own words"},
        {"advice", text, sometimes, "what to do next"}}},
      {"run_ended",
       "the last line",
       {{"status", number, always, "the exit status"},
        {"runFolder", text, always, "where the transcripts are"},
        {"head", text, always, "how it ended, in a few words: Done., Not done., Put back."},
        {"verdict", text, sometimes, "what holds now, one sentence"},
        {"next", list, sometimes, "what a person does next, a sentence each"},
        {"cpuMicroseconds", number, always, "processor time of retrust itself"},
        {"systemMicroseconds", number, always, "of which in the kernel"},
        {"peakKiB", number, always, "memory of retrust itself at its peak"}}},
  };
  return events;
}

std::string against_schema(const boost::json::value& line) {
  if (!line.is_object()) return "it is no object";
  const auto& object = line.get_object();
  if (auto wrong = missing(object, schema_of_lines()); !wrong.empty()) return wrong;
  const auto& name = object.at("event");
  if (!name.is_string()) return "event is no text";
  const auto& events = schema_of_events();
  const auto event = std::find_if(events.begin(), events.end(), [&](const SchemaEvent& each) {
    return each.name == std::string_view(name.get_string());
  });
  if (event == events.end()) return fmt::format("there is no event {}", name.get_string().c_str());
  if (auto wrong = missing(object, event->fields); !wrong.empty()) {
    return fmt::format("{}: {}", event->name, wrong);
  }
  for (const auto& member : object) {
    const auto* field = find(schema_of_lines(), member.key());
    if (field == nullptr) field = find(event->fields, member.key());
    if (field == nullptr) {
      return fmt::format("{}: there is no member {}", event->name, std::string(member.key()));
    }
    if (!fits(member.value(), field->type)) {
      return fmt::format("{}: {} is of another type", event->name, field->name);
    }
  }
  return {};
}

}  // namespace retrust
