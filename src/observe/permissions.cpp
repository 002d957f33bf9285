#include "observe/permissions.h"

#include <algorithm>
#include <array>

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "base/json.h"

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

constexpr const char* no_answer = "no answer";

/// True if the error of a TokenReview is a verdict on the token. Any other error may be the
/// server's own trouble, such as a webhook that cannot be reached, or a time-out.
bool rejects(std::string_view error) {
  // No authenticator knew the token, and nothing went wrong. kubernetes/apiserver v0.30.0,
  // pkg/authentication/request/bearertoken/bearertoken.go: this text stands for no error.
  if (error.empty() || error == "invalid bearer token" || error == "[invalid bearer token]") {
    return true;
  }
  // Words of the API server's own check of service account tokens, also with another error beside
  // them. kubernetes/kubernetes, pkg/serviceaccount/jwt.go (the signature fits no key; from v1.31.0
  // on, no key has the token's ID), legacy.go (marked as unused, from v1.28.0 on), claims.go
  // (expired).
  constexpr std::array decisive{"error in cryptographic primitive",
                                "go-jose: unknown/unsupported algorithm", "no keys found",
                                "been marked invalid", "token has expired"};
  return std::any_of(decisive.begin(), decisive.end(), [&](const char* words) {
    return error.find(words) != std::string_view::npos;
  });
}

}  // namespace

std::string text_of(const Permission& permission) {
  const auto group = permission.group.empty() ? "" : "." + permission.group;
  const auto where = permission.name_space.empty() ? "" : " in " + permission.name_space;
  const auto name = permission.name.empty() ? "" : "/" + permission.name;
  const auto part =
      permission.subresource.empty() ? "" : " --subresource=" + permission.subresource;
  return fmt::format("{} {}{}{}{}{} ({} cluster)", permission.verb, permission.resource, group,
                     name, part, where,
                     permission.side == Side::downstream ? "downstream" : "local");
}

json::value access_review(const Permission& permission) {
  json::object attributes;
  attributes["verb"] = permission.verb;
  attributes["group"] = permission.group;
  attributes["resource"] = permission.resource;
  if (!permission.name_space.empty()) attributes["namespace"] = permission.name_space;
  if (!permission.subresource.empty()) attributes["subresource"] = permission.subresource;
  if (!permission.name.empty()) attributes["name"] = permission.name;
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
  // A missing answer is no rejection: a kuberc can make `create` a dry run, which asks no server.
  const auto* status = find_at(answer, "/status");
  if (status == nullptr || !status->is_object()) return {Verdict::unknown, no_answer};
  // API servers leave out a false verdict (kubernetes/kubernetes, commit 008b3652,
  // staging/src/k8s.io/api/authentication/v1/types.go: TokenReviewStatus). A verdict of another
  // type comes from another program.
  const auto* verdict = find_at(answer, "/status/authenticated");
  if (verdict != nullptr && !verdict->is_bool()) return {Verdict::unknown, no_answer};
  DisplayText error = text_at(answer, "/status/error");
  return {rejects(error.str()) ? Verdict::rejected : Verdict::unknown, error};
}

bool may_lack_secret(const DisplayText& reason) {
  return reason.str().find("oken has been invalidated") != std::string::npos;
}

}  // namespace retrust
