#include "fleet/contexts.h"

#include <map>
#include <utility>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/pod_account.h"
#include "observe/kubeconfig.h"

namespace retrust {
namespace {

namespace json = boost::json;

/// Addresses of the servers by the names of their entries.
std::map<std::string, std::string> servers_of(const json::value& config) {
  std::map<std::string, std::string> servers;
  for (const auto& cluster : array_at(config, "/clusters")) {
    servers[text_at(cluster, "/name")] = text_at(cluster, "/cluster/server");
  }
  return servers;
}

}  // namespace

std::vector<GivenContext> contexts_of(const KubeconfigFile& file, const json::value& config) {
  const auto servers = servers_of(config);
  const auto current = file.context.empty() ? text_at(config, "/current-context") : file.context;
  const auto& entries = array_at(config, "/contexts");
  std::vector<GivenContext> contexts;
  for (const auto& entry : entries) {
    const auto name = text_at(entry, "/name");
    const auto one = file.contexts == ContextChoice::current || !file.context.empty();
    if (one && name != current) continue;
    if (contexts.size() == most_contexts) {
      throw Failure(
          ExitStatus::refused,
          fmt::format("{} holds more than {} contexts", DisplayText(file.path), most_contexts),
          "give kubeconfigs with the contexts that are meant");
    }
    GivenContext context{file.path, name, {}};
    const auto found = servers.find(text_at(entry, "/context/cluster"));
    const auto server = found == servers.end() ? std::string() : found->second;
    context.server = shown_url(server);
    context.through = ClusterId::if_allowed(through_rancher(server));
    if (name.empty() && !is_of_pod(file.path)) context.trouble = "the context has no name";
    if (server.empty()) context.trouble = "the context names no cluster with an address";
    contexts.push_back(std::move(context));
  }
  if (contexts.empty()) {
    GivenContext none{file.path, current, {}};
    none.trouble = entries.empty()   ? "the file has no contexts"
                   : current.empty() ? "the file has no current context"
                                     : "the file has no context of that name";
    contexts.push_back(std::move(none));
  }
  return contexts;
}

std::vector<std::string> way_words(const std::string& kubeconfig, const std::string& context,
                                   const ClusterId& cluster) {
  std::vector<std::string> words{"--kubeconfig=" + kubeconfig};
  if (!context.empty()) words.push_back("--context=" + context);
  words.push_back(fmt::format("--cluster={}", cluster));
  return words;
}

std::string text_of(const GivenContext& context) {
  if (context.name.empty()) return DisplayText(shown_kubeconfig(context.file));
  return fmt::format("{}, context {}", DisplayText(context.file), DisplayText(context.name));
}

}  // namespace retrust
