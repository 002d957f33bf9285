// What a transcript holds where the system stops writing.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <doctest/doctest.h>

#include "base/failure.h"
#include "base/folder.h"
#include "base/private_file.h"
#include "base/redactor.h"
#include "base/reserved_room.h"
#include "children.h"
#include "transcript/event.h"
#include "transcript/run_folder.h"
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

/// A sink that takes nothing for a while.
class Sink final : public EventSink {
 public:
  void emit(const Event& event) override {
    if (fails) throw Failure(ExitStatus::refused, "cannot write");
    texts.push_back(event.text);
  }
  bool fails = false;
  std::vector<std::string> texts;
};

TEST_CASE("nothing is shown that no record has, but a failure and the corrected end") {
  const Redactor redactor;
  Events events(redactor);
  const auto shown = std::make_shared<Sink>();
  const auto first = std::make_shared<Sink>();
  const auto second = std::make_shared<Sink>();
  events.add(shown);
  events.add_record(first);
  events.add_record(second);
  events.emit({.what = Finding{}, .text = "found"});
  first->fails = true;
  CHECK_THROWS_AS(events.emit({.what = Change{}, .text = "changing"}), Failure);
  events.emit({.what = FailureTold{}, .text = "failed"});
  CHECK_THROWS_AS(events.emit({.what = RunEnded{}, .text = "Done."}), Failure);
  events.emit({.what = RunEnded{}, .text = "Not done."});
  CHECK(shown->texts == std::vector<std::string>{"found", "failed", "Not done."});
  CHECK(first->texts == std::vector<std::string>{"found"});
  CHECK(second->texts == shown->texts);
}

TEST_CASE("the end that could not be kept is corrected in both transcripts") {
  const test::Folder scratch;
  const auto folder = Folder::create(scratch.path("run"));
  MarkdownWriter document(folder);
  document.emit({.what = RunStarted{}, .text = "retrust run of cluster production"});
  RunEnded good;
  good.head = "Done.";
  RunEnded corrected{1};
  corrected.head = "Done, but not recorded.";
  document.emit({.what = good, .text = "Done."});
  CHECK(content(folder.path_of("transcript.md")).find("Exit status 0") != std::string::npos);
  document.emit({.what = FailureTold{1}, .text = "the transcript has no end"});
  document.emit({.what = corrected, .text = "Done, but not recorded."});
  const auto text = content(folder.path_of("transcript.md"));
  CHECK(text.find("Exit status 0") == std::string::npos);
  CHECK(text.find("Exit status 1") != std::string::npos);
}

TEST_CASE("a change needs the run folder at its path") {
  const test::Folder scratch;
  const RunFolder folder(scratch.path("run"), RunFolder::Name::given);
  FolderGuard guard(folder);
  const Event change{.what = Change{}, .text = "a change"};
  guard.emit(change);
  SUBCASE("deleted") {
    fs::remove_all(scratch.path("run"));
  }
  SUBCASE("moved") {
    fs::rename(scratch.path("run"), scratch.path("elsewhere"));
  }
  SUBCASE("another in its place") {
    fs::rename(scratch.path("run"), scratch.path("elsewhere"));
    fs::create_directories(scratch.path("run/backup"));
  }
  SUBCASE("without its backup") {
    fs::remove(scratch.path("run/backup"));
  }
  CHECK_THROWS_AS(guard.emit(change), Failure);
  CHECK_FALSE(folder.loss().empty());
  guard.emit({.what = RunEnded{}, .text = "Not done."});
}

TEST_CASE("room is reserved without a name, or refused") {
  const test::Folder scratch;
  const auto folder = Folder::create(scratch.path("run"));
  const ReservedRoom room(folder, 4096, "the transcripts");
  CHECK(folder.names(10).empty());
  const LargestFile limit(1024);
  CHECK_THROWS_AS(ReservedRoom(folder, 4096, "the transcripts"), Failure);
}

}  // namespace
}  // namespace retrust
