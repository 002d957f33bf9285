#include "accounts.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "account_token.h"
#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

json::value reference_to(const std::string& name) {
  json::object reference;
  reference["name"] = name;
  return reference;
}

}  // namespace

Account add_account(Cluster& cluster, const AccountSpec& spec) {
  auto account = bare("v1", "ServiceAccount");
  put(account, "/metadata/name", spec.name);
  put(account, "/metadata/namespace", spec.name_space);
  put(account, "/metadata/uid", random_uid());
  put(account, "/metadata/creationTimestamp", accounts_made());
  if (!spec.label.empty()) {
    place_at(account, "/metadata/labels").emplace_object()[spec.label] = "true";
  }
  Account added;
  json::array references;
  const auto add_secret = [&](const std::string& name, json::value secret) {
    const TokenSecretSpec described{.name = name,
                                    .account = spec.name,
                                    .account_uid = text_at(account, "/metadata/uid"),
                                    .name_space = spec.name_space};
    put(secret, "/metadata/creationTimestamp", accounts_made());
    put(secret, "/metadata/annotations/kubernetes.io~1service-account.uid", described.account_uid);
    put(secret, "/data", token_data(described, spec.signer, cluster.handed_out_ca_base64()));
    added.token_base64 = text_at(secret, "/data/token");
    if (spec.secrets == AccountSpec::Secrets::gone) return;
    cluster.store().create({"secrets", spec.name_space, name}, std::move(secret));
  };
  // Its own token secret is in no list: the account is never asked to mount it.
  const auto add_dockercfg = [&] {
    const auto token = spec.name + "-token-" + random_suffix(5);
    const auto named = added.token_base64;
    add_secret(token, token_secret({.name = {}, .account = spec.name, .account_uid = {}}));
    added.token_base64 = named;
    const auto* owner = cluster.store().find({"secrets", spec.name_space, token});
    if (owner == nullptr) return;
    auto made = dockercfg_secret(*owner);
    put(made, "/metadata/creationTimestamp", accounts_made());
    const auto name = spec.name + "-dockercfg-" + random_suffix(5);
    cluster.store().create({"secrets", spec.name_space, name}, std::move(made));
    const auto place =
        cluster.dockercfg == Cluster::Dockercfg::first ? references.begin() : references.end();
    references.insert(place, reference_to(name));
  };
  const auto automatic_secret = [&] {
    return token_secret({.name = {}, .account = spec.name, .account_uid = {}});
  };

  auto own = spec.how ? own_token_name(*spec.how, spec.name) : std::string();
  const auto automatic = cluster.kubernetes().account_tokens == AccountTokens::automatic;
  for (const auto& name : spec.more_tokens) {
    add_secret(name, automatic_secret());
    if (automatic) references.push_back(reference_to(name));
  }
  if (automatic || (spec.how && own.empty())) {
    added.mountable = spec.name + "-token-" + random_suffix(5);
    add_secret(added.mountable, automatic_secret());
    references.insert(references.begin(), reference_to(added.mountable));
    if (spec.how == AccountSecret::any) own.clear();  // this one will do
  }
  if (!own.empty()) {
    add_secret(own, own_token_secret(*spec.how, account));
    refer_to(*spec.how, account, own);
  }
  if (cluster.dockercfg != Cluster::Dockercfg::absent) add_dockercfg();
  if (!references.empty() && spec.secrets == AccountSpec::Secrets::there) {
    put(account, "/secrets", std::move(references));
  }
  cluster.store().create({"serviceaccounts", spec.name_space, spec.name}, std::move(account));
  return added;
}

}  // namespace retrust::sandbox
