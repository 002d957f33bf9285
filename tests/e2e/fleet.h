#pragma once

#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"
#include "transcript/schema.h"

namespace retrust::e2e {

/// A call for the clusters behind all kubeconfigs of the sandbox.
inline Sandbox::Call call_for_all(const Sandbox& sandbox, std::vector<std::string> args) {
  return {
      .args = std::move(args), .kubeconfig = sandbox.file("kubeconfigs"), .without = {"--cluster"}};
}

/// A run of all clusters that needs no backup and no answer.
inline Sandbox::Call run_of_all(const Sandbox& sandbox, std::vector<std::string> more = {}) {
  std::vector<std::string> args{"run", "--all-clusters", "--yes", "--no-rancher-backup"};
  args.insert(args.end(), more.begin(), more.end());
  return call_for_all(sandbox, std::move(args));
}

inline std::vector<boost::json::object> json_lines(const std::string& text) {
  std::vector<boost::json::object> lines;
  for (const auto& line : lines_of(text)) lines.push_back(boost::json::parse(line).as_object());
  return lines;
}

/// The lines of summary.jsonl about a cluster's end, by display name.
inline std::map<std::string, boost::json::object> ends(const std::filesystem::path& folder) {
  std::map<std::string, boost::json::object> found;
  for (auto& line : json_lines(read_file(folder / "summary.jsonl"))) {
    CHECK(against_schema(line).empty());
    if (line.at("event") == "cluster_ended") found[text(line, "/name")] = line;
  }
  return found;
}

}  // namespace retrust::e2e
