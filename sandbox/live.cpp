#include "live.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "cluster.h"
#include "fleet.h"
#include "json_util.h"
#include "live_fill.h"
#include "objects.h"
#include "resources.h"

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
namespace json = boost::json;

const std::string agents_space(agents_namespace);
const std::string clusters = "clusters.management.cattle.io";

Mirror::Kind clusters_of(const RancherProfile& rancher) {
  return {clusters, "", "/apis/management.cattle.io/v3/clusters",
          rancher.status_subresource == StatusSubresource::present ? Mirror::Kind::Changes::status
                                                                   : Mirror::Kind::Changes::whole};
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Throws if the condition is not fulfilled within a minute.
asio::awaitable<void> until(std::string condition, std::function<bool()> fulfilled) {
  const auto executor = co_await asio::this_coro::executor;
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  asio::steady_timer timer(executor);
  while (!fulfilled()) {
    if (std::chrono::steady_clock::now() > end) {
      throw std::runtime_error("waited 60 s in vain until " + condition);
    }
    timer.expires_after(std::chrono::milliseconds{30});
    co_await timer.async_wait(asio::use_awaitable);
  }
}

/// A kubeconfig whose address goes through Rancher's own server.
void write_through_rancher(const fs::path& direct, const fs::path& to, const std::string& id) {
  auto config = json::parse(text_of(direct));
  const auto server = text_at(config, "/clusters/0/cluster/server");
  config.at_pointer("/clusters/0/cluster/server") = server + "/k8s/clusters/" + id;
  std::ofstream file(to);
  fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write);
  file << json::serialize(config) << '\n';
}

}  // namespace

Live::Live(asio::io_context& io, Settings settings, fs::path directory, fs::path plane)
    : io_(io),
      settings_(std::move(settings)),
      directory_(std::move(directory)),
      plane_(std::move(plane)),
      log_(directory_),
      scheduler_(io),
      local_(io, plane_ / "local-stand-in.kubeconfig",
             {clusters_of(settings_.rancher), Mirror::of_namespace("secrets", agents_namespace),
              Mirror::of_namespace("secrets", credential_namespace),
              Mirror::of_namespace("pods", agents_namespace)},
             log_),
      local_kubelet_(local_, scheduler_, settings_, log_,
                     {.pod_ready =
                          [this](const ObjectKey& pod) {
                            for (const auto& each : downstreams_)
                              each->rancher().server_ready(pod.name);
                          },
                      .pod_terminating = {},
                      .pod_gone =
                          [this](const ObjectKey& pod) {
                            for (const auto& each : downstreams_)
                              each->rancher().server_gone(pod.name);
                          }}) {
  settings_.faults.require_live();
  make_downstreams();
  bind_pods(local_);
}

void Live::make_downstreams() {
  const auto servers = text_of(plane_ / "run/clusters");  // one a line, Rancher's own among them
  settings_.clusters = static_cast<int>(std::count(servers.begin(), servers.end(), '\n')) - 1;
  for (int number = 1; number <= settings_.clusters; ++number) {
    auto& settings = number == 1 ? settings_ : settings_of_others_.emplace_back(settings_);
    const auto names = names_of(number, settings);
    const auto port = std::stoi(text_of(plane_ / "run" / (names.server + ".port")));
    downstreams_.push_back(std::make_unique<LiveDownstream>(
        LiveDownstream::Surroundings{
            .io = io_, .local = local_, .scheduler = scheduler_, .log = log_, .plane = plane_},
        names, static_cast<unsigned short>(port), settings));
  }
}

LiveDownstream* Live::find(const std::string& name) const {
  const auto found = std::find_if(downstreams_.begin(), downstreams_.end(), [&](const auto& each) {
    const auto& names = each->names();
    return name == names.server || name == names.id || name == names.display_name;
  });
  return found == downstreams_.end() ? nullptr : found->get();
}

void Live::start(std::function<void()> ready) {
  asio::co_spawn(io_, fill(), [ready = std::move(ready)](std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
    ready();
  });
}

void Live::end() {
  scheduler_.end();
  for (const auto& each : downstreams_) each->end();
  local_.end();
  io_.stop();
}

asio::awaitable<void> Live::fill() {
  std::vector<ClusterRecord> records;
  for (const auto& each : downstreams_) {
    auto record = co_await each->fill();
    records.push_back(std::move(record));
  }
  const auto local_ca = secret_data(text_of(plane_ / "pki/local-ca.crt"));
  co_await fill_local(local_.client(), std::move(records), local_ca, settings_);
  local_.start();
  co_await until("the local cluster's objects are known", [this] { return local_.in_step(); });
  for (const auto& each : downstreams_) co_await each->start();
  co_await until("the agents run and have reported", [this] { return settled(); });
  for (const auto& each : downstreams_) each->settle();
  co_await lose_credentials();
  write_through_rancher(plane_ / "local.kubeconfig",
                        directory_ / "downstream-through-rancher.kubeconfig",
                        std::string(cluster_id));
}

asio::awaitable<void> Live::lose_credentials() {
  std::vector<LiveDownstream*> without;
  for (const auto& each : downstreams_) {
    if (!each->settings().faults.take("credential-missing")) continue;
    each->remove_credential();
    without.push_back(each.get());
  }
  if (without.empty()) co_return;
  // A server that starts again notices; one that runs goes on with what it has read.
  for (const auto* pod : local_.list("pods", agents_space)) {
    local_.remove({"pods", agents_space, text_at(*pod, "/metadata/name")});
  }
  co_await until("Rancher misses its Secrets", [&] {
    return std::none_of(without.begin(), without.end(),
                        [](const LiveDownstream* each) { return each->is_ready(); });
  });
}

bool Live::server_runs() const {
  const auto pods = local_.list("pods", agents_space);
  return std::any_of(pods.begin(), pods.end(), [](const json::value* pod) {
    return text_at(*pod, "/status/phase") == "Running" &&
           !text_at(*pod, "/metadata/labels/app").empty();
  });
}

bool Live::settled() const {
  return server_runs() && std::all_of(downstreams_.begin(), downstreams_.end(),
                                      [](const auto& each) { return each->settled(); });
}

std::string Live::command(const std::string& line) {
  const auto space = line.rfind(' ');
  auto* named = space == std::string::npos ? nullptr : find(line.substr(space + 1));
  return named == nullptr ? obey(first(), line) : obey(*named, line.substr(0, space));
}

std::string Live::obey(LiveDownstream& downstream, const std::string& line) {
  if (line == "use-impersonation") {
    downstream.use_impersonation();
    return {};
  }
  if (!line.starts_with("fault ")) return "there is no such command on a real control plane";
  auto& faults = downstream.settings().faults;
  faults.set_from(line.substr(6));
  faults.require_live();
  if (faults.take("credential-missing")) downstream.remove_credential();
  return {};
}

}  // namespace retrust::sandbox
