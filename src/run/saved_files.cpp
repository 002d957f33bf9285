#include "run/saved_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/json_stream.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr const char* transcript = "transcript.jsonl";
constexpr std::string_view backup_prefix = "backup/";

[[noreturn]] void refuse(std::string what, Advice advice) {
  throw Failure(ExitStatus::refused, std::move(what), std::move(advice));
}

json::value parsed(std::string_view text, const std::string& what, Advice advice) {
  try {
    return parse_document(text);
  } catch (const std::exception& error) {
    refuse(fmt::format("{} cannot be read: {}", what, reason_of(error)), std::move(advice));
  }
}

Folder opened(const fs::path& path) {
  auto folder = Folder::open(path);
  if (folder && folder->contains("backup")) return *folder;
  throw Failure(ExitStatus::usage,
                fmt::format("{} is no folder of a run: there is no backup in it", path.string()),
                "give the folder that the run named at its end (retrust-CLUSTER-TIME)");
}

/// Adds the SHA-256 of a file under backup/ from a line of the transcript.
void add_record(std::string_view line, const fs::path& path,
                std::map<std::string, DisplayText>& records) {
  // Most lines hold no SHA-256, and are not parsed.
  if (line.find("\"sha256\"") == std::string_view::npos) return;
  const auto event =
      parsed(line, fmt::format("a line of {}", path.string()),
             "no changes were made: without that file the backup cannot be verified; use a copy of "
             "the folder as the run left it");
  const auto file = text_at(event, "/file");
  if (text_at(event, "/event") != "change" || !file.starts_with(backup_prefix)) return;
  // The first record of a name counts. retrust uses no name twice.
  records.emplace(file.substr(backup_prefix.size()), text_at(event, "/sha256"));
}

/// Reads a transcript line by line, keeping one line at a time.
std::map<std::string, DisplayText> read_records(const Descriptor& file, const fs::path& path) {
  constexpr std::size_t most_in_line = 1024UL * 1024;
  constexpr std::size_t most_bytes = 256UL * 1024 * 1024;
  std::map<std::string, DisplayText> records;
  std::string rest;
  std::array<char, 65536> piece;
  for (std::size_t total = 0;;) {
    const auto got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      refuse(fmt::format("{} cannot be read: {}", path.string(), std::strerror(errno)),
             "no changes were made");
    }
    // A last line without an end is from a killed run, and announces a change that was not made.
    if (got == 0) return records;
    total += static_cast<std::size_t>(got);
    rest.append(piece.data(), static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', begin)) {
      add_record(std::string_view(rest).substr(begin, end - begin), path, records);
      begin = end + 1;
    }
    rest.erase(0, begin);
    if (rest.size() > most_in_line || total > most_bytes ||
        records.size() > SavedFiles::most_files) {
      refuse(fmt::format("{} is larger than any that retrust writes", path.string()),
             {"no changes were made; see what is in the file", "head -c 1000 " + operand(path)});
    }
  }
}

std::map<std::string, DisplayText> records_of(const Folder& folder) {
  const auto path = folder.path_of(transcript);
  const auto file = folder.open_file(transcript);
  if (file) return read_records(*file, path);
  refuse(fmt::format("{} is missing: the backup cannot be verified", path.string()),
         "no changes were made; use a copy of the folder as the run left it");
}

}  // namespace

SavedFiles::SavedFiles(const fs::path& run_folder)
    : folder_(opened(run_folder)),
      backup_(folder_.open_folder("backup").value()),
      records_(records_of(folder_)) {}

std::vector<std::string> SavedFiles::beginning_with(std::string_view prefix) const {
  auto files = backup_.names(most_files);
  std::erase_if(files, [&](const std::string& name) {
    return !name.starts_with(prefix) || !name.ends_with(".json");
  });
  // The order is x.json, x.2.json, … x.10.json.
  std::sort(files.begin(), files.end(), [](const std::string& a, const std::string& b) {
    return std::pair(a.size(), a) < std::pair(b.size(), b);
  });
  return files;
}

void SavedFiles::compare(const std::string& name, std::string_view content) const {
  if (!has_records()) return;
  const auto path = backup_.path_of(name).string();
  const Advice advice(
      "no changes were made; use a copy of the folder as the run left it; see what is "
      "there now",
      "sha256sum " + operand(path));
  const auto record = records_.find(name);
  if (record == records_.end()) {
    refuse(fmt::format("{} is not a file that the run saved: its transcript does not list the file",
                       path),
           advice);
  }
  if (record->second == sha256_hex(content)) return;
  refuse(fmt::format("{} was modified after the run saved it: its SHA-256 is {}, and {} in the "
                     "run's transcript",
                     path, sha256_hex(content), record->second),
         advice);
}

json::value SavedFiles::read(const std::string& name) const {
  const auto path = backup_.path_of(name);
  const auto file = backup_.open_file(name);
  if (!file) refuse(fmt::format("{} is gone", path.string()), "no changes were made; run again");
  const auto content = read_all(*file, path, most_bytes);
  compare(name, content);
  return parsed(content, path.string(), "no changes were made; is it what a run of retrust saved?");
}

}  // namespace retrust
