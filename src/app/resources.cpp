#include "app/resources.h"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "observe/kubeconfig.h"
#include "process/tasks.h"
#include "tools/endings.h"
#include "transcript/journal.h"

namespace retrust {

using boost::asio::awaitable;
using Clock = std::chrono::steady_clock;

namespace {

/// Pause between two attempts to start a process.
constexpr std::chrono::milliseconds between_attempts{250};

/// Descriptors that retrust has open at once at most, beside the present ones: 8 for each of some
/// children side by side.
constexpr std::size_t descriptors_needed = 64;

[[noreturn]] void refuse(std::string_view lacking, const std::error_code& error) {
  auto failure = shortage(fmt::format("{}: nothing was changed", lacking), error);
  failure.status = ExitStatus::refused;
  throw std::move(failure);
}

void check_descriptors() {
  std::vector<Descriptor> opened;
  while (opened.size() < descriptors_needed) {
    Descriptor next(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!next) {
      const std::error_code error(errno, std::generic_category());
      const auto number = opened.size();
      opened.clear();
      refuse(fmt::format("no resources for the changes on this machine: {} more files may be open, "
                         "and {} may be needed: {}",
                         number, descriptors_needed, error.message()),
             error);
    }
    opened.push_back(std::move(next));
  }
}

/// retrust proves new credentials by a kubeconfig in memory.
void check_memory() {
  try {
    const TemporaryKubeconfig proof({}, {});
  } catch (const Failure& failure) {
    throw Failure(ExitStatus::refused, fmt::format("{}: nothing was changed", failure.what()),
                  failure.advice);
  }
}

}  // namespace

awaitable<bool> ResourceWait::tries_again(const Outcome& lacking) {
  if (!changed_()) co_return false;
  const auto now = Clock::now();
  if (!since_) {
    since_ = now;
    Journal(events_).wait_started(
        fmt::format("for resources for another process on this machine ({})", lacking.err), limit_);
  }
  if (now - *since_ >= limit_) co_return false;
  co_await pause(between_attempts);
  co_return true;
}

void ResourceWait::over() {
  if (!since_) return;
  since_.reset();
  Journal(events_).wait_ended("this machine starts processes again");
}

awaitable<void> check_resources(Runner& runner) {
  check_descriptors();
  check_memory();
  Command proof;
  proof.program = "/proc/self/exe";
  proof.args = {"--version"};
  const auto outcome = co_await runner.run(std::move(proof));
  if (outcome.ending == Ending::interrupted) throw Interrupted{outcome.code};
  if (outcome.ending == Ending::no_resources) {
    refuse(fmt::format("no resources for another process on this machine: cannot start {}",
                       outcome.err),
           {outcome.code, std::generic_category()});
  }
  // Without /proc nothing is proved.
  const auto started =
      outcome.ending != Ending::not_found && outcome.ending != Ending::not_executable;
  if (!started || outcome.succeeded()) co_return;
  throw Failure(
      ExitStatus::refused,
      fmt::format("a process that retrust started as a proof did not run to its end ({}): "
                  "nothing was changed",
                  ending_text(outcome)),
      {"see the limits of processes and memory, then run again", "ulimit -a"}, own_words(outcome));
}

}  // namespace retrust
