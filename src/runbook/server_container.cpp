// The container that Rancher runs in: what is seen of it, and its restart (section 3.1).
#include "runbook/server_container.h"

#include <stdexcept>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "binaries/json.h"
#include "runbook/execution.h"
#include "transcript/text.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

using Clock = std::chrono::steady_clock;

/// Between two questions to a server that is starting: there is nothing to watch meanwhile.
constexpr std::chrono::milliseconds pause_between{500};

/// By the uid of kube-system, as kubectl in the container sees it.
awaitable<ServerContainer::Proof> compare_clusters(Kubectl inside, const Local& local,
                                                   const std::string& name, EventSink& events) {
  std::optional<std::string> unknown;
  std::string uid;
  std::vector<std::string> args{"namespace", "kube-system"};
  try {
    const auto answer = co_await inside.get(std::move(args));
    uid = text_at(answer, "/metadata/uid");
    if (uid.empty()) unknown = "it has no uid";
  } catch (const Failure& failure) {
    unknown = failure.what();
  }
  if (unknown) {
    events.emit({.kind = EventKind::warning,
                 .text = fmt::format("cannot tell whether the local cluster is the one in the "
                                     "container {}: {}",
                                     one_line(name), *unknown)});
    co_return ServerContainer::Proof::none;
  }
  if (uid != local.kube_system_uid) {
    throw Failure(ExitStatus::refused,
                  fmt::format("--local-kubeconfig is not of the cluster in the container {}: the "
                              "uids of kube-system differ",
                              one_line(name)),
                  "check both: --rancher-container names the container that Rancher runs in, "
                  "--local-kubeconfig is of the cluster in it (and may be left out)");
  }
  co_return ServerContainer::Proof::same_cluster;
}

}  // namespace

awaitable<std::optional<ServerContainer>> observe_server_container(const BackupTools& tools,
                                                                   std::string name,
                                                                   const Local& local,
                                                                   EventSink& events) {
  if (name.empty()) co_return std::nullopt;
  ServerContainer seen;
  seen.name = std::move(name);
  const auto shown = co_await tools.docker.inspect(seen.name);
  try {
    seen.container = parse_container(shown);
  } catch (const std::runtime_error& error) {
    throw Failure(ExitStatus::refused, fmt::format("docker inspect: {}", error.what()),
                  "check that --docker names docker, or podman");
  }
  if (!tools.container_kubectl) {
    seen.proof = ServerContainer::Proof::same_cluster;
  } else if (seen.container.state == "running") {
    seen.proof = co_await compare_clusters(*tools.container_kubectl, local, seen.name, events);
  }
  co_return seen;
}

awaitable<void> Execution::restart_container() {
  const auto& name = observation_.container->name;
  const auto kubectl = clusters_.local.in_section("3.1");
  const auto docker = tools_.docker.in_section("3.1");
  announce("3.1", fmt::format("restarting the container {}", name));
  co_await docker.restart(name);
  say(EventKind::wait_started, "3.1", "for Rancher's cluster to answer again");
  const auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer timer(executor);
  const auto end = Clock::now() + options_.wait;
  std::string last;
  for (;;) {
    std::string answer;
    std::optional<Failure> failure;
    try {
      answer = co_await kubectl.get_raw("/healthz");
    } catch (const Failure& away) {
      failure = away;
    }
    if (!failure && answer.starts_with("ok")) break;
    auto text = failure ? one_line(failure->what()) : "it is not healthy yet";
    if (Clock::now() >= end) {
      throw Failure(ExitStatus::gave_up,
                    fmt::format("Rancher's cluster did not answer within {} of the restart of the "
                                "container {}",
                                duration_text(options_.wait), name),
                    fmt::format("see why with: docker logs --tail 50 {}", name), std::move(text));
    }
    if (text != last) progress("3.1", text);
    last = std::move(text);
    timer.expires_after(pause_between);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
  say(EventKind::wait_ended, "3.1", "Rancher's cluster answers again");
  observation_.local.cluster.ready = {};
}

}  // namespace retrust
