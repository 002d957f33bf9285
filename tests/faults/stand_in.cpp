// Stands in for kubectl, docker, rke or k3s, by its own name: passes every call on to the real
// program, and makes one call, or one answer of one of its `kubectl proxy`, go wrong.
//   RETRUST_TEST_FAULTS_REAL     the folder of the real programs
//   RETRUST_TEST_FAULTS_FOLDER   calls and exchanges are counted in files here; nothing goes wrong
//                                where it is not set
//   RETRUST_TEST_FAULT           "call PROGRAM N MANNER", or "exchange N MANNER"
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sstream>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "counted.h"
#include "manners.h"
#include "relay.h"

namespace retrust::faults {
namespace {

constexpr int not_executed = 127;
/// More than retrust keeps of any output.
constexpr std::size_t endless = std::size_t{80} << 20U;

struct Called {
  std::string name;
  std::string real;
  std::vector<char*> words;  ///< with the final null pointer

  [[noreturn]] void become_real() const {
    ::execv(real.c_str(), words.data());
    ::_exit(not_executed);
  }
};

std::string words_of(const Called& called) {
  std::string text = called.name;
  for (std::size_t i = 1; i + 1 < called.words.size(); ++i) {
    text += std::string(" ") + called.words[i];
  }
  return text;
}

/// Lets the real program do its work. What it prints, where it is wanted.
std::string effect(const Called& called) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) ::_exit(not_executed);
  const auto child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(ends[1], STDOUT_FILENO);
    called.become_real();
  }
  ::close(ends[1]);
  std::string printed;
  std::array<char, 65536> buffer{};
  for (;;) {
    const auto size = ::read(ends[0], buffer.data(), buffer.size());
    if (size <= 0) break;
    printed.append(buffer.data(), static_cast<std::size_t>(size));
  }
  ::waitpid(child, nullptr, 0);
  return printed;
}

[[noreturn]] void hang() {
  for (;;) ::pause();
}

[[noreturn]] void fail(const std::string& message) {
  write_all(STDERR_FILENO, message.empty() ? "" : message + "\n");
  ::_exit(1);
}

[[noreturn]] void go_wrong(const Called& called, const std::string& manner) {
  if (const auto* message = message_of(manner)) fail(*message);
  if (manner == "empty") ::_exit(0);
  if (manner == "truncated") {
    const auto printed = effect(called);
    write_all(STDOUT_FILENO, printed.substr(0, printed.size() / 2));
    ::_exit(0);
  }
  if (manner == "foreign" || manner == "garbage") {
    write_all(STDOUT_FILENO, manner == "foreign" ? foreign_object : garbage);
    ::_exit(0);
  }
  if (manner == "endless") {
    const std::string piece(65536, 'x');
    for (std::size_t written = 0; written < endless; written += piece.size()) {
      if (!write_all(STDOUT_FILENO, piece)) break;
    }
    ::_exit(0);
  }
  if (manner == "hang") hang();
  if (manner == "hang-ignoring-term") {
    ::signal(SIGTERM, SIG_IGN);
    hang();
  }
  if (manner == "killed") ::kill(::getpid(), SIGKILL);
  if (manner.starts_with("effect-")) {
    effect(called);
    if (manner == "effect-killed") ::kill(::getpid(), SIGKILL);
    if (manner == "effect-hang") hang();
    if (manner == "effect-silent") ::_exit(0);
    if (manner == "effect-eof") fail("error: unexpected EOF");
    fail(
        "Error from server (Timeout): the server was unable to return a response in the time "
        "allotted, but may still be processing the request");
  }
  fail("there is no manner " + manner);
}

int stand_in(int argc, char** argv) {
  Called called;
  const std::string own(argv[0]);
  called.name = own.substr(own.rfind('/') + 1);
  const auto* real = std::getenv("RETRUST_TEST_FAULTS_REAL");
  called.real = std::string(real == nullptr ? "" : real) + "/" + called.name;
  for (int i = 0; i < argc; ++i) called.words.push_back(argv[i]);
  called.words.push_back(nullptr);

  const auto* folder = std::getenv("RETRUST_TEST_FAULTS_FOLDER");
  if (folder == nullptr) called.become_real();
  const auto number = counted(std::string(folder) + "/calls-" + called.name, words_of(called));
  const auto* given = std::getenv("RETRUST_TEST_FAULT");
  std::istringstream fault(given == nullptr ? "" : given);
  std::string kind;
  std::string name;
  unsigned at = 0;
  std::string manner;
  fault >> kind;
  if (kind == "call") fault >> name;
  fault >> at >> manner;
  if (kind == "call" && name == called.name && at == number) go_wrong(called, manner);
  for (int i = 1; i < argc; ++i) {
    constexpr std::string_view option = "--unix-socket=";
    const std::string word(argv[i]);
    if (called.name != "kubectl" || !word.starts_with(option)) continue;
    return relay({.socket = word.substr(option.size()),
                  .folder = folder,
                  .at = kind == "exchange" ? at : 0,
                  .manner = manner},
                 [&](const std::string& socket) {
                   auto replaced = std::string(option) + socket;
                   called.words[static_cast<std::size_t>(i)] = replaced.data();
                   called.become_real();
                 });
  }
  called.become_real();
}

}  // namespace
}  // namespace retrust::faults

int main(int argc, char** argv) {
  return retrust::faults::stand_in(argc, argv);
}
