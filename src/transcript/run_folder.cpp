#include "transcript/run_folder.h"

#include <chrono>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/private_file.h"
#include "base/text.h"

namespace retrust {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// The part of a folder's name before the time.
std::string before_time(std::string_view cluster) {
  constexpr std::size_t most = 63;
  return fmt::format("retrust-{}", file_name_of(cluster, most));
}

}  // namespace

RunFolder::RunFolder(const std::filesystem::path& path, Name name, Content content)
    : folder_(name == Name::own ? Folder::create_new(path) : Folder::create(path)) {
  if (content == Content::run) backup_ = folder_.create_folder("backup");
}

std::string RunFolder::loss() const {
  const auto path = folder_.path().string();
  switch (folder_.whereabouts()) {
    case Folder::Whereabouts::deleted:
      return fmt::format("the run folder {} was deleted", path);
    case Folder::Whereabouts::elsewhere:
      return fmt::format("the run folder {} was moved", path);
    case Folder::Whereabouts::at_its_path:
      break;
  }
  // Without these a rollback finds nothing.
  const auto* needed = backup_ ? "backup" : "summary.jsonl";
  if (folder_.contains(needed)) return {};
  return fmt::format("{} was deleted", folder_.path_of(needed).string());
}

void RunFolder::check_there() const {
  const auto lost = loss();
  if (lost.empty()) return;
  const auto moved = folder_.whereabouts() == Folder::Whereabouts::elsewhere;
  throw Failure(ExitStatus::refused,
                fmt::format("{}{}: retrust changes nothing without it", lost,
                            moved ? "" : ", and with it what retrust saved"),
                "leave a run folder where it is until retrust has ended, and run again");
}

std::filesystem::path RunFolder::save(const std::string& name, const boost::json::object& object,
                                      const Journal& journal, std::string what,
                                      Weight weight) const {
  check_there();
  auto file_name = fmt::format("{}.json", name);
  for (int number = 2; backup_->contains(file_name); ++number) {
    file_name = fmt::format("{}.{}.json", name, number);
  }
  const auto text = boost::json::serialize(object) + "\n";
  BackupFile file(*backup_, file_name);
  file.write(text);
  file.keep();
  auto path = backup_->path_of(file_name);
  journal.saved({std::move(what), path, sha256_hex(text)}, weight);
  return path;
}

void RunFolder::name_after(std::string_view cluster) {
  // The time is that of the first event: "-20261127T100000Z", and perhaps a number.
  const auto present = folder_.path().filename().string();
  const auto time = present.rfind('-', present.rfind('T'));
  if (time == std::string::npos) return;
  constexpr std::size_t length = 17;
  if (!folder_.rename_new(before_time(cluster) + present.substr(time, length))) return;
  if (!backup_) return;
  if (auto moved = folder_.open_folder("backup")) backup_ = std::move(moved);
}

std::string file_name_of(std::string_view cluster, std::size_t most) {
  std::string name;
  for (const char c : cluster.substr(0, most)) {
    name += is_letter_or_digit(c) || c == '-' || c == '_' ? c : '_';
  }
  return name;
}

std::string default_run_folder(std::string_view cluster) {
  return fmt::format("{}-{}", before_time(cluster),
                     compact_utc_text(std::chrono::system_clock::now()));
}

bool names_folder(std::string_view cluster) {
  std::size_t known = 0;
  std::size_t characters = 0;
  auto ascii = true;
  for (const char c : cluster) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_letter_or_digit(c)) ++known;
    if ((byte & 0xC0U) != 0x80U) ++characters;  // no continuation of a character in UTF-8
    if (byte >= 0x80U) ascii = false;
  }
  constexpr std::size_t least = 3;
  return ascii ? known > 0 : known >= least && 2 * known >= characters;
}

}  // namespace retrust
