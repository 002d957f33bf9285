#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "credentials/encoding.h"
#include "runbook/parse.h"
#include "runbook/run_folder.h"
#include "transcript/event.h"
#include "transcript/failure.h"
#include "transcript/near.h"
#include "transcript/redactor.h"
#include "transcript/text.h"
#include "transcript/writers.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;

/// Keeps what it is given.
class Listener final : public EventSink {
 public:
  void emit(const Event& event) override { events.push_back(event); }
  std::vector<Event> events;
};

fs::path fresh_directory() {
  auto pattern = (fs::temp_directory_path() / "retrust-unit-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  return pattern;
}

TEST_CASE("text for terminals") {
  CHECK(printable("plain\ttext\nÄ ‹›") == "plain\ttext\nÄ ‹›");
  CHECK(printable("\x1b]0;title\x07") == "?]0;title?");
  CHECK(printable("\x7f\r") == "??");
  CHECK(printable("\xc2\x9b") == "?");            // C1: CSI in eight bits
  CHECK(printable("\xff\xc3") == "??");           // not UTF-8
  CHECK(printable("\xe2\x80\xaetxt") == "?txt");  // right-to-left override
  CHECK(printable("\xc0\xaf") == "??");           // overlong
  CHECK(one_line("a\nb\tc\n") == "a b c");
  CHECK(split_lines("a\n\nb") == std::vector<std::string>{"a", "", "b"});
  CHECK(split_lines("").empty());
}

TEST_CASE("shell lines can be typed") {
  CHECK(shell_line({"kubectl", "-n", "cattle-system"}) == "kubectl -n cattle-system");
  CHECK(shell_line({"a b", "it's", "", "$x", "jsonpath={.data.token}"}) ==
        R"('a b' 'it'\''s' '' '$x' 'jsonpath={.data.token}')");
}

TEST_CASE("small words") {
  CHECK(counted(1, "pod") == "1 pod");
  CHECK(counted(2, "pod") == "2 pods");
  CHECK(enumerated({"a", "b", "c"}) == "a, b and c");
  CHECK(duration_text(std::chrono::milliseconds{450}) == "0.4 s");
  CHECK(duration_text(std::chrono::seconds{75}) == "1 min 15 s");
  CHECK(near_ones("prodution", {"production", "staging", "local"}) ==
        std::vector<std::string>{"production"});
  CHECK(near_ones("zzz", {"production"}).empty());
}

TEST_CASE("a token is masked in every form in which it could show") {
  const std::string token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJlLXBhcnQ";
  Redactor redactor;
  keep_secret(redactor, token);
  std::vector<std::string> forms{token, base64_encode(token)};
  for (std::size_t begin = 0; begin < token.size();) {
    const auto end = std::min(token.find('.', begin), token.size());
    forms.push_back(token.substr(begin, end - begin));
    begin = end + 1;
  }
  REQUIRE(forms.size() == 5);
  for (const auto& form : forms) {
    CAPTURE(form);
    const auto masked = redactor.mask("before " + form + " after");
    CHECK(masked.find(form) == std::string::npos);
    CHECK(masked.starts_with("before ‹token sha256:"));
    CHECK(masked.ends_with("› after"));
  }
  // The whole is one mask, not one for each part.
  CHECK(redactor.mask(token).find('.') == std::string::npos);
  CHECK(redactor.mask("nothing secret") == "nothing secret");
}

TEST_CASE("a token is masked within other base64, and where that is wrapped") {
  const std::string token =
      "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIiwic3ViIjoic3lzdGVtOnNlcnZpY2VhY2NvdW50In0."
      "c2lnbmF0dXJlLXBhcnQtb2YtdGhlLXRva2Vu";
  Redactor redactor;
  keep_secret(redactor, token);
  for (const std::string before : {"", "a", "ab", "abc"}) {
    for (const std::string after : {"", "x", "xy", "xyz"}) {
      CAPTURE(before);
      CAPTURE(after);
      const auto whole = base64_encode(before + token + after);
      const auto masked = redactor.mask(whole);
      // A digit or two at either end belong to what is beside it.
      CHECK(masked.find("‹token sha256:") != std::string::npos);
      CHECK(masked.size() < before.size() + after.size() + 40);
    }
  }
  const auto encoded = base64_encode(token);
  for (const std::size_t columns : {76U, 64U}) {
    std::string wrapped;
    for (std::size_t begin = 0; begin < encoded.size(); begin += columns) {
      wrapped += encoded.substr(begin, columns) + "\n";
    }
    const auto masked = redactor.mask(wrapped);
    for (std::size_t begin = 0; begin < encoded.size(); begin += columns) {
      CHECK(masked.find(encoded.substr(begin, columns)) == std::string::npos);
    }
  }
}

TEST_CASE("short texts are no secrets: they would tear holes into everything") {
  Redactor redactor;
  redactor.add("yes", "‹›");
  CHECK(redactor.mask("yes") == "yes");
}

TEST_CASE("events are masked and cleaned on their way to every sink") {
  Redactor redactor;
  redactor.add("very-secret-thing", "‹x›");
  const auto listener = std::make_shared<Listener>();
  Events events(redactor);
  events.add(listener);
  boost::json::object data;
  data["output"] = "a very-secret-thing\x1b";
  data["list"] = boost::json::array{"very-secret-thing"};
  events.emit({.kind = EventKind::finding, .text = "is very-secret-thing", .data = data});
  REQUIRE(listener->events.size() == 1);
  CHECK(listener->events[0].text == "is ‹x›");
  CHECK(listener->events[0].data.at("output") == "a ‹x›?");
  CHECK(listener->events[0].data.at("list").at(0) == "‹x›");
}

TEST_CASE("content cannot break out of a transcript's code block") {
  boost::json::object data;
  data["output"] = "```\n# Result\n````` more";
  const auto text =
      markdown({.kind = EventKind::command_ended, .text = "exit status 0", .data = data},
               std::chrono::system_clock::time_point{});
  CHECK(text.find("\n``````\n```\n# Result\n````` more\n``````\n") != std::string::npos);
  const auto finding = markdown({.kind = EventKind::finding, .text = "<b>a</b> `b` [c](d) *e*"},
                                std::chrono::system_clock::time_point{});
  CHECK(finding == "- \\<b\\>a\\</b\\> \\`b\\` \\[c\\](d) \\*e\\*\n");
}

TEST_CASE("lines of transcript.jsonl") {
  boost::json::object data;
  data["name"] = "get-token";
  const auto line =
      json_line({.kind = EventKind::step_started, .section = "2.3", .text = "why", .data = data},
                std::chrono::system_clock::time_point{});
  CHECK(line ==
        R"({"version":1,"time":"1970-01-01T00:00:00.000Z","event":"step_started","section":"2.3",)"
        R"("text":"why","name":"get-token"})");
}

TEST_CASE("a run folder is private, and nothing in it is overwritten") {
  const auto directory = fresh_directory();
  RunFolder folder(directory / "run");
  boost::json::object first;
  first["a"] = 1;
  boost::json::object second;
  second["a"] = 2;
  const auto one = folder.save("clusters-c-x7k2p", first);
  const auto two = folder.save("clusters-c-x7k2p", second);
  CHECK(one != two);
  std::ostringstream text;
  text << std::ifstream(one).rdbuf();
  CHECK(boost::json::parse(text.str()) == first);
  struct ::stat state {};
  REQUIRE(::stat(one.c_str(), &state) == 0);
  CHECK((state.st_mode & 0777U) == 0600U);
  REQUIRE(::stat(folder.path().c_str(), &state) == 0);
  CHECK((state.st_mode & 0777U) == 0700U);
  CHECK_THROWS_AS(RunFolder(directory / "run"), Failure);
  fs::remove_all(directory);
}

TEST_CASE("run folders are named after the cluster, whatever that is called") {
  CHECK(default_run_folder("c-x7k2p").starts_with("retrust-c-x7k2p-"));
  CHECK(default_run_folder("../../etc/ü").find('/') == std::string::npos);
}

}  // namespace
}  // namespace retrust
