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

#include "transcript/event.h"
#include "transcript/schema.h"
#include "transcript/writers.h"

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr int times = 40;

retrust::EventKind kind_of(const std::string& name) {
  constexpr auto last = static_cast<int>(retrust::EventKind::run_ended);
  for (auto number = 0; number <= last; ++number) {
    const auto kind = static_cast<retrust::EventKind>(number);
    if (retrust::name_of(kind) == name) return kind;
  }
  throw std::runtime_error("there is no event " + name);
}

std::vector<retrust::Event> events_of(const char* path) {
  std::ifstream file(path);
  std::vector<retrust::Event> events;
  for (std::string line; std::getline(file, line);) {
    auto data = json::parse(line).as_object();
    const auto taken = [&](const char* key) {
      const auto* text = data.if_contains(key);
      std::string value(text == nullptr ? "" : std::string_view(text->as_string()));
      data.erase(key);
      return value;
    };
    retrust::Event event{.kind = kind_of(taken("event"))};
    event.section = taken("section");
    event.text = taken("text");
    data.erase("version");
    data.erase("time");
    event.data = std::move(data);
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
