#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/failure.h"
#include "base/near.h"
#include "base/private_file.h"
#include "base/redactor.h"
#include "base/shortened.h"
#include "base/text.h"
#include "observe/parse.h"
#include "transcript/event.h"
#include "transcript/run_folder.h"
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
  // Of two that are near, the one with fewer letters to change.
  CHECK(near_ones("timout", {"out", "timeout"}) == std::vector<std::string>{"timeout", "out"});
  CHECK(near_ones("zzz", {"production"}).empty());
}

TEST_CASE("a token is masked in every form in which it could show") {
  const std::string token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJlLXBhcnQ";
  Redactor redactor;
  redact(redactor, token);
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
  redact(redactor, token);
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
  CommandEnded ended;
  ended.output = "a very-secret-thing\x1b";
  events.emit({.what = ended, .text = "is very-secret-thing"});
  RunEnded end;
  end.next = {{"keep very-secret-thing", "cat very-secret-thing"}};
  events.emit({.what = end});
  events.emit({.what = PlanMade{{{"2.1", "x", Need::needed, true, "", {"very-secret-thing"}}}}});
  REQUIRE(listener->events.size() == 3);
  CHECK(listener->events[0].text == "is ‹x›");
  CHECK(std::get<CommandEnded>(listener->events[0].what).output == "a ‹x›?");
  const auto next = std::get<RunEnded>(listener->events[1].what).next.front();
  CHECK(next.text() == "keep ‹x›: cat ‹x›");
  CHECK(std::get<PlanMade>(listener->events[2].what).steps[0].commands[0] == "‹x›");
}

std::string document_of(const std::vector<Event>& events) {
  auto timed = events;
  auto time = std::chrono::system_clock::time_point{};
  for (auto& event : timed) {
    event.time = time;
    time += std::chrono::seconds{1};
  }
  return document(timed);
}

template <typename What>
Event with(What what, const std::string& section, const std::string& text) {
  return {.what = std::move(what), .section = section, .text = text};
}

CommandStarted started(std::int64_t id, const std::string& given = "") {
  CommandStarted command;
  command.id = id;
  command.given = given;
  return command;
}

CommandEnded ended(std::int64_t id, const std::string& ending,
                   std::optional<std::int64_t> milliseconds = {}, const std::string& output = "") {
  CommandEnded command;
  command.id = id;
  command.ending = ending;
  command.milliseconds = milliseconds;
  command.output = output;
  return command;
}

const Event begun =
    with(RunStarted{"0.1.0",
                    "retrust run --cluster production",
                    "ada@bastion",
                    "",
                    "",
                    {"see whether retrust still runs; if not, go on", "retrust run"}},
         "", "retrust run of cluster production");

TEST_CASE("content cannot break out of a transcript's code block") {
  const auto text =
      document_of({begun, with(started(1), "", "kubectl x"),
                   with(ended(1, "exit status 0", {}, "```\n# Result\n````` more"), "", ""),
                   with(Finding{}, "", "<b>a</b> `b` [c](d) *e*")});
  CHECK(text.find("\n``````\n```\n# Result\n````` more\n``````\n") != std::string::npos);
  CHECK(text.find("- `<b>a</b>` `` `b` `` `[c](d`) `*e*`\n") != std::string::npos);
}

TEST_CASE("a transcript says first how it ended, then what was run where") {
  const PlanMade plan{{{"1.1", "backup-container", Need::not_needed, true, "none"},
                       {"2.1", "delete-token", Need::needed, true, "rejected"},
                       {"2.2", "recreate-agents", Need::needed, true, "old"}}};
  Finding finding;
  finding.downstream_cluster = "production (c-x7k2p)";
  finding.kubectl_version = "v1.32.4";
  std::vector<Event> events{begun,
                            with(finding, "", "cluster production"),
                            with(plan, "", ""),
                            with(StepStarted{"delete-token"}, "2.1", "rejected"),
                            with(Change{}, "2.1", "deleting token secret x"),
                            with(started(1), "2.1", "kubectl delete secret x"),
                            with(ended(1, "exit status 0", 250, "deleted\n"), "2.1", "")};
  const auto killed = document_of(events);
  CHECK(killed.starts_with("# retrust run of cluster production\n\n**Not ended.** "));
  CHECK(killed.find("- see whether retrust still runs; if not, go on: `retrust run`\n") !=
        std::string::npos);

  events.push_back(with(StepEnded{"delete-token"}, "2.1", "y is there"));
  auto failed = events;
  failed.push_back(with(StepStarted{"recreate-agents"}, "2.2", "old"));
  failed.push_back(with(FailureTold{5, "its own words", {"see why", "kubectl logs -l app"}}, "",
                        "no agent came"));
  failed.push_back(with(RunEnded{5}, "", "Not done."));
  const auto text = document_of(failed);
  CAPTURE(text);
  for (const std::string part :
       {"**Gave up waiting.** no agent came. Exit status 5.\n",
        "- started: 1970-01-01T00:00:00Z, as all times here in UTC\n", "- duration: 10 s\n",
        "- operator: `ada@bastion`\n", "- downstream cluster: production (c-x7k2p)\n",
        "| 1.1     | backup-container | not needed |       | none |\n",
        "| 2.1     | delete-token     | done       | 4.0 s | |\n",
        "| 2.2     | recreate-agents  | failed     |",
        "its step tells what came of it.\n\n- 00:00:04 2.1 deleting token secret x\n\n",
        ("## 2.1 delete-token\n\nrejected.\n\n- 00:00:04 **deleting token secret x**\n\n"
         "00:00:05, 0.2 s, exit status 0:\n\n```sh\nkubectl delete secret x\n```\n\n"
         "```\ndeleted\n```\n\nResult: y is there.\n"),
        "## Left to do\n\n- see why: `kubectl logs -l app`\n", "```\nits own words\n```\n"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
  CHECK(text.find("\n\n\n") == std::string::npos);

  auto ended = events;
  ended.push_back(with(RunEnded{0, "", "Done.", "Rancher has stored it"}, "", "Done."));
  const auto done = document_of(ended);
  CHECK(done.find("**Done.** Rancher has stored it. Exit status 0.\n") != std::string::npos);
  CHECK(done.find("## Left to do\n\nNothing.\n") != std::string::npos);
  CHECK(done.find("| 2.2     | recreate-agents  | not needed |") != std::string::npos);

  auto interrupted = events;
  interrupted.push_back(with(StepStarted{"recreate-agents"}, "2.2", "old"));
  interrupted.push_back(with(FailureTold{130}, "", "interrupted by signal 2 (Interrupt)"));
  interrupted.push_back(
      with(RunEnded{130, "", "Not done.", "", {"run it again"}}, "", "Not done."));
  const auto halves = document_of(interrupted);
  CHECK(halves.find("**Interrupted.** interrupted by signal 2") != std::string::npos);
  CHECK(halves.find("| 2.2     | recreate-agents  | interrupted |") != std::string::npos);
  CHECK(halves.find("## Left to do\n\n- run it again\n") != std::string::npos);

  const auto refused = document_of(
      {begun, with(FailureTold{4}, "", "the wrong cluster"), with(RunEnded{4}, "", "Not done.")});
  CHECK(refused.find("**Refused: nothing was changed.** the wrong cluster. Exit status 4.\n") !=
        std::string::npos);
  CHECK(refused.find("## Changes\n\nNone.\n") != std::string::npos);

  const auto verdict = [](std::int64_t status, const std::string& code) {
    RunEnded end{status, "", "Not done."};
    end.code = code;
    return document_of({begun, with(FailureTold{status}, "", "why"), with(end, "", "Not done.")});
  };
  for (const auto& [status, code, words] :
       {std::tuple(6, "unreachable", "**No answer: nothing was changed.** why. Exit status 6.\n"),
        std::tuple(6, "forbidden", "**No access: nothing was changed.** why. Exit status 6.\n"),
        std::tuple(7, "declined", "**Declined: nothing was changed.** why. Exit status 7.\n"),
        std::tuple(1, "unreachable", "**Failed.** why. Exit status 1.\n")}) {
    CAPTURE(words);
    CHECK(verdict(status, code).find(words) != std::string::npos);
  }
}

TEST_CASE("a command is shown with the section that it belongs to, in the order of what began") {
  const auto text = document_of(
      {begun, with(Change{}, "", "saved it"), with(StepStarted{"recreate-agents"}, "2.2", "old"),
       with(started(1), "2.5", "kubectl get -w"), with(started(2), "2.2", "kubectl delete pod x"),
       with(ended(2, "exit status 0"), "2.2", ""),
       with(StepEnded{"recreate-agents"}, "2.2", "new ones"), with(Warning{}, "", "in between"),
       with(StepStarted{"check-cluster"}, "2.5", "watches"), with(Finding{}, "", "seen"),
       with(StepEnded{"check-cluster", "differs"}, "2.5", "no"), with(Finding{}, "", "proof"),
       with(started(3, "Cluster c-x7k2p"), "2.5", "kubectl replace -f -")});
  CAPTURE(text);
  for (const std::string part :
       {"## What was found\n\n- 00:00:01 **saved it**\n\n## 2.2 recreate-agents\n",
        "## 2.2 recreate-agents\n\nold.\n\n00:00:04, exit status 0:\n\n```sh\nkubectl delete pod "
        "x\n",
        "Result: new ones.\n\n## Before 2.5 check-cluster\n\n- 00:00:07 Warning: in between\n\n",
        "## 2.5 check-cluster\n\nwatches.\n\n00:00:03, not ended:\n\n```sh\nkubectl get -w\n```\n\n"
        "- seen\n",
        "| 2.5     | check-cluster   | differs |",
        "kubectl replace -f -\n```\n\non standard input: Cluster c-x7k2p\n",
        "## In the end\n\n- proof\n"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("two commands of the same words that run at once keep their own durations and ends") {
  const std::string line = "kubectl create -f -";
  const auto text = document_of({begun, with(started(1), "", line), with(started(2), "", line),
                                 with(ended(2, "exit status 1", 250, "no\n"), "", ""),
                                 with(ended(1, "exit status 0", 900, "made\n"), "", "")});
  CAPTURE(text);
  CHECK(text.find("00:00:01, 0.9 s, exit status 0:\n") != std::string::npos);
  CHECK(text.find("00:00:02, 0.2 s, exit status 1:\n") != std::string::npos);
}

TEST_CASE("long output is shortened in the middle, after it was masked") {
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += "line " + std::to_string(i) + "\n";
  const auto text = shortened(lines, 900);
  CHECK(text.size() < 1000);
  CHECK(text.starts_with("line 0\nline 1\n"));
  CHECK(text.ends_with("line 4999\n"));
  CHECK(text.find(" bytes left out …\nline ") != std::string::npos);
  CHECK(shortened("short", 900) == "short");
  CHECK(shortened(std::string(1000, 'x'), 900, 5'000'000).find("… 4999100 bytes left out …") !=
        std::string::npos);

  // A secret where the text is cut does not show in part.
  Redactor redactor;
  const std::string secret(600, 's');
  redactor.add(secret, "‹s›");
  const auto listener = std::make_shared<Listener>();
  Events events(redactor);
  events.add(listener);
  for (std::size_t before = 5000; before < 5600; before += 100) {
    const auto output = std::string(before, 'x') + secret + std::string(20'000, 'y');
    events.emit(with(ended(1, "exit status 0", {}, output), "", ""));
    const auto kept = std::get<CommandEnded>(listener->events.back().what).output;
    CHECK(kept.size() < 8400);
    CHECK(kept.find("ss") == std::string::npos);
  }
}

TEST_CASE("lines of transcript.jsonl") {
  const auto line = json_line(with(StepStarted{"get-token"}, "2.3", "why"));
  CHECK(line ==
        R"({"version":1,"time":"1970-01-01T00:00:00.000Z","event":"step_started","section":"2.3",)"
        R"("text":"why","name":"get-token"})");
}

TEST_CASE("a run folder is private, and nothing in it is overwritten") {
  const auto directory = fresh_directory();
  Redactor redactor;
  const auto listener = std::make_shared<Listener>();
  Events events(redactor);
  events.add(listener);
  using Name = RunFolder::Name;
  RunFolder folder(directory / "run", Name::given);
  const Journal journal(events);
  boost::json::object first;
  first["a"] = 1;
  boost::json::object second;
  second["a"] = 2;
  const auto one = folder.save("clusters-c-x7k2p", first, journal, "what was there");
  const auto two =
      folder.save("clusters-c-x7k2p", second, journal.in_section("2.5"), "what will be replaced");
  CHECK(one != two);
  std::ostringstream text;
  text << std::ifstream(one).rdbuf();
  CHECK(boost::json::parse(text.str()) == first);
  struct ::stat state {};
  REQUIRE(::stat(one.c_str(), &state) == 0);
  CHECK((state.st_mode & 0777U) == 0600U);
  REQUIRE(::stat(folder.path().c_str(), &state) == 0);
  CHECK((state.st_mode & 0777U) == 0700U);
  CHECK_THROWS_AS(RunFolder(directory / "run", Name::given), Failure);
  // Two runs of one second have the same name of our own: neither takes what is there.
  fs::create_directory(directory / "run-2");
  fs::create_symlink(directory / "nowhere", directory / "run-3");
  const RunFolder other(directory / "run", Name::own);
  CHECK(other.path() == directory / "run-4");
  CHECK(other.backup_folder() == directory / "run-4" / "backup");
  CHECK(fs::is_empty(directory / "run-2"));
  // The transcript knows each file by its SHA-256.
  REQUIRE(listener->events.size() == 2);
  const auto& event = listener->events.back();
  const auto sha256 = sha256_hex(boost::json::serialize(second) + "\n");
  REQUIRE(event.is<Change>());
  const auto& change = std::get<Change>(event.what);
  CHECK(event.section == "2.5");
  CHECK(event.text == "saved what will be replaced as " + two.string() + ", SHA-256 " + sha256);
  CHECK(change.file == "backup/clusters-c-x7k2p.2.json");
  CHECK(change.sha256 == sha256);
  // A name that a cluster gives leads nowhere else.
  CHECK_THROWS_AS(folder.save("../outside", first, journal, "a name"), Failure);
  fs::remove_all(directory);
}

TEST_CASE("run folders are named after the cluster, with any name") {
  CHECK(default_run_folder("c-x7k2p").starts_with("retrust-c-x7k2p-"));
  CHECK(default_run_folder("../../etc/ü").find('/') == std::string::npos);
}

TEST_CASE("a name that has few letters of ASCII names no run folder") {
  for (const auto* name : {"c-x7k2p", "qa", "e2", "prod.example", "prod-集群", "café"}) {
    CAPTURE(name);
    CHECK(names_folder(name));
  }
  for (const auto* name : {"", "-", "生产", "a-生产", "生产-12", "prod-集群-一二三", "прод"}) {
    CAPTURE(name);
    CHECK_FALSE(names_folder(name));
  }
}

TEST_CASE("a run folder gets another name, and what is written later goes there") {
  const auto directory =
      std::filesystem::temp_directory_path() / fmt::format("retrust-run-folder-{}", ::getpid());
  {
    std::filesystem::create_directories(directory / "retrust-cluster-20261127T100000Z");
    RunFolder folder(directory / "retrust-cluster-20261127T100000Z", RunFolder::Name::own);
    REQUIRE(folder.path() == directory / "retrust-cluster-20261127T100000Z-2");
    PrivateFile transcript(folder.folder(), "transcript.md");
    std::filesystem::create_directory(directory / "retrust-c-x7k2p-20261127T100000Z");
    folder.name_after("c-x7k2p");
    CHECK(folder.path() == directory / "retrust-c-x7k2p-20261127T100000Z-2");
    CHECK(folder.backup_folder() == folder.path() / "backup");
    CHECK(transcript.path() == folder.path() / "transcript.md");
    CHECK(std::filesystem::exists(transcript.path()));
    CHECK(folder.folder().path_for_child() == folder.path());
    CHECK_FALSE(std::filesystem::exists(directory / "retrust-cluster-20261127T100000Z-2"));
  }
  std::filesystem::remove_all(directory);
}

TEST_CASE("a run folder that somebody else has moved keeps its name") {
  const auto directory =
      std::filesystem::temp_directory_path() / fmt::format("retrust-run-folder-{}", ::getpid());
  {
    RunFolder folder(directory / "retrust-cluster-20261127T100000Z", RunFolder::Name::own);
    std::filesystem::rename(folder.path(), directory / "moved");
    std::filesystem::create_directory(directory / "retrust-cluster-20261127T100000Z");
    folder.name_after("c-x7k2p");
    CHECK(folder.path() == directory / "retrust-cluster-20261127T100000Z");
    CHECK_FALSE(std::filesystem::exists(directory / "retrust-c-x7k2p-20261127T100000Z"));
  }
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace retrust
