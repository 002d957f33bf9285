// As pkg/controller/serviceaccount/tokens_controller.go of Kubernetes.
#include "token_controller.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "account_token.h"
#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

const ObjectKey agents_account{"serviceaccounts", std::string(agents_namespace), "cattle"};

ObjectKey account_key(const ObjectKey& secret, const json::value& object) {
  return {"serviceaccounts", secret.name_space, account_of(object)};
}

json::array references(const json::value& account) {
  const auto* listed = find_at(account, "/secrets");
  return listed != nullptr && listed->is_array() ? listed->get_array() : json::array{};
}

}  // namespace

TokenController::TokenController(Cluster& cluster, Scheduler& scheduler, const Settings& settings,
                                 Log& log)
    : cluster_(cluster), scheduler_(scheduler), settings_(settings), log_(log) {
  cluster_.store().observe([this](const Change& change) { look(change); });
}

void TokenController::look(const Change& change) {
  if (change.key.resource == "serviceaccounts" && change.type == Change::Type::added &&
      references(change.object).empty()) {
    ensure(change.key);
  }
  if (change.key.resource != "secrets" || !is_token_secret(change.object)) return;
  if (change.type == Change::Type::deleted) {
    const auto account = account_key(change.key, change.object);
    drop_reference(account, change.key.name);
    ensure(account);
  }
  if (change.type == Change::Type::added && text_at(change.object, "/data/token").empty()) {
    const auto standard = settings_.pace == Pace::quick ? 5 : 20;
    scheduler_.after(settings_.faults.has("slow-token")
                         ? settings_.faults.milliseconds("slow-token", 2000)
                         : std::chrono::milliseconds{standard},
                     [this, key = change.key] { fill(key); });
  }
}

void TokenController::drop_reference(const ObjectKey& account, const std::string& secret) {
  const auto* present = cluster_.store().find(account);
  if (present == nullptr) return;
  auto kept = references(*present);
  const auto* end = std::remove_if(kept.begin(), kept.end(), [&](const json::value& reference) {
    return text_at(reference, "/name") == secret;
  });
  if (end == kept.end()) return;
  kept.erase(end, kept.end());
  auto changed = *present;
  put(changed, "/secrets", std::move(kept));
  cluster_.store().update(account, std::move(changed));
}

bool TokenController::has_referenced(const json::value& account) const {
  const auto listed = references(account);
  const auto name_space = text_at(account, "/metadata/namespace");
  return std::any_of(listed.begin(), listed.end(), [&](const json::value& reference) {
    const auto* secret =
        cluster_.store().find({"secrets", name_space, text_at(reference, "/name")});
    return secret != nullptr && is_token_secret(*secret) &&
           account_of(*secret) == text_at(account, "/metadata/name");
  });
}

std::string TokenController::mountable() const {
  const auto* account = cluster_.store().find(agents_account);
  if (account == nullptr) return {};
  for (const auto& reference : references(*account)) {
    auto name = text_at(reference, "/name");
    const auto* secret = cluster_.store().find({"secrets", agents_account.name_space, name});
    if (secret != nullptr && !text_at(*secret, "/data/token").empty()) return name;
  }
  return {};
}

void TokenController::secrets_watched() {
  if (settings_.faults.value("no-token") != "late" || !mountable().empty()) return;
  scheduler_.after(std::chrono::milliseconds{500}, [this] { make(agents_account); });
}

void TokenController::ensure(const ObjectKey& account) {
  if (cluster_.kubernetes().account_tokens != AccountTokens::automatic) return;
  if (account == agents_account && settings_.faults.has("no-token")) return;
  if (!in_work_.insert(account).second) return;
  const std::chrono::milliseconds moment{settings_.pace == Pace::quick ? 20 : 50};
  scheduler_.after(moment, [this, account] {
    in_work_.erase(account);
    const auto* present = cluster_.store().find(account);
    if (present != nullptr && !has_referenced(*present)) make(account);
  });
}

void TokenController::make(const ObjectKey& account) {
  auto& store = cluster_.store();
  const auto* present = store.find(account);
  if (present == nullptr) return;
  const TokenSecretSpec spec{.name = account.name + "-token-" + random_suffix(5),
                             .account = account.name,
                             .account_uid = text_at(*present, "/metadata/uid"),
                             .name_space = account.name_space};
  json::object reference;
  reference["name"] = spec.name;
  auto listed = references(*present);
  listed.emplace_back(std::move(reference));
  auto changed = *present;
  put(changed, "/secrets", std::move(listed));
  store.update(account, std::move(changed));
  store.create({"secrets", account.name_space, spec.name}, token_secret(spec));
  log_.event("token-controller", "created", spec.name);
}

void TokenController::fill(const ObjectKey& key) {
  auto& store = cluster_.store();
  const auto* secret = store.find(key);
  if (secret == nullptr) return;
  const auto* account = store.find(account_key(key, *secret));
  if (account == nullptr) {
    store.remove(key);
    log_.event("token-controller", "removed", key.name + ", which is of no service account");
    return;
  }
  const TokenSecretSpec spec{.name = key.name,
                             .account = account_of(*secret),
                             .account_uid = text_at(*account, "/metadata/uid"),
                             .name_space = key.name_space};
  auto filled = *secret;
  put(filled, "/metadata/annotations/kubernetes.io~1service-account.uid", spec.account_uid);
  const auto data = token_data(spec, cluster_.account_key, cluster_.handed_out_ca);
  for (const auto& member : data.get_object()) {
    place_at(filled, "/data/" + std::string(member.key())) = member.value();
  }
  store.update(key, std::move(filled));
  log_.event("token-controller", "filled", key.name);
}

}  // namespace retrust::sandbox
