// What a transcript holds where the system stops writing.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/resource.h>

#include <doctest/doctest.h>

#include "base/failure.h"
#include "base/folder.h"
#include "base/private_file.h"
#include "children.h"
#include "transcript/event.h"
#include "transcript/writers.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// No file grows beyond this size in bytes, as on a full disk.
class LargestFile {
 public:
  explicit LargestFile(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &usual_) == 0);
    const rlimit small{bytes, usual_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  }
  ~LargestFile() {
    ::setrlimit(RLIMIT_FSIZE, &usual_);
    std::signal(SIGXFSZ, SIG_DFL);
  }
  LargestFile(const LargestFile&) = delete;
  LargestFile& operator=(const LargestFile&) = delete;

 private:
  rlimit usual_{};
};

Event note(std::size_t size) {
  return {.what = Finding{}, .text = std::string(size, 'a')};
}

TEST_CASE("a file gets a whole piece or nothing of it") {
  const test::Folder scratch;
  const auto folder = Folder::create(scratch.path("run"));
  PrivateFile file(folder, "file");
  file.write("first line\n");
  {
    const LargestFile limit(15);
    CHECK_THROWS_AS(file.write("second line\n"), Failure);
    CHECK(content(file.path()) == "first line\n");
  }
  file.write("third line\n");
  CHECK(content(file.path()) == "first line\nthird line\n");
}

TEST_CASE("transcript.jsonl never ends in half a line") {
  const test::Folder scratch;
  const auto folder = Folder::create(scratch.path("run"));
  JsonlWriter writer(folder);
  writer.emit(note(100));
  const auto before = content(folder.path_of("transcript.jsonl"));
  {
    const LargestFile limit(before.size() + 50);
    CHECK_THROWS_AS(writer.emit(note(100)), Failure);
  }
  CHECK(content(folder.path_of("transcript.jsonl")) == before);
}

TEST_CASE("transcript.md stays whole where the next one cannot be written") {
  const test::Folder scratch;
  const auto folder = Folder::create(scratch.path("run"));
  MarkdownWriter writer(folder);
  writer.emit({.what = RunStarted{}, .text = "retrust run of cluster production"});
  const auto before = content(folder.path_of("transcript.md"));
  CHECK_FALSE(before.empty());
  writer.emit(note(1000));
  {
    const LargestFile limit(before.size() + 10);
    CHECK_THROWS_AS(writer.emit({.what = Change{}, .text = "a change"}), Failure);
  }
  CHECK(content(folder.path_of("transcript.md")) == before);
  CHECK(folder.names(10) == std::vector<std::string>{"transcript.md"});
}

}  // namespace
}  // namespace retrust
