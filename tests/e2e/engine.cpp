#include "engine.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <stdlib.h>

#include "child.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

fs::path new_directory() {
  auto pattern = (fs::temp_directory_path() / "retrust-engine-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no directory");
  return pattern;
}

fs::path engine_script() {
  const char* script = std::getenv("RETRUST_TEST_ENGINE");
  if (script == nullptr) throw std::runtime_error("RETRUST_TEST_ENGINE is not set");
  return script;
}

}  // namespace

Engine::Engine(std::vector<std::string> options, const std::string& image)
    : script_(engine_script()), directory_(new_directory()) {
  const auto call = [&](std::vector<std::string> args, const std::string& name) {
    args.insert(args.begin(), script_.string());
    Child child({.command = std::move(args),
                 .environment = {{"DOCKER_HOST", host_}},
                 .directory = directory_,
                 .name = name});
    if (child.wait() != 0) throw std::runtime_error("docker-engine: " + child.err());
    return lines_of(child.out());
  };
  host_ = call({"up", (directory_ / "engine").string()}, "up").at(0);
  try {
    call({"images"}, "images");
    container("rancher", std::move(options), image);
    in_container("mkdir -p /var/lib/rancher; echo state >/var/lib/rancher/state.db");
  } catch (...) {
    end();
    throw;
  }
}

Engine::~Engine() {
  end();
}

void Engine::end() {
  try {
    Child child({.command = {script_.string(), "down", (directory_ / "engine").string()},
                 .environment = {},
                 .directory = directory_,
                 .name = "down"});
    child.wait();
  } catch (const std::exception&) {
    // Its processes are told of by the script; nobody here can do more.
  }
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

Result Engine::docker(std::vector<std::string> args) const {
  args.insert(args.begin(), "docker");
  Child child({.command = std::move(args),
               .environment = environment(),
               .directory = directory_,
               .name = "docker-" + std::to_string(++calls_)});
  const auto status = child.wait();
  return {status, child.out(), child.err()};
}

void Engine::container(const std::string& name, std::vector<std::string> options,
                       const std::string& image) const {
  options.insert(options.begin(), {"run", "-d", "--name", name});
  if (std::find(options.begin(), options.end(), "--network") == options.end()) {
    options.insert(options.end(), {"--network", "none"});
  }
  // A process that ends when it is told to: as process 1 it would not by itself.
  options.insert(options.end(), {"--init", image, "sleep", "100000"});
  const auto result = docker(std::move(options));
  if (result.status != 0) throw std::runtime_error(result.err);
}

std::string Engine::in_container(const std::string& script, const std::string& name) const {
  const auto result = docker({"exec", name, "sh", "-c", script});
  if (result.status != 0) throw std::runtime_error(result.all());
  return result.out;
}

std::string Engine::left_behind() const {
  return in_container("ls /tmp; ps -o args | grep -E '[t]ar zcvf|[s]tat -c' || true");
}

std::string Engine::docker_that(const std::string& before_copying) const {
  const auto path = directory_ / "docker-with-trouble";
  write_file(path,
             "#!/bin/sh\n"
             "docker=docker\n"
             "if [ \"$1\" = cp ]; then\n  file=$3/$(basename \"$2\")\n  " +
                 before_copying + "\nfi\nexec docker \"$@\"\n");
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

}  // namespace retrust::e2e
