#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace retrust::e2e {

/// What `meson install` puts in place, below a folder.
class Installed {
 public:
  explicit Installed(const std::filesystem::path& directory);

  std::filesystem::path bin() const { return in_place("RETRUST_TEST_BINDIR"); }
  std::filesystem::path data() const { return in_place("RETRUST_TEST_DATADIR"); }
  std::filesystem::path manuals() const { return in_place("RETRUST_TEST_MANDIR"); }
  /// Every file and link, as it would be without that folder.
  std::set<std::string> files() const;
  /// Of somebody who has installed it.
  std::map<std::string, std::string> environment() const;

 private:
  std::filesystem::path in_place(const char* variable) const;

  std::filesystem::path root_;
};

}  // namespace retrust::e2e
