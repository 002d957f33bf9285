#include "installed.h"

#include <cstdlib>
#include <stdexcept>

#include "child.h"

namespace retrust::e2e {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set");
  return value;
}

}  // namespace

Installed::Installed(const std::filesystem::path& directory) : root_(directory / "installed") {
  Child child({.command = {"meson", "install", "-C", variable("RETRUST_TEST_BUILD"), "--no-rebuild",
                           "--destdir", root_.string()},
               .directory = directory,
               .name = "install"});
  if (child.wait() != 0) throw std::runtime_error(child.out() + child.err());
}

std::filesystem::path Installed::in_place(const char* name) const {
  return root_.string() + variable(name);
}

std::set<std::string> Installed::files() const {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
    if (entry.is_symlink() || !entry.is_directory()) {
      found.insert(entry.path().string().substr(root_.string().size()));
    }
  }
  return found;
}

std::map<std::string, std::string> Installed::environment() const {
  return {{"PATH", bin().string() + ":" + variable("PATH")},
          {"XDG_DATA_DIRS", data().string() + ":/usr/local/share:/usr/share"}};
}

}  // namespace retrust::e2e
