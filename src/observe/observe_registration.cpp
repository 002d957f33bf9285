#include "observe/observe_registration.h"

#include <algorithm>
#include <optional>

#include <boost/json/array.hpp>

#include "base/json.h"
#include "observe/commands.h"
#include "observe/parse.h"

namespace retrust {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;

/// Limit of tokens of one clusters resource. Rancher makes two.
constexpr std::size_t most_tokens = 20;

awaitable<std::vector<RegistrationToken>> read_tokens(const Clusters& clusters, ClusterId id) {
  auto& redactor = clusters.redactor;
  const auto secret_of = [&](std::string text) {
    return Secret(redactor, Secret::Kind::registration, std::move(text));
  };
  std::vector<RegistrationToken> tokens;
  const auto list = co_await clusters.local.get(commands::registration_tokens(id));
  for (const auto& item : array_at(list, "/items")) {
    if (tokens.size() >= most_tokens) break;
    RegistrationToken token;
    token.token = secret_of(text_at(item, "/status/token"));
    const auto name = ObjectName::if_allowed(text_at(item, "/status/tokenSecretName"));
    if (!name.empty()) {
      auto query = commands::secret(id, name);
      const auto found = co_await clusters.local.find(std::move(query));
      if (found) {
        auto present = secret_of(decoded(*found, "/data/token"));
        if (!present.empty()) token.token = std::move(present);
        token.previous = secret_of(decoded(*found, "/data/previousToken"));
        const auto until = parse_time(decoded(*found, "/data/gracePeriodExpiresAt"));
        if (until != std::chrono::sys_seconds{}) token.previous_until = until;
      }
    }
    if (!token.token.empty() || !token.previous.empty()) tokens.push_back(std::move(token));
  }
  co_return tokens;
}

/// True if the failure says that these objects cannot be read, and nothing about the cluster.
bool is_unreadable(KubectlError kind) {
  return kind == KubectlError::forbidden || kind == KubectlError::not_found ||
         kind == KubectlError::no_such_type;
}

}  // namespace

awaitable<Registration> observe_registration(const Clusters& clusters, Observation seen) {
  using State = Registration::State;
  const auto now = seen.seen_at.value_or(std::chrono::sys_seconds{});
  const auto& mounted = seen.downstream.agent_credentials;
  const auto id = seen.local.cluster.id;
  Registration found;
  DisplayText trouble;
  try {
    const auto tokens = co_await read_tokens(clusters, id);
    found = compare_registration(mounted, tokens, now);
  } catch (const KubectlFailure& failure) {
    if (!is_unreadable(failure.kind)) throw;
    trouble = failure.what();
  }
  if (!trouble.empty()) found = compare_registration(mounted, {}, now);
  found.trouble = trouble;
  found.server_url = seen.local.server_url;
  const auto elsewhere = found.cluster;
  const auto ours = found.state == State::present || found.state == State::previous;
  if (ours || elsewhere.empty() || elsewhere == id) co_return found;
  // The claim is enough for a refusal. A token proves it.
  found.state = State::another_cluster;
  co_return found;
}

}  // namespace retrust
