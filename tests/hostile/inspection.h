#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include <boost/json/value.hpp>

#include "calls.h"
#include "oracles.h"
#include "sandbox.h"
#include "traced.h"

namespace retrust::hostile {

/// The time in which an attacked call must end.
inline constexpr std::chrono::seconds longest{60};

/// Judges what one call of retrust left, part by part, and collects complaints.
class Inspection {
 public:
  /// `secrets` are the forms that nothing may
  /// show. The sandbox must outlive this.
  Inspection(Command command, e2e::Sandbox& sandbox, std::set<std::string> secrets)
      : command_(std::move(command)), sandbox_(sandbox), secrets_(std::move(secrets)) {}

  /// Exit status, time and memory.
  void end(const Ended& ended);
  /// An output or transcript: its size, and that it holds no secret and no text that deceives.
  void output(const std::string& name, const std::filesystem::path& path);
  void json_output(const std::filesystem::path& path);
  /// What get-token printed: a token, or nothing where it failed.
  void token_output(const std::filesystem::path& path, int status);
  /// The arguments of each program, as recording ones left them in a folder. `files` may be named.
  void arguments(const std::filesystem::path& folder, const std::set<std::string>& files);
  /// What the clusters were asked to change, after that many earlier requests.
  void changes(int status, std::size_t earlier);
  /// Rancher may only have been given what can be a token and a CA.
  void record(const boost::json::value& dump);
  /// That no file was written or left that should not be; `before` was in the trap.
  void files(const std::string& trap, const std::string& before);

  std::size_t largest_transcript() const { return largest_; }
  std::size_t largest_output() const { return largest_output_; }
  const Complaints& complaints() const { return complaints_; }

 private:
  void complain(const std::string& kind, const std::string& what);

  Command command_;
  e2e::Sandbox& sandbox_;
  std::set<std::string> secrets_;
  std::set<std::string> seen_;
  std::size_t largest_ = 0;
  std::size_t largest_output_ = 0;
  Complaints complaints_;
};

}  // namespace retrust::hostile
