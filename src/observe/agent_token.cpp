#include "observe/agent_token.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "credentials/certificate.h"
#include "observe/live_account.h"

namespace retrust {

namespace json = boost::json;

namespace {

json::object named(const std::string& name) {
  json::object reference;
  reference["name"] = name;
  return reference;
}

}  // namespace

std::optional<Version> agents_version(const Observation& observation) {
  const auto& image = observation.downstream.agent_image.str();
  // The part after the last colon is a tag, unless it holds the registry's port.
  const auto colon = image.rfind(':');
  if (colon != std::string::npos && image.find('/', colon) == std::string::npos) {
    if (const auto version = parse_version(image.substr(colon + 1))) return version;
  }
  return observation.local.rancher.version;
}

bool agents_make_tokens(const Observation& observation) {
  const auto version = agents_version(observation);
  return !version || *version >= Version{2, 6, 7};
}

TokenMaker token_maker(const Observation& observation) {
  if (is_ranchers_own(observation)) return TokenMaker::retrust;
  const auto kubernetes = parse_version(observation.downstream.kubernetes_version);
  if (!kubernetes || *kubernetes < Version{1, 24, 0}) return TokenMaker::kubernetes;
  return agents_make_tokens(observation) ? TokenMaker::agents : TokenMaker::retrust;
}

/// True if the agents take the first secret that their account lists.
static bool take_first_secret(const Observation& observation) {
  if (is_ranchers_own(observation)) return false;
  const auto version = agents_version(observation);
  return version && *version >= Version{2, 5, 8} && *version < Version{2, 6, 7};
}

bool needs_first_place(const Observation& observation) {
  return !account_trouble(observation).empty() ||
         (take_first_secret(observation) && observation.downstream.account_lists_others);
}

std::string account_trouble(const Observation& observation) {
  if (!take_first_secret(observation)) return {};
  const auto& first = observation.downstream.account_secret;
  const auto listed_later = token_maker(observation) == TokenMaker::kubernetes;
  if (first.empty()) {
    return listed_later ? "" : "the service account cattle lists no token secret";
  }
  const auto& tokens = observation.downstream.tokens;
  const auto found = std::any_of(tokens.begin(), tokens.end(),
                                 [&](const TokenSecret& secret) { return secret.name == first; });
  if (found) return {};
  return fmt::format(
      "the service account cattle lists {} first, which is no token secret that is "
      "there",
      first);
}

json::object new_account_secret(const NamespaceName& name_space, const ObjectName& account,
                                const Uid& account_uid, const ObjectName& name) {
  json::object owner;
  owner["apiVersion"] = "v1";
  owner["kind"] = "ServiceAccount";
  owner["name"] = account.text();
  owner["uid"] = account_uid.text();
  json::object annotations;
  annotations["kubernetes.io/service-account.name"] = account.text();
  json::object labels;
  labels["cattle.io/service-account.name"] = account.text();
  json::object metadata;
  metadata["name"] = name.text();
  metadata["namespace"] = name_space.text();
  metadata["annotations"] = std::move(annotations);
  metadata["labels"] = std::move(labels);
  metadata["ownerReferences"] = json::array{std::move(owner)};
  json::object secret;
  secret["apiVersion"] = "v1";
  secret["kind"] = "Secret";
  secret["type"] = "kubernetes.io/service-account-token";
  secret["metadata"] = std::move(metadata);
  return secret;
}

void list_secret_first(json::object& account, const ObjectName& secret,
                       const std::set<ObjectName>& there) {
  json::array listed{named(secret)};
  if (const auto* before = account.if_contains("secrets");
      before != nullptr && before->is_array()) {
    for (const auto& reference : before->get_array()) {
      const auto* object = reference.if_object();
      const auto* name = object == nullptr ? nullptr : object->if_contains("name");
      if (name == nullptr || !name->is_string()) continue;
      const std::string text(name->get_string());
      if (secret != text && ObjectNameRule::allows(text) && there.contains(text))
        listed.push_back(reference);
    }
  }
  account["secrets"] = std::move(listed);
}

bool agree_on_ca(const Downstream& downstream, const TokenSecret& secret) {
  return !downstream.root_ca || secret.credentials.ca_pem.empty() ||
         same_certificates(*downstream.root_ca, secret.credentials.ca_pem);
}

}  // namespace retrust
