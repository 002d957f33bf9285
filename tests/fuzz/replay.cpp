#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "credentials/token.h"
#include "fuzz/faithful.h"
#include "fuzz/target.h"

namespace {

namespace fs = std::filesystem;
using retrust::fuzz::all_targets;

constexpr std::string_view usage =
    "usage: fuzz-replay FIXTURES              give every target every input of fixtures/fuzz\n"
    "       fuzz-replay TARGET FILE           give one target one input\n"
    "       fuzz-replay --list                print the names of the targets\n"
    "       fuzz-replay --seeds FIXTURES DIR  write the inputs of each target to DIR/TARGET\n";

struct Input {
  std::string name;
  std::string text;
};

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Inputs in a target's folder, and for targets that read JSON the documents of real API servers.
std::vector<Input> inputs_of(const fs::path& fixtures, std::string_view target) {
  std::vector<Input> inputs;
  for (const auto& entry : fs::directory_iterator(fixtures / "fuzz" / target)) {
    inputs.push_back({entry.path().string(), read_file(entry.path())});
  }
  std::sort(inputs.begin(), inputs.end(),
            [](const Input& a, const Input& b) { return a.name < b.name; });
  for (const std::string_view reads_json : {"json-stream", "json-answer", "cluster"}) {
    if (target != reads_json) continue;
    for (auto& text : retrust::fuzz::faithful_documents(fixtures)) {
      inputs.push_back({"made from fixtures/faithfulness", std::move(text)});
    }
  }
  return inputs;
}

/// The name of what runs stands in front of the message of a crash.
void run(const retrust::fuzz::Target& target, const Input& input) {
  std::cerr << fmt::format("{}: {}\n", target.name, input.name);
  target.run(input.text);
}

/// Every target reads every input: each is hostile to somebody.
void replay(const fs::path& fixtures) {
  std::size_t runs = 0;
  for (const auto& of : all_targets()) {
    const auto inputs = inputs_of(fixtures, of.name);
    if (inputs.empty()) {
      std::cerr << fmt::format("{}: there are no inputs\n", of.name);
      std::exit(1);
    }
    for (const auto& input : inputs) {
      for (const auto& target : all_targets()) {
        run(target, input);
        ++runs;
      }
    }
  }
  std::cout << fmt::format("{} targets, {} runs\n", all_targets().size(), runs);
}

void write_seeds(const fs::path& fixtures, const fs::path& directory) {
  for (const auto& target : all_targets()) {
    fs::create_directories(directory / target.name);
    for (const auto& input : inputs_of(fixtures, target.name)) {
      std::ofstream(directory / target.name / retrust::fingerprint(input.text), std::ios::binary)
          << input.text;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() == 1 && args[0] == "--list") {
    for (const auto& target : all_targets()) std::cout << target.name << '\n';
  } else if (args.size() == 1) {
    replay(args[0]);
  } else if (args.size() == 3 && args[0] == "--seeds") {
    write_seeds(args[1], args[2]);
  } else if (args.size() == 2) {
    for (const auto& target : all_targets()) {
      if (target.name == args[0]) run(target, {args[1], read_file(args[1])});
    }
  } else {
    std::cerr << usage;
    return 2;
  }
  return 0;
}
