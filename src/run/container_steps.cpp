// Section 3.1 where Rancher's server runs in a container.
#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "process/gather.h"
#include "run/execution.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

using Clock = std::chrono::steady_clock;

/// Between two questions to a server that is starting: there is nothing to watch meanwhile.
constexpr std::chrono::milliseconds pause_between{500};
constexpr std::chrono::minutes restart_limit{3};

/// Exit statuses of docker for a command that could not be started.
constexpr int cannot_be_run = 126;
constexpr int not_there = 127;

/// Empty where the cluster in the container and Rancher's server both answer.
awaitable<std::string> why_not_back(Kubectl kubectl, Docker docker, std::string container) {
  std::string text;
  try {
    const auto healthy = co_await kubectl.get_raw_text("/healthz");
    if (!healthy.starts_with("ok")) co_return "its cluster is not healthy yet";
    Arguments ping{"curl", "-ks", "--max-time", "5", "https://127.0.0.1/ping"};
    const auto outcome = co_await docker.look(container, ping);
    // Rancher's image has curl; where another has none, the cluster has to do. Some dockers say
    // that on standard output.
    const auto no_curl = outcome.ending == Ending::exited &&
                         (outcome.code == cannot_be_run || outcome.code == not_there);
    if (!no_curl && outcome.out.find("pong") == std::string::npos) {
      text = "Rancher's server does not answer yet";
    }
  } catch (const Failure& away) {
    const auto no_curl = away.detail.find("executable file") != std::string::npos;
    if (!no_curl) text = away.what();
  }
  co_return text;
}

}  // namespace

awaitable<void> Execution::restart_container() {
  const auto& name = observation_.container->name;
  const auto kubectl = clusters_.local.in_section("3.1");
  const auto docker = tools_.docker.in_section("3.1");
  announce("3.1", fmt::format("restarting the container {}", name));
  // docker itself gives the container its time to stop.
  co_await docker.restart(name, std::max<std::chrono::milliseconds>(options_.wait, restart_limit));
  journal("3.1").wait_started("for Rancher and its cluster to answer again", options_.wait);
  const auto end = Clock::now() + options_.wait;
  std::string last;
  for (;;) {
    auto text = co_await why_not_back(kubectl, docker, name);
    if (text.empty()) break;
    if (Clock::now() >= end) {
      throw Failure(ExitStatus::gave_up,
                    fmt::format("Rancher did not answer within {} of the restart of the container "
                                "{}",
                                duration_text(options_.wait), name),
                    fmt::format("see why with: {} logs --tail 50 {}", docker.shown(), name),
                    std::move(text));
    }
    if (text != last) journal("3.1").progress(text);
    last = std::move(text);
    co_await pause(pause_between);
  }
  journal("3.1").wait_ended("Rancher and its cluster answer again");
  observation_.local.cluster.ready = {};
}

}  // namespace retrust
