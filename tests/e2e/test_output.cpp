// What becomes of standard output and standard error that cannot be written.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::string full = R"(exec "$@" >/dev/full)";
const std::string closed = R"(exec "$@" >&-)";
/// The reader of the pipe has ended before the program starts.
const std::string no_reader = R"(exec 3> >(:); wait $!; exec "$@" >&3 3>&-)";

const std::set<std::string> nothing{"--kubeconfig", "--local-kubeconfig", "--cluster", "--kubectl"};

Sandbox::Call call(std::vector<std::string> args, const std::string& shell) {
  Sandbox::Call made;
  made.args = std::move(args);
  made.shell = shell;
  return made;
}

TEST_CASE("help, version and completion that cannot be written end with 1") {
  Sandbox sandbox;
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"--help"}, std::vector<std::string>{"help", "run"},
        std::vector<std::string>{"--version"}, std::vector<std::string>{"complete", "--", ""}}) {
    for (const auto& [shell, said] :
         {std::pair(full, "No space left on device"), std::pair(closed, "Bad file descriptor"),
          std::pair(no_reader, "")}) {
      CAPTURE(args.front());
      CAPTURE(shell);
      auto made = call(args, shell);
      made.without = nothing;
      const auto result = sandbox.retrust(made);
      CHECK(result.status == 1);
      CHECK(has(result.err, said));
      CHECK(result.err.empty() == (shell == no_reader));
    }
  }
}

TEST_CASE("messages that cannot be written are lost, and the exit status is not") {
  Sandbox sandbox;
  for (const std::string shell :
       {R"(exec "$@" 2>/dev/full)", R"(exec "$@" 2>&-)", R"(exec "$@" >&- 2>&- <&-)",
        R"(exec 3> >(:); wait $!; exec "$@" 2>&3 3>&-)"}) {
    CAPTURE(shell);
    auto wrong = call({"bogus"}, shell);
    wrong.without = nothing;
    CHECK(sandbox.retrust(wrong).status == 2);
    CHECK(sandbox.retrust(call({"run"}, shell)).status == 2);
  }
}

TEST_CASE("a report that cannot be written ends with 1") {
  Sandbox sandbox;
  for (const auto& shell : {full, closed, no_reader}) {
    for (const std::vector<std::string>& args :
         {std::vector<std::string>{"status", "-o", "json"}, std::vector<std::string>{"status"},
          std::vector<std::string>{"plan", "-o", "json", "--no-rancher-backup"}}) {
      CAPTURE(args.size());
      CAPTURE(shell);
      CHECK(sandbox.retrust(call(args, shell)).status == 1);
    }
  }
  CHECK(sandbox.changes().empty());
}

TEST_CASE("a token or CA that cannot be written is not said to be printed") {
  Sandbox sandbox;
  for (const std::string step : {"get-token", "get-ca"}) {
    for (const auto& shell : {full, closed, no_reader}) {
      CAPTURE(step);
      CAPTURE(shell);
      const auto result = sandbox.retrust(call({"step", step}, shell));
      CHECK(result.status == 1);
      CHECK(has(result.err, "was not printed"));
      const auto transcript = transcripts(sandbox.run_folder());
      CHECK(has(transcript, "was not printed"));
      CHECK_FALSE(has(transcript, "printed to standard output"));
      CHECK(has(transcript, "Exit status 1"));
    }
  }
}

TEST_CASE("a run whose lines of JSON nobody takes changes nothing") {
  Sandbox sandbox;
  for (const auto& shell : {full, closed, no_reader}) {
    CAPTURE(shell);
    const auto result =
        sandbox.retrust(call({"run", "--yes", "--no-rancher-backup", "-o", "json"}, shell));
    CHECK(result.status == 1);
    CHECK(has(result.err, "standard output cannot be written"));
    CHECK(has(transcripts(sandbox.run_folder()), "standard output cannot be written"));
  }
  CHECK(sandbox.changes().empty());
}

TEST_CASE("a run whose lines of JSON lose their reader half-way is finished, and ends with 1") {
  Sandbox sandbox;
  // The reader ends with the first change.
  const auto result = sandbox.retrust(
      call({"run", "--yes", "--no-rancher-backup", "-o", "json", "--timeout", "30s"},
           R"("$@" | grep -m 1 '"event":"change"' >/dev/null; exit "${PIPESTATUS[0]}")"));
  CAPTURE(result.all());
  CHECK(result.status == 1);
  CHECK(has(result.err, "standard output cannot be written"));
  CHECK(sandbox.ready() == "True");
  CHECK(has(document_words(sandbox.run_folder()), "Exit status 1"));
  const auto lines = lines_of(read_file(sandbox.run_folder() / "transcript.jsonl"));
  REQUIRE_FALSE(lines.empty());
  const auto last = boost::json::parse(lines.back());
  CHECK(text(last, "/event") == "run_ended");
  CHECK(last.at("status") == 1);
}

TEST_CASE("a run for people goes on without its terminal") {
  Sandbox sandbox;
  auto made = call({"run", "--yes", "--no-rancher-backup", "--timeout", "30s"},
                   R"(exec "$@" >/dev/full 2>/dev/full)");
  CHECK(sandbox.retrust(made).status == 0);
  CHECK(sandbox.ready() == "True");
}

TEST_CASE("no file of a run gets the number of a closed standard descriptor") {
  Sandbox sandbox;
  const auto result =
      sandbox.retrust(call({"run", "--yes", "--no-rancher-backup", "--timeout", "30s", "--verbose"},
                           R"(exec "$@" <&- >&- 2>&-)"));
  CHECK(result.status == 0);
  for (const auto& line : lines_of(read_file(sandbox.run_folder() / "transcript.jsonl"))) {
    CHECK(line.starts_with("{\"version\":"));
  }
  CHECK(document_words(sandbox.run_folder()).starts_with("# retrust run"));
}

TEST_CASE("a pipe that does not block gets all that is written") {
  Sandbox sandbox({"--records", "80"});
  // More than the pipe takes at once, from a writer that must not wait in the system call.
  auto made = call({"list"},
                   R"(set -o pipefail; perl -MFcntl -e '
fcntl(STDOUT, 1031, 4096) or die;  # F_SETPIPE_SZ
fcntl(STDOUT, F_SETFL, fcntl(STDOUT, F_GETFL, 0) | O_NONBLOCK) or die;
exec @ARGV' -- "$@" | { sleep 0.2; cat; })");
  made.without = {"--kubeconfig", "--cluster"};
  const auto slow = sandbox.retrust(made);
  made.shell.clear();
  const auto plain = sandbox.retrust(made);
  CAPTURE(slow.all());
  CHECK(slow.status == 3);
  CHECK(plain.out.size() > 4096);
  CHECK(slow.out == plain.out);
}

}  // namespace
}  // namespace retrust::e2e
