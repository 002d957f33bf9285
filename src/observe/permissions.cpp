#include "observe/permissions.h"

#include <algorithm>

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "base/json.h"
#include "observe/stored_token.h"

namespace retrust {
namespace {

namespace json = boost::json;

bool flag_at(const json::value& value, std::string_view pointer) {
  const auto* found = find_at(value, pointer);
  return found != nullptr && found->is_bool() && found->get_bool();
}

json::object review(std::string_view api_version, std::string_view kind, json::object spec) {
  json::object object;
  object["apiVersion"] = api_version;
  object["kind"] = kind;
  object["metadata"] = json::object{};
  object["spec"] = std::move(spec);
  return object;
}

}  // namespace

std::vector<Permission> downstream_permissions(const NamespaceName& name_space, TokenMaker maker) {
  std::vector<Permission> needed{{"delete", "", "secrets", name_space},
                                 {"watch", "", "secrets", name_space},
                                 {"delete", "", "pods", name_space},
                                 {"watch", "", "pods", name_space}};
  if (maker != TokenMaker::kubernetes) needed.push_back({"create", "", "secrets", name_space});
  if (maker == TokenMaker::retrust) {
    needed.push_back({"update", "", "serviceaccounts", name_space});
  }
  return needed;
}

std::vector<Permission> local_permissions(const Local& local) {
  const auto& rancher = local.rancher;
  std::vector<Permission> needed{{"watch", "management.cattle.io", "clusters", ""},
                                 {"update", "management.cattle.io", "clusters", ""}};
  if (keeps_token_in_secret(local.cluster, rancher)) {
    needed.push_back({"create", "", "secrets", credential_namespace});
  }
  // Only Rancher 2.0 and 2.1 are ever restarted.
  if (!rancher.deployment.empty() && (!rancher.version || *rancher.version < Version{2, 2, 0})) {
    needed.push_back({"patch", "apps", "deployments", rancher.name_space});
  }
  return needed;
}

std::vector<Permission> own_token_permissions(const OwnTokens& tokens) {
  std::vector<Permission> needed;
  for (const auto& group : tokens.groups) {
    const auto known = std::any_of(needed.begin(), needed.end(), [&](const Permission& other) {
      return other.name_space == group.name_space;
    });
    if (group.doomed() > 0 && !known) {
      needed.push_back({"delete", "", "secrets", group.name_space});
      needed.push_back({"get", "", "secrets", group.name_space});
    }
  }
  return needed;
}

std::string text_of(const Permission& permission, std::string_view cluster) {
  const auto group = permission.group.empty() ? "" : "." + permission.group;
  const auto where = permission.name_space.empty() ? "" : " in " + permission.name_space;
  return fmt::format("{} {}{}{} ({} cluster)", permission.verb, permission.resource, group, where,
                     cluster);
}

json::value access_review(const Permission& permission) {
  json::object attributes;
  attributes["verb"] = permission.verb;
  attributes["group"] = permission.group;
  attributes["resource"] = permission.resource;
  if (!permission.name_space.empty()) attributes["namespace"] = permission.name_space;
  json::object spec;
  spec["resourceAttributes"] = std::move(attributes);
  return review("authorization.k8s.io/v1", "SelfSubjectAccessReview", std::move(spec));
}

bool is_allowed(const json::value& answer) {
  return flag_at(answer, "/status/allowed");
}

json::value token_review(const Secret& token) {
  json::object spec;
  spec["token"] = token.reveal();
  return review("authentication.k8s.io/v1", "TokenReview", std::move(spec));
}

std::pair<Verdict, DisplayText> verdict_of(const json::value& answer) {
  if (flag_at(answer, "/status/authenticated")) return {Verdict::accepted, {}};
  // No answer is no rejection: a kuberc can make `create` a dry run, which asks no server.
  const auto* status = find_at(answer, "/status");
  if (status == nullptr || !status->is_object()) return {Verdict::unknown, {}};
  return {Verdict::rejected, text_at(answer, "/status/error")};
}

}  // namespace retrust
