#include "transcript/run_folder.h"

#include <chrono>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/private_file.h"
#include "base/text.h"

namespace retrust {

RunFolder::RunFolder(const std::filesystem::path& path, Name name, EventSink& events)
    : folder_(name == Name::own ? Folder::create_new(path) : Folder::create(path)),
      backup_(folder_.create_folder("backup")),
      events_(events) {}

std::filesystem::path RunFolder::save(const std::string& name, const boost::json::object& object,
                                      const Remark& remark) {
  auto file_name = fmt::format("{}.json", name);
  for (int number = 2; backup_.contains(file_name); ++number) {
    file_name = fmt::format("{}.{}.json", name, number);
  }
  const auto text = boost::json::serialize(object) + "\n";
  BackupFile file(backup_, file_name);
  file.write(text);
  file.keep();
  auto path = backup_.path_of(file_name);
  const auto sha256 = sha256_hex(text);
  events_.emit(
      {.kind = EventKind::change,
       .section = remark.section,
       .text = fmt::format("saved {} as {}, SHA-256 {}", remark.what, path.string(), sha256),
       .data = record_of(file_name, sha256),
       .weight = remark.weight});
  return path;
}

boost::json::object record_of(const std::string& name, const std::string& sha256) {
  boost::json::object record;
  record["file"] = fmt::format("backup/{}", name);
  record["sha256"] = sha256;
  return record;
}

std::string default_run_folder(std::string_view cluster) {
  std::string name;
  for (const char c : cluster) {
    const auto plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
    name += plain ? c : '_';
  }
  return fmt::format("retrust-{}-{}", name.substr(0, 63),
                     compact_utc_text(std::chrono::system_clock::now()));
}

}  // namespace retrust
