#include "after.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <regex>
#include <thread>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

namespace retrust::faults {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// Objects by name, without what says no more than that they were written.
std::map<std::string, json::value> by_name(const json::value& dump, const std::string& server) {
  std::map<std::string, json::value> found;
  for (const auto& object : dump.at(server).as_array()) {
    auto copy = object.as_object();
    auto& about = copy["metadata"].as_object();
    about.erase("resourceVersion");
    about.erase("managedFields");
    const auto key = e2e::text(object, "/kind") + " " + e2e::text(object, "/metadata/namespace") +
                     "/" + e2e::text(object, "/metadata/name") + " " +
                     e2e::text(object, "/metadata/uid");
    found[key] = std::move(copy);
  }
  return found;
}

/// The status that a transcript says the run ended with; -1 where it says none.
int told_status(const std::string& jsonl, std::vector<std::string>& wrong) {
  int status = -1;
  for (const auto& line : e2e::lines_of(jsonl)) {
    boost::system::error_code no_json;
    const auto event = json::parse(line, no_json);
    if (no_json) {
      wrong.push_back("transcript: a line of transcript.jsonl is no JSON");
      continue;
    }
    if (e2e::text(event, "/event") != "run_ended") continue;
    if (status >= 0) wrong.push_back("transcript: it ended twice");
    status = static_cast<int>(event.at("status").to_number<int>());
  }
  return status;
}

bool is_defined(int status, const std::string& command) {
  static const std::set<int> always{0, 1, 2, 4, 5, 6, 7};
  static const std::set<std::string> compares{"status", "plan", "list", "check-cluster"};
  return always.contains(status) || (status == 3 && compares.contains(command));
}

}  // namespace

std::string general_name(const json::value& object) {
  // The API server makes names without vowels: apimachinery pkg/util/rand/rand.go (alphanums).
  static const std::regex random("(-[a-f0-9]{8,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}(?=-|$)");
  const auto kind = e2e::text(object, "/kind");
  const auto name = e2e::text(object, "/metadata/name");
  // Those of clusters are not made up, and one of them is somebody else's.
  return kind + " " + e2e::text(object, "/metadata/namespace") + "/" +
         (kind == "Cluster" ? name : std::regex_replace(name, random, "-#"));
}

std::set<std::string> differing(const json::value& before, const json::value& after) {
  std::set<std::string> found;
  for (const auto* server : {"downstream", "local"}) {
    const auto now = by_name(after, server);
    for (const auto& [key, object] : by_name(before, server)) {
      const auto same = now.find(key);
      if (same == now.end() || same->second != object) {
        found.insert(std::string(server) + " " + general_name(object));
      }
    }
  }
  return found;
}

std::vector<std::string> counting_changes(const e2e::Sandbox& sandbox, std::size_t earlier) {
  std::vector<std::string> found;
  const auto requests = sandbox.requests();
  for (auto at = earlier; at < requests.size(); ++at) {
    const auto& request = requests[at];
    const auto verb = e2e::text(request, "/verb");
    const auto resource = e2e::text(request, "/resource");
    const auto* code = request.as_object().if_contains("code");
    if (verb == "get" || verb == "list" || verb == "watch" || has(resource, "reviews.")) continue;
    if (e2e::text(request, "/user") == "rancher") continue;
    if (resource.starts_with("backups.") || resource.starts_with("leases.")) continue;
    if (code != nullptr && code->to_number<int>() >= 400) continue;
    found.push_back(fmt::format("{} {} {} {}", e2e::text(request, "/server"), verb, resource,
                                e2e::text(request, "/name")));
  }
  return found;
}

std::vector<std::string> untruths(const End& end, const std::string& command,
                                  const std::vector<std::string>& changed) {
  std::vector<std::string> wrong;
  const auto killed = end.killed == End::Killed::yes;
  const auto written = end.written == End::Written::all;
  const auto tail = [&] {
    auto lines = e2e::lines_of(end.err.empty() ? end.out : end.err);
    return lines.empty() ? std::string("nothing was printed") : lines.back().substr(0, 160);
  };
  if (killed ? end.status != 128 + 9 : !is_defined(end.status, command)) {
    wrong.push_back(fmt::format("status: {}: {}", end.status, tail()));
  }
  static const std::set<int> without_change{2, 4, 6, 7};
  if (!changed.empty() && without_change.contains(end.status)) {
    wrong.push_back(
        fmt::format("status: {} after the change {}: {}", end.status, changed.front(), tail()));
  }
  const auto all = end.out + end.err;
  for (const auto* each : {"terminate called", "Sanitizer", "Assertion", "runtime error:"}) {
    if (has(all, each)) wrong.push_back(fmt::format("status: {}", tail()));
  }
  const auto endings = count_of(all, " Exit status ");
  const auto failures = count_of("\n" + end.err, "\nretrust: ");
  const auto reads = command == "status" || command == "plan" || command == "get-token";
  if (endings > 1) wrong.push_back(fmt::format("message: {} final messages", endings));
  const auto told = fmt::format(" Exit status {}.", end.status);
  if (endings == 1 && !killed && !has(all, told)) {
    wrong.push_back(fmt::format("message: it is not that of status {}", end.status));
  }
  if (killed && endings == 1) {
    // It came to its end before the signal.
  } else if (!killed && written && !reads && endings == 0 && failures != 1) {
    wrong.push_back(fmt::format("message: {} failures and no final message, status {}: {}",
                                failures, end.status, tail()));
  } else if (!killed && written && reads && end.status != 0 && end.status != 3 && failures != 1) {
    wrong.push_back(
        fmt::format("message: {} failures, status {}: {}", failures, end.status, tail()));
  }
  // A folder that the final message names must be there.
  const auto transcript = all.find("Transcript: ");
  if (transcript != std::string::npos) {
    const auto begin = transcript + 12;
    const fs::path named(all.substr(begin, all.find('\n', begin) - begin));
    if (!fs::exists(named)) wrong.push_back("message: there is no " + named.filename().string());
  }
  if (end.run_folder.empty() || !fs::exists(end.run_folder / "transcript.jsonl")) return wrong;
  const auto jsonl = e2e::read_file(end.run_folder / "transcript.jsonl");
  const auto markdown = e2e::read_file(end.run_folder / "transcript.md");
  const auto status = told_status(jsonl, wrong);
  const auto half = !jsonl.empty() && !jsonl.ends_with('\n');
  const auto ended = std::regex_search(markdown, std::regex("Exit status [0-9]+\\."));
  if (killed) return wrong;
  if (half && written) wrong.push_back("transcript: transcript.jsonl ends in half a line");
  if (status >= 0 && status != end.status) {
    wrong.push_back(
        fmt::format("transcript: it says {}, and the status is {}", status, end.status));
  }
  if (status < 0 && written) wrong.push_back("transcript: transcript.jsonl has no end");
  if (written && (!ended || has(markdown, "**Not ended.**"))) {
    wrong.push_back("transcript: transcript.md has no end");
  }
  if (ended && !has(markdown, told))
    wrong.push_back("transcript: transcript.md has another status");
  return wrong;
}

std::vector<std::string> files_with(const std::set<std::string>& secrets,
                                    const e2e::Sandbox& sandbox) {
  std::vector<std::string> found;
  const auto look_at = [&](const fs::path& path) {
    const auto content = e2e::read_file(path);
    const auto held = std::any_of(secrets.begin(), secrets.end(),
                                  [&](const std::string& each) { return has(content, each); });
    if (held) found.push_back(path.string());  // and never which
  };
  const auto below = [&](const fs::path& folder, const std::set<fs::path>& without) {
    std::error_code gone;
    for (fs::recursive_directory_iterator at(folder, gone), end; at != end; at.increment(gone)) {
      if (without.contains(at->path()) || at->path().filename() == "backup") {
        at.disable_recursion_pending();
      } else if (at->is_regular_file(gone) && at->path().extension() != ".kubeconfig") {
        look_at(at->path());
      }
    }
  };
  below(sandbox.directory(), {sandbox.directory() / "sandbox", sandbox.directory() / "docker"});
  below("/dev/shm", {});
  return found;
}

std::vector<std::string> archives_in_container(const e2e::Sandbox& sandbox) {
  std::vector<std::string> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(sandbox.directory() / "docker" / "tmp", none)) {
    found.push_back(entry.path().filename().string());
  }
  return found;
}

std::vector<std::string> left_over(const std::string& word) {
  std::vector<std::string> found;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{8};
  do {
    found.clear();
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator("/proc", gone)) {
      const auto name = entry.path().filename().string();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      if (!has(e2e::read_file(entry.path() / "environ"), word)) continue;
      auto line = e2e::read_file(entry.path() / "cmdline");
      std::replace(line.begin(), line.end(), '\0', ' ');
      // A watch in the played container ends by itself, and with the watch what passes its output.
      if (has(line, " --request-timeout=") || has(line, "/docker/exec-")) continue;
      if (!line.empty()) found.push_back(line.substr(0, 200));
    }
    if (found.empty()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  } while (std::chrono::steady_clock::now() < end);
  return found;
}

}  // namespace retrust::faults
