#include "observe/kubeconfig_mistakes.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/pod_account.h"
#include "base/text.h"
#include "observe/commands.h"
#include "observe/parse.h"
#include "observe/trim.h"

namespace retrust {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;

constexpr std::string_view option_of(Side side) {
  return side == Side::downstream ? "--kubeconfig" : "--local-kubeconfig";
}

/// True if the user of the kubeconfig proves nothing about itself. kubernetes/client-go v0.35.0,
/// tools/clientcmd/api/v1/types.go: AuthInfo.
bool has_no_credentials(const json::value& view) {
  constexpr std::array means{"token",      "tokenFile",          "username",
                             "exec",       "client-key-data",    "client-certificate-data",
                             "client-key", "client-certificate", "auth-provider"};
  const auto* user = find_at(view, "/users/0/user");
  if (user == nullptr || !user->is_object()) return !array_at(view, "/contexts").empty();
  return std::none_of(means.begin(), means.end(),
                      [&](const char* name) { return user->get_object().contains(name); });
}

/// A proxy in words, or empty. Go asks no proxy of the environment for this machine itself:
/// golang.org/x/net v0.40.0, http/httpproxy/proxy.go: useProxy.
std::string proxy_of(const json::value& view) {
  const auto own = text_at(view, "/clusters/0/cluster/proxy-url");
  if (!own.empty()) return fmt::format("{} (proxy-url)", DisplayText(shown_url(own)));
  const auto server = text_at(view, "/clusters/0/cluster/server");
  if (server.find("://127.") != std::string::npos ||
      server.find("://localhost") != std::string::npos) {
    return {};
  }
  for (const auto* name : {"HTTPS_PROXY", "https_proxy"}) {
    const auto* proxy = std::getenv(name);
    if (proxy != nullptr && *proxy != '\0') {
      return fmt::format("{} ({})", DisplayText(shown_url(proxy)), name);
    }
  }
  return {};
}

/// The failure as told_by_kubeconfig tells it, if the kubeconfig explains it.
std::optional<KubectlFailure> by_kubeconfig(const KubectlFailure& failure, const json::value& view,
                                            const Kubectl& kubectl) {
  const auto& target = kubectl.target();
  const auto nobody = failure.kind == KubectlError::other ||
                      failure.kind == KubectlError::unauthorized ||
                      failure.kind == KubectlError::forbidden;
  if (nobody && has_no_credentials(view)) {
    const auto user = text_at(view, "/contexts/0/context/user");
    return KubectlFailure(
        failure.kind,
        Failure(
            FailureCode::unauthorized,
            fmt::format("the user {} in {} has no credentials",
                        user.empty() ? DisplayText("\"\"") : DisplayText(user), target.kubeconfig),
            {fmt::format("give a kubeconfig whose user has a token, a certificate or a login "
                         "plugin with {}; see the users of this one",
                         option_of(target.side)),
             kubectl.shown({"config", "view", "--minify"})},
            failure.detail));
  }
  const auto away = failure.kind == KubectlError::unreachable ||
                    failure.kind == KubectlError::timed_out ||
                    failure.kind == KubectlError::proxy_failed;
  const auto proxy = away ? proxy_of(view) : std::string();
  if (proxy.empty()) return std::nullopt;
  return KubectlFailure(
      failure.kind,
      Failure(failure.status,
              fmt::format("the API server of the {} ({}) cannot be reached through the proxy {}",
                          name_of(target.side), target.kubeconfig, proxy),
              {"start or correct this proxy; then see whether the server answers",
               failure.advice.command},
              failure.detail));
}

bool has_clusters(const json::value& list) {
  return !items_of(list, "Cluster").empty();
}

}  // namespace

std::exception_ptr told_by_kubeconfig(const std::exception_ptr& end, const json::value& view,
                                      const Kubectl& kubectl) {
  if (!end || !kubectl.target().container.empty() || !view.is_object()) return end;
  try {
    std::rethrow_exception(end);
  } catch (const KubectlFailure& failure) {
    const auto told = by_kubeconfig(failure, view, kubectl);
    return told ? std::make_exception_ptr(*told) : end;
  } catch (...) {
    return end;
  }
}

std::vector<std::string> direct_contexts(const json::value& config, const std::string& context) {
  std::vector<std::string> found;
  for (const auto& entry : array_at(config, "/contexts")) {
    const auto cluster = text_at(entry, "/context/cluster");
    for (const auto& each : array_at(config, "/clusters")) {
      const auto server = text_at(each, "/cluster/server");
      const auto direct = !server.empty() && through_rancher(server).empty();
      if (direct && text_at(each, "/name") == cluster) found.push_back(text_at(entry, "/name"));
    }
  }
  // rancher/rancher v2.11.0, pkg/kubeconfig/kubeconfig.go: ForClusterTokenBased.
  std::stable_partition(found.begin(), found.end(),
                        [&](const std::string& name) { return name.starts_with(context + "-"); });
  return found;
}

void check_two_contexts(const Clusters& clusters, const KubeconfigView& downstream,
                        const KubeconfigView& local) {
  const auto& target = clusters.downstream.target();
  const auto& other = clusters.local.target();
  if (!other.container.empty() || downstream.context != local.context) return;
  std::error_code gone;
  if (!std::filesystem::equivalent(target.kubeconfig, other.kubeconfig, gone)) return;
  throw Failure(
      ExitStatus::usage,
      fmt::format("--kubeconfig and --local-kubeconfig lead to one cluster: both are {}{}",
                  shown_kubeconfig(target.kubeconfig),
                  local.context.empty() ? std::string()
                                        : fmt::format(", context {}", DisplayText(local.context))),
      "give a kubeconfig of the downstream cluster with --kubeconfig, or another --context");
}

awaitable<void> check_direct(const Clusters& clusters, KubeconfigView view) {
  if (through_rancher(view.server).empty()) co_return;
  const auto& target = clusters.downstream.target();
  json::value whole;
  try {
    whole = co_await clusters.downstream.whole_config();
  } catch (const Failure&) {
    // The advice then names no context.
  }
  constexpr std::size_t most = 8;
  constexpr std::size_t most_bytes = 64;
  auto contexts = direct_contexts(whole, view.context);
  const auto example = contexts.empty() ? std::string() : contexts.front();
  if (contexts.size() > most) contexts.resize(most);
  for (auto& name : contexts) name = DisplayText(name, most_bytes);
  const auto plain = !example.empty() && contexts.front() == example && !example.starts_with('-') &&
                     shell_line({example}) == example;
  Advice advice("fetch a kubeconfig from a control plane node of the downstream cluster");
  if (plain) {
    advice = Advice::retrust("choose a context that goes straight to the cluster", "status",
                             "--context=" + example);
  }
  throw Failure(
      FailureCode::through_rancher,
      fmt::format("--kubeconfig goes through Rancher itself ({}): that cannot work while Rancher "
                  "does not trust the cluster{}",
                  view.server,
                  contexts.empty() ? std::string()
                                   : fmt::format("; contexts of {} that do not: {}",
                                                 target.kubeconfig, enumerated(contexts))),
      std::move(advice));
}

awaitable<void> check_not_swapped(const Clusters& clusters, std::string wanted) {
  if (!clusters.local.target().container.empty()) co_return;
  auto swapped = false;
  try {
    auto query = commands::observe_local("cattle-system", wanted);
    auto trim = local_trim(wanted);
    const auto list = co_await clusters.downstream.get(std::move(query), std::move(trim));
    swapped = has_clusters(list);
  } catch (const Failure&) {
    // A cluster without Rancher does not know these resources.
  }
  if (!swapped) co_return;
  throw Failure(
      FailureCode::wrong_cluster,
      "--kubeconfig and --local-kubeconfig seem to be swapped: Rancher's clusters are in "
      "the cluster of --kubeconfig, and not in that of --local-kubeconfig",
      fmt::format("give --kubeconfig {} --local-kubeconfig {}", clusters.local.target().kubeconfig,
                  clusters.downstream.target().kubeconfig));
}

}  // namespace retrust
