#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "sandbox.h"

namespace retrust::faults {

/// The name of an object that is the same in each sandbox: without random parts.
std::string general_name(const boost::json::value& object);
/// Objects of one dump that another has not, or otherwise, by their general names; without those
/// that are new.
std::set<std::string> differing(const boost::json::value& before, const boost::json::value& after);

/// How a call of retrust ended.
struct End {
  int status = -1;
  std::string out = {};
  std::string err = {};
  std::filesystem::path run_folder = {};  ///< empty where the call makes none
  enum class Killed { no, yes } killed = Killed::no;
  /// Whether the fault is about the output or the transcript itself.
  enum class Written { all, perhaps_not } written = Written::all;
};

/// What is wrong with status, final message and transcript together. `changed`: what was changed in
/// the clusters, that counts as a change.
std::vector<std::string> untruths(const End& end, const std::string& command,
                                  const std::vector<std::string>& changed);
/// Changes since that many requests which the table of exit statuses means.
std::vector<std::string> counting_changes(const e2e::Sandbox& sandbox, std::size_t earlier);
/// Files below a folder, and in shared memory, that hold a secret, except files that may.
std::vector<std::string> files_with(const std::set<std::string>& secrets,
                                    const e2e::Sandbox& sandbox);
/// What is in /tmp of the played container.
std::vector<std::string> archives_in_container(const e2e::Sandbox& sandbox);
/// Programs that are still there and got that word in their environment; waits for their end.
std::vector<std::string> left_over(const std::string& word);

}  // namespace retrust::faults
