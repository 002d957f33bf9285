// From rancher/rancher, pkg/agent/cluster/cluster.go and pkg/serviceaccounttoken/secret.go.
#include "account_token.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

constexpr std::string_view label = "/metadata/labels/cattle.io~1service-account.name";
constexpr std::string_view annotation =
    "/metadata/annotations/rancher.io~1service-account.secret-ref";

std::string name_of(const json::value& object) {
  return text_at(object, "/metadata/name");
}

}  // namespace

bool is_token_secret(const json::value& secret) {
  return text_at(secret, "/type") == "kubernetes.io/service-account-token";
}

std::string account_of(const json::value& secret) {
  return text_at(secret, "/metadata/annotations/kubernetes.io~1service-account.name");
}

TokenSecrets::TokenSecrets(const Objects& objects, const std::string& name_space) {
  for (const auto* secret : objects.list("secrets", name_space)) {
    by_name_[name_of(*secret)] = secret;
    if (is_token_secret(*secret)) by_account_[account_of(*secret)].push_back(secret);
  }
}

std::string TokenSecrets::find(AccountSecret how, const json::value& account) const {
  const auto there = [this](const std::string& name) {
    return by_name_.contains(name) ? name : std::string();
  };
  const auto name = name_of(account);
  const auto found = by_account_.find(name);
  switch (how) {
    case AccountSecret::mounted:
    case AccountSecret::referenced:
      return there(text_at(account, "/secrets/0/name"));
    case AccountSecret::fixed_name:
      return there(own_token_name(how, name));
    case AccountSecret::any:
      return found == by_account_.end() ? std::string() : name_of(*found->second.front());
    case AccountSecret::annotated: {
      const auto reference = text_at(account, annotation);
      auto referred = there(reference.substr(reference.find('/') + 1));
      return referred.empty() ? find(AccountSecret::labelled, account) : referred;
    }
    case AccountSecret::labelled:
      break;
  }
  if (found == by_account_.end()) return {};
  const auto labelled =
      std::find_if(found->second.begin(), found->second.end(),
                   [&](const json::value* secret) { return text_at(*secret, label) == name; });
  return labelled == found->second.end() ? std::string() : name_of(**labelled);
}

json::value own_token_secret(AccountSecret how, const json::value& account) {
  const auto name = name_of(account);
  auto secret = token_secret({.name = {}, .account = name, .account_uid = {}});
  // The token controller adds the uid.
  secret.at("metadata").at("annotations").as_object().erase("kubernetes.io/service-account.uid");
  if (how == AccountSecret::labelled || how == AccountSecret::annotated) put(secret, label, name);
  json::object owner;
  owner["apiVersion"] = "v1";
  owner["kind"] = "ServiceAccount";
  owner["name"] = name;
  owner["uid"] = text_at(account, "/metadata/uid");
  put(secret, "/metadata/ownerReferences", json::array{owner});
  return secret;
}

std::string own_token_name(AccountSecret how, const std::string& account) {
  if (how == AccountSecret::mounted || how == AccountSecret::referenced) return {};
  if (how == AccountSecret::fixed_name) return account + "-token";
  return account + "-token-" + random_suffix(5);
}

void refer_to(AccountSecret how, json::value& account, const std::string& secret) {
  if (how != AccountSecret::annotated) return;
  put(account, annotation, text_at(account, "/metadata/namespace") + "/" + secret);
}

void make_token_secret(Objects& objects, AccountSecret how, const ObjectKey& account,
                       const std::string& name) {
  const auto* present = objects.find(account);
  if (present == nullptr) return;
  auto referring = *present;
  refer_to(how, referring, name);
  auto secret = own_token_secret(how, *present);
  objects.add({"secrets", account.name_space, name}, std::move(secret));
  objects.update(account, std::move(referring));
}

}  // namespace retrust::sandbox
