// Processor time that a run's transcripts add: emits the events of a run again and again, with and
// without writers, and prints the difference for one time. Part of scripts/bench; asserts nothing.
//   transcript-cost transcript.jsonl
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stdlib.h>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "transcript/event_table.h"
#include "transcript/writers.h"

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr int times = 40;

std::string text_in(const json::object& line, std::string_view key) {
  const auto* text = line.if_contains(key);
  return text == nullptr || !text->is_string() ? std::string() : std::string(text->as_string());
}

/// Makes an event of that kind where the line is one; its texts and numbers alone.
template <typename Kind>
void read_as(const json::object& line, retrust::Event& event) {
  if (text_in(line, "event") != retrust::table_of<Kind>.name) return;
  Kind what;
  retrust::for_each_member(what, [&](const auto& member, auto& value) {
    using Value = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, std::string> || std::is_same_v<Value, retrust::Advice>) {
      value = text_in(line, member.name);
    } else if constexpr (std::is_same_v<Value, std::int64_t>) {
      if (const auto* number = line.if_contains(member.name))
        value = number->template to_number<Value>();
    }
  });
  event.what = std::move(what);
}

template <typename... Kinds>
void read(const json::object& line, retrust::Event& event, std::variant<Kinds...>) {
  (read_as<Kinds>(line, event), ...);
}

std::vector<retrust::Event> events_of(const char* path) {
  std::ifstream file(path);
  std::vector<retrust::Event> events;
  for (std::string text; std::getline(file, text);) {
    const auto line = json::parse(text).as_object();
    retrust::Event event{.section = text_in(line, "section"), .text = text_in(line, "text")};
    read(line, event, decltype(retrust::Event::what)());
    events.push_back(std::move(event));
  }
  if (events.empty()) throw std::runtime_error(fmt::format("{}: no events", path));
  return events;
}

double processor_milliseconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return ms(used.ru_utime) + ms(used.ru_stime);
}

/// Emits the events as a run does; with writers where there is a folder for them.
void emit(const std::vector<retrust::Event>& events, const std::optional<fs::path>& folder) {
  // As long as a service account token, in the forms in which it is looked for.
  retrust::Redactor redactor;
  for (char form = 'a'; form < 'm'; ++form) redactor.add(std::string(900, form), "‹token›");
  retrust::Events to(redactor);
  if (folder) {
    const auto opened = retrust::Folder::open_or_create(*folder);
    to.add(std::make_shared<retrust::MarkdownWriter>(opened));
    to.add(std::make_shared<retrust::JsonlWriter>(opened));
  }
  for (const auto& event : events) to.emit(event);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw std::runtime_error("give one transcript.jsonl");
    const auto events = events_of(argv[1]);
    auto name = (fs::temp_directory_path() / "transcript-cost-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory " + name);
    const fs::path folder(name);
    for (int i = 0; i < times; ++i) fs::create_directory(folder / std::to_string(i));
    const auto begun = processor_milliseconds();
    for (int i = 0; i < times; ++i) emit(events, folder / std::to_string(i));
    const auto with_writers = processor_milliseconds() - begun;
    for (int i = 0; i < times; ++i) emit(events, std::nullopt);
    const auto without = processor_milliseconds() - begun - with_writers;
    fs::remove_all(folder);
    std::cout << fmt::format("{:.2f} ms for {} events\n", (with_writers - without) / times,
                             events.size());
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "transcript-cost: " << error.what() << "\n";
    return 1;
  }
}
