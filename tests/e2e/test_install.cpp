// What `meson install` puts in place, and that it works from there.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "installed.h"
#include "sandbox.h"

namespace retrust::e2e {
namespace {

std::string output_of(const Installed& installed, const Sandbox& sandbox,
                      const std::vector<std::string>& command,
                      std::map<std::string, std::string> environment = {}) {
  environment.merge(installed.environment());
  environment["HOME"] = (sandbox.directory() / "home").string();
  Child child({.command = command,
               .environment = environment,
               .directory = sandbox.directory(),
               .name = "installed-program"});
  CAPTURE(command.front());
  CHECK(child.wait() == 0);
  CHECK(child.err() == "");
  return child.out();
}

/// The files that relative links of a Markdown file name, from the folder of README.md.
std::set<std::string> linked_files(const std::filesystem::path& documents,
                                   const std::string& document) {
  const auto text = read_file(documents / document);
  const std::regex link(R"(\]\(([^)#:]+)(#[^)]*)?\))");
  std::set<std::string> found;
  for (std::sregex_iterator each(text.begin(), text.end(), link), end; each != end; ++each) {
    const auto folder = std::filesystem::path(document).parent_path();
    found.insert((folder / (*each)[1].str()).lexically_normal().string());
  }
  return found;
}

TEST_CASE("links of the installed README lead to installed files") {
  Sandbox sandbox({"--scenario", "healthy"});
  const Installed installed(sandbox.directory());
  const auto documents = installed.data() / "doc" / "retrust";
  std::set<std::string> reached{"README.md"};
  std::vector<std::string> unread(reached.begin(), reached.end());
  while (!unread.empty()) {
    const auto document = unread.back();
    unread.pop_back();
    for (const auto& file : linked_files(documents, document)) {
      CAPTURE(document);
      CAPTURE(file);
      const auto leads_somewhere = std::filesystem::is_regular_file(documents / file);
      CHECK(leads_somewhere);
      if (reached.insert(file).second && leads_somewhere && file.ends_with(".md")) {
        unread.push_back(file);
      }
    }
  }
  CHECK(reached.size() > 10);
  const auto place = std::string(std::getenv("RETRUST_TEST_DATADIR")) + "/doc/retrust/";
  for (const auto& file : installed.files()) {
    CAPTURE(file);
    // What no link leads to is no document for a user.
    if (file.starts_with(place)) CHECK(reached.contains(file.substr(place.size())));
  }
}

TEST_CASE("what is needed is installed, nothing else is, and it works") {
  Sandbox sandbox({"--scenario", "healthy"});
  const Installed installed(sandbox.directory());
  const std::string bin = std::getenv("RETRUST_TEST_BINDIR");
  const std::string data = std::getenv("RETRUST_TEST_DATADIR");
  const std::string manuals = std::getenv("RETRUST_TEST_MANDIR");
  // zsh reads other folders of packages than of /usr/local.
  const auto* zsh = data == "/usr/share" ? "/zsh/vendor-completions" : "/zsh/site-functions";
  auto files = installed.files();
  std::erase_if(files, [&](const auto& file) { return file.starts_with(data + "/doc/retrust/"); });
  CHECK(files == std::set<std::string>{
                     bin + "/kubectl-retrust",
                     bin + "/kubectl_complete-retrust",
                     bin + "/retrust",
                     bin + "/retrust-sandbox",
                     data + "/bash-completion/completions/retrust",
                     data + "/fish/vendor_completions.d/retrust.fish",
                     data + zsh + "/_retrust",
                     manuals + "/man1/kubectl-retrust.1",
                     manuals + "/man1/kubectl_complete-retrust.1",
                     manuals + "/man1/retrust-sandbox.1",
                     manuals + "/man1/retrust.1",
                     manuals + "/man5/retrust-transcript.5",
                     manuals + "/man7/retrust-runbook.7",
                 });

  const auto version = output_of(installed, sandbox, {"retrust", "--version"});
  CHECK(version.starts_with("retrust "));
  const char* given = std::getenv("RETRUST_TEST_KUBECTL");
  const std::string kubectl = given == nullptr ? "kubectl" : given;
  CHECK(output_of(installed, sandbox, {kubectl, "retrust", "--version"}) == version);
  CHECK(output_of(installed, sandbox, {kubectl, "retrust", "help"})
            .starts_with("Usage: kubectl retrust COMMAND"));

  const std::map<std::string, std::string> plain{{"MANWIDTH", "80"}, {"LC_ALL", "C.UTF-8"}};
  for (const std::string page : {"man1/retrust.1", "man1/retrust-sandbox.1",
                                 "man5/retrust-transcript.5", "man7/retrust-runbook.7"}) {
    const auto file = (installed.manuals() / page).string();
    const auto text = output_of(installed, sandbox, {"man", "--warnings", "-l", file}, plain);
    CAPTURE(page);
    CHECK(text.find("NAME\n") != std::string::npos);
  }
}

}  // namespace
}  // namespace retrust::e2e
