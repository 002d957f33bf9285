#include "app/host.h"

#include <array>
#include <csignal>
#include <pwd.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/display_text.h"
#include "process/descriptor_limit.h"

namespace retrust {
namespace {

std::string operator_text(const Environment& environment) {
  const auto* user = ::getpwuid(::geteuid());
  std::array<char, 256> host{};
  const auto known = ::gethostname(host.data(), host.size() - 1) == 0;
  const auto behind = environment("SUDO_USER").value_or("");
  const auto called = DisplayText(environment("USER").value_or(""));
  const auto unknown =
      fmt::format("{}{}", ::geteuid(), called.empty() ? "" : fmt::format(" (USER={})", called));
  return fmt::format("{}@{}{}", user == nullptr ? unknown : user->pw_name,
                     known ? host.data() : "unknown",
                     behind.empty() ? "" : ", by sudo of " + DisplayText(behind));
}

}  // namespace

Host::Host(const Environment& environment)
    : operator_name(operator_text(environment)),
      runner(io.get_executor(), raise_descriptor_limit()),
      prompt(io.get_executor(), output),
      signals_(io) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    // What we were started to ignore, as by nohup, stays ignored.
    struct sigaction inherited {};
    ::sigaction(signal, nullptr, &inherited);
    if (inherited.sa_handler != SIG_IGN) signals_.add(signal);
  }
}

void Host::await_signals() {
  signals_.async_wait([this](boost::system::error_code cancelled, int signal) {
    if (cancelled) return;
    runner.interrupt(signal);
    prompt.interrupt(signal);
    on_signal(signal);
    await_signals();
  });
}

}  // namespace retrust
