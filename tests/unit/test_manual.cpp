// The man pages against the tables that they are written from.
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include "base/failure_code.h"
#include "cli/options.h"
#include "transcript/schema.h"

namespace retrust {
namespace {

/// As it is in the build folder; the escapes of dashes and fonts undone.
std::string page(const std::string& name) {
  const char* folder = std::getenv("RETRUST_TEST_MANUALS");
  if (folder == nullptr) return {};
  std::ifstream file(std::string(folder) + "/" + name);
  std::ostringstream content;
  content << file.rdbuf();
  auto text = content.str();
  for (const std::string mark : {"\\%", "\\"}) {
    const auto whole = mark == "\\" ? std::string("\\-") : mark;
    for (auto at = text.find(whole); at != std::string::npos; at = text.find(whole, at)) {
      text.erase(at, mark.size());
    }
  }
  return text;
}

void check_has(const std::string& text, const std::string& part) {
  CAPTURE(part);
  CHECK(text.find(part) != std::string::npos);
}

TEST_CASE("retrust(1) has every command, option, step, status and variable of the tables") {
  const auto text = page("retrust.1");
  if (text.empty()) {
    MESSAGE("RETRUST_TEST_MANUALS is not set: run by meson test");
    CHECK(std::getenv("RETRUST_TEST_MANUALS") == nullptr);
    return;
  }
  for (const auto& command : all_commands()) {
    check_has(text, ".TP\n\\fB" + std::string(command.name) + "\\fR");
  }
  for (const auto& option : all_options()) {
    check_has(text, "\\fB--" + std::string(option.name) + "\\fR");
    const auto variable = variable_of(option);
    if (!variable.empty()) check_has(text, "\\fB" + variable + "\\fR");
  }
  for (const auto& info : all_steps()) check_has(text, "\\fB" + std::string(info.name) + "\\fR");
  for (const auto& info : all_statuses()) {
    check_has(text, ".TP\n\\fB" + std::string(info.status) + "\\fR");
  }
  for (const auto& info : all_failure_codes()) {
    check_has(text, ".TP\n\\fB" + std::string(info.name) + "\\fR");
  }
}

TEST_CASE("retrust-runbook(7) has a section for every step") {
  const auto text = page("retrust-runbook.7");
  if (text.empty()) {
    CHECK(std::getenv("RETRUST_TEST_MANUALS") == nullptr);
    return;
  }
  for (const auto& info : all_steps()) {
    check_has(text, ".SS \"" + std::string(info.section) + " " + std::string(info.name) + ": ");
  }
}

TEST_CASE("retrust-transcript(5) has every kind of event") {
  const auto text = page("retrust-transcript.5");
  if (text.empty()) {
    CHECK(std::getenv("RETRUST_TEST_MANUALS") == nullptr);
    return;
  }
  for (const auto& event : schema_of_events()) {
    check_has(text, ".TP\n\\fB" + std::string(event.name) + "\\fR");
  }
}

}  // namespace
}  // namespace retrust
