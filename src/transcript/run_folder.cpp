#include "transcript/run_folder.h"

#include <chrono>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/private_file.h"
#include "base/text.h"

namespace retrust {

RunFolder::RunFolder(const std::filesystem::path& path, Name name)
    : folder_(name == Name::own ? Folder::create_new(path) : Folder::create(path)),
      backup_(folder_.create_folder("backup")) {}

std::filesystem::path RunFolder::save(const std::string& name, const boost::json::object& object,
                                      const Journal& journal, std::string what,
                                      Weight weight) const {
  auto file_name = fmt::format("{}.json", name);
  for (int number = 2; backup_.contains(file_name); ++number) {
    file_name = fmt::format("{}.{}.json", name, number);
  }
  const auto text = boost::json::serialize(object) + "\n";
  BackupFile file(backup_, file_name);
  file.write(text);
  file.keep();
  auto path = backup_.path_of(file_name);
  journal.saved({std::move(what), path, sha256_hex(text)}, weight);
  return path;
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
