#include "observe/user_tokens.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/redactor.h"
#include "base/text.h"
#include "observe/observation.h"
#include "observe/parse.h"

namespace retrust {
namespace {

std::size_t sum(const std::vector<UserTokens::Group>& groups,
                std::size_t (*of)(const UserTokens::Group&)) {
  std::size_t all = 0;
  for (const auto& group : groups) all += of(group);
  return all;
}

/// Text of the examples: "a, b, c and 3 more".
std::string examples_text(const UserTokens::Group& group) {
  std::vector<std::string> some;
  for (const auto& name : group.examples) some.push_back(name.text());
  if (group.rejected > some.size()) {
    some.push_back(fmt::format("{} more", group.rejected - some.size()));
  }
  return enumerated(some);
}

}  // namespace

std::size_t UserTokens::total() const {
  return sum(groups, [](const Group& group) { return group.total; });
}

std::size_t UserTokens::rejected() const {
  return sum(groups, [](const Group& group) { return group.rejected; });
}

std::size_t UserTokens::doomed() const {
  return sum(groups, [](const Group& group) { return group.doomed(); });
}

std::size_t UserTokens::unreviewed() const {
  return sum(groups, [](const Group& group) { return group.unreviewed; });
}

std::vector<NamespaceName> own_namespaces(const boost::json::value& list,
                                          const NamespaceName& agents_namespace) {
  std::vector<NamespaceName> found;
  for (const auto* name_space : items_of(list, "Namespace")) {
    NamespaceName name = text_at(*name_space, "/metadata/name");
    if (name == agents_namespace || name == impersonation_namespace ||
        name == "cattle-fleet-system") {
      found.push_back(std::move(name));
    }
  }
  return found;
}

std::optional<TokenOwner> owner_of(const UserToken& token, const NamespaceName& agents_namespace) {
  if (token.name_space == agents_namespace && token.account == agent_account) return std::nullopt;
  const auto user = token.name_space == impersonation_namespace &&
                    token.account.text().starts_with("cattle-impersonation-");
  return user ? TokenOwner::user : TokenOwner::other;
}

std::optional<UserToken> parse_user_token(const boost::json::value& secret, Redactor& redactor) {
  if (text_at(secret, "/type") != "kubernetes.io/service-account-token") return std::nullopt;
  UserToken parsed;
  const auto token = base64_decode(text_at(secret, "/data/token")).value_or("");
  parsed.token = Secret(redactor, Secret::Kind::account, token, Secret::Forms::plain);
  if (parsed.token.empty()) return std::nullopt;
  parsed.name_space = text_at(secret, "/metadata/namespace");
  parsed.name = text_at(secret, "/metadata/name");
  parsed.uid = text_at(secret, "/metadata/uid");
  parsed.resource_version = text_at(secret, "/metadata/resourceVersion");
  parsed.account = text_at(secret, "/metadata/annotations/kubernetes.io~1service-account.name");
  return parsed;
}

std::vector<std::string> user_token_findings(const UserTokens& tokens) {
  std::vector<std::string> lines;
  if (tokens.look == UserTokens::Look::failed) {
    lines.push_back(
        fmt::format("the tokens of Rancher's users cannot be looked at: {}", tokens.trouble));
  }
  if (tokens.system.rejected) {
    lines.push_back(
        fmt::format("the token of Rancher's own user for the cluster is rejected ({}): Rancher "
                    "cannot deploy its agents",
                    tokens.system.account));
  }
  for (const auto& group : tokens.groups) {
    const auto users = group.owner == TokenOwner::user;
    const auto whose = users ? "users' tokens" : "other tokens";
    if (group.rejected > 0) {
      auto text = fmt::format("{} of {} {} in {} {} rejected: {}", group.rejected, group.total,
                              whose, group.name_space, group.rejected == 1 ? "is" : "are",
                              group.reason.empty() ? "not authenticated" : group.reason);
      if (!users) text += fmt::format(" ({})", examples_text(group));
      // rancher/rancher v2.12.3, pkg/clusterrouter/proxy/proxy_server.go: each request of a user to
      // the cluster goes by such a token.
      if (users) {
        text +=
            "; for these users all access through Rancher fails: logs, the web shell, "
            "kubeconfigs from Rancher, and Fleet";
      }
      lines.push_back(std::move(text));
    }
    for (const auto& [why, count] : group.kept_because) {
      lines.push_back(
          fmt::format("{} of them {} left alone: {}", count, count == 1 ? "is" : "are", why));
    }
    if (group.unclear > 0) {
      lines.push_back(fmt::format("whether {} of {} {} in {} are good is not clear{}",
                                  group.unclear, group.total, whose, group.name_space,
                                  group.rejected > 0 ? "" : ": " + group.reason));
    }
  }
  return lines;
}

}  // namespace retrust
