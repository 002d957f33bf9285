#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sandbox.h"

namespace retrust::e2e {

/// A real docker engine of its own, by scripts/docker-engine, with Rancher's container `rancher` in
/// it, which holds a file of data. Everything is gone with the object.
class Engine {
 public:
  /// `options` of docker run; `image` is retrust/rancher or retrust/plain.
  explicit Engine(std::vector<std::string> options = {},
                  const std::string& image = "retrust/rancher:v2.4.17");
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// What points docker at this engine.
  std::map<std::string, std::string> environment() const { return {{"DOCKER_HOST", host_}}; }
  std::filesystem::path directory() const { return directory_; }

  Result docker(std::vector<std::string> args) const;
  /// `docker run -d --name NAME`; throws where it fails.
  void container(const std::string& name, std::vector<std::string> options,
                 const std::string& image) const;
  /// Runs a shell script in the container; throws where it fails. What it printed.
  std::string in_container(const std::string& script, const std::string& name = "rancher") const;
  /// What is in the container's /tmp, and what works on it.
  std::string left_behind() const;

  /// A docker that does something first where it is asked to copy: a line of shell, with the real
  /// docker as "$docker", and what it is to write as "$file".
  std::string docker_that(const std::string& before_copying) const;

 private:
  void end();

  std::filesystem::path script_;
  std::filesystem::path directory_;
  std::string host_;
  mutable int calls_ = 0;
};

}  // namespace retrust::e2e
