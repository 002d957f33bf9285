// Writes a man page from a text in a small part of Markdown. Tables of the program replace lines
// like "@options". Runs during the build, and is not installed.
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/version.h"
#include "base/failure_code.h"
#include "cli/options.h"
#include "documents/roff.h"
#include "documents/sample_plan.h"
#include "report/report_fields.h"
#include "transcript/schema.h"
#include "ui/output.h"

namespace retrust {
namespace {

using documents::bold;
using documents::escaped;
using documents::italic;

std::string entry(const std::string& term, const std::string& body) {
  return ".TP\n" + term + "\n" + body + "\n";
}

std::string commands_part() {
  std::string text;
  for (const auto& command : all_commands()) {
    auto term = bold(command.name);
    if (!command.arguments.empty()) term += " " + italic(command.arguments);
    text += entry(term, escaped(command.help));
  }
  return text;
}

std::string options_part() {
  std::string text;
  for (const auto& option : all_options()) {
    auto term = option.letter.empty() ? "" : bold(fmt::format("-{}", option.letter)) + ", ";
    term += bold(fmt::format("--{}", option.name));
    if (!option.argument.empty()) term += " " + italic(option.argument);
    auto body = escaped(option.help);
    if (!option.standard.empty()) {
      body += fmt::format(" (default: {})", escaped(option.standard));
    }
    std::string only;
    for (const auto command : option.commands) {
      for (const auto& info : all_commands()) {
        if (info.command == command) only += (only.empty() ? "" : ", ") + bold(info.name);
      }
    }
    if (!only.empty()) body += "\n.br\nOnly with " + only + ".";
    text += entry(term, body);
  }
  return text;
}

std::string steps_part() {
  std::string text;
  for (const auto& info : all_steps()) {
    const auto effect = info.effect == StepInfo::Effect::changes ? "changes a cluster"
                        : info.effect == StepInfo::Effect::saves ? "makes a backup"
                                                                 : "only reads";
    text += entry(fmt::format("{} {}", info.section, bold(info.name)),
                  fmt::format("{}; {}", escaped(info.title), effect));
  }
  return text;
}

std::string statuses_part() {
  std::string text;
  for (const auto& info : all_statuses()) text += entry(bold(info.status), escaped(info.meaning));
  return text;
}

std::string codes_part() {
  std::string text;
  for (const auto& info : all_failure_codes()) {
    const auto status = info.status == ExitStatus::interrupted
                            ? std::string("128+n")
                            : std::to_string(static_cast<int>(info.status));
    text += entry(bold(info.name), fmt::format("{}: {}", status, escaped(info.meaning)));
  }
  return text;
}

std::string variables_part() {
  std::string names;
  for (const auto& option : all_options()) {
    const auto name = variable_of(option);
    if (!name.empty()) names += (names.empty() ? "" : ",\n") + bold(name);
  }
  return entry(names.substr(0, names.find(",\n")) + ", ...",
               names +
                   "\n.br\neach stands for the option of that name; one that takes no value is "
                   "given as true or false.");
}

std::string step_heading(const std::string& name) {
  for (const auto& info : all_steps()) {
    if (info.name == name) {
      return fmt::format(".SS \"{} {}: {}\"\n", info.section, escaped(info.name),
                         escaped(info.title));
    }
  }
  throw std::runtime_error("there is no step " + name);
}

std::string field_text(const SchemaField& field) {
  const auto type = field.type == SchemaField::Type::number  ? "number, "
                    : field.type == SchemaField::Type::list  ? "list, "
                    : field.type == SchemaField::Type::truth ? "true or false, "
                                                             : "";
  const auto presence = field.presence == Presence::sometimes ? " (not always)" : "";
  return fmt::format("{}{}{}", type, escaped(field.meaning), presence);
}

std::string line_fields_part() {
  std::string text;
  for (const auto& field : schema_of_lines()) text += entry(bold(field.name), field_text(field));
  return text;
}

std::string events_part() {
  std::string text;
  for (const auto& event : schema_of_events()) {
    auto said = escaped(event.meaning);
    for (const auto& field : event.fields) {
      said += fmt::format("\n.br\n{}: {}", bold(field.name), field_text(field));
    }
    text += entry(bold(event.name), said);
  }
  return text;
}

std::string fields_part(const std::vector<ReportField>& fields) {
  std::string text;
  for (const auto& field : fields) {
    text += entry(bold(field.path), fmt::format("{}: {}", field.type, escaped(field.meaning)));
  }
  return text;
}

/// Commands of a step, as literal lines. Throws std::runtime_error if the step has none.
std::string runs_part(const std::string& words) {
  const auto space = words.find(' ');
  const auto step = find_step(words.substr(0, space));
  if (!step) throw std::runtime_error("there is no step " + words);
  const auto shown = space == std::string::npos ? documents::Shown::before_secrets
                                                : documents::Shown::with_secrets;
  const auto commands = documents::commands_of(*step, shown);
  if (commands.empty()) throw std::runtime_error("nothing is run for " + words);
  return documents::literal(commands);
}

std::string part(const std::string& directive) {
  if (directive.starts_with("runs ")) return runs_part(directive.substr(5));
  if (directive == "line_fields") return line_fields_part();
  if (directive == "report") return fields_part(report_fields());
  if (directive == "failure") return fields_part(failure_fields());
  if (directive == "list") return fields_part(list_fields());
  if (directive == "events") return events_part();
  if (directive == "commands") return commands_part();
  if (directive == "options") return options_part();
  if (directive == "steps") return steps_part();
  if (directive == "statuses") return statuses_part();
  if (directive == "codes") return codes_part();
  if (directive == "variables") return variables_part();
  if (directive.starts_with("step ")) return step_heading(directive.substr(5));
  throw std::runtime_error("there is no table " + directive);
}

}  // namespace
}  // namespace retrust

int main(int argc, char** argv) {
  retrust::Console output;
  try {
    if (argc != 2) throw std::runtime_error("give one text");
    std::ifstream file(argv[1]);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) throw std::runtime_error("cannot be read");
    output.write(
        retrust::Stream::out,
        retrust::documents::man_page(
            text.str(), fmt::format("retrust {}", retrust::program_version), retrust::part));
    return static_cast<int>(retrust::status_of_output(output, retrust::ExitStatus::done));
  } catch (const std::exception& error) {
    output.write(retrust::Stream::err,
                 fmt::format("{}: {}\n", argc > 1 ? argv[1] : "retrust-documents", error.what()));
    return 1;
  }
}
