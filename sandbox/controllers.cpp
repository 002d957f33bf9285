#include "controllers.h"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "json_util.h"
#include "pki.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

const std::string name_space(agents_namespace);
const ObjectKey account_key{"serviceaccounts", name_space, "cattle"};

bool is_token_secret(const json::value& secret) {
  return text_at(secret, "/type") == "kubernetes.io/service-account-token" &&
         text_at(secret, "/metadata/annotations/kubernetes.io~1service-account.name") == "cattle";
}

}  // namespace

Controllers::Controllers(Cluster& cluster, Scheduler& scheduler, Settings& settings, Log& log)
    : cluster_(cluster), scheduler_(scheduler), settings_(settings), log_(log) {
  cluster_.store().observe([this](const Change& change) { look(change); });
}

void Controllers::look(const Change& change) {
  if (change.key.resource == "secrets" && is_token_secret(change.object)) {
    if (change.type == Change::Type::deleted) ensure_token();
    if (change.type == Change::Type::added && text_at(change.object, "/data/token").empty()) {
      const auto key = change.key;
      const auto standard = settings_.pace == Pace::quick ? 5 : 20;
      scheduler_.after(settings_.faults.has("slow-token")
                           ? settings_.faults.milliseconds("slow-token", 2000)
                           : std::chrono::milliseconds{standard},
                       [this, key] { fill_token(key); });
    }
  }
  if (change.key.resource == "pods" && change.type == Change::Type::modified &&
      text_at(change.before, "/metadata/deletionTimestamp").empty() &&
      !text_at(change.object, "/metadata/deletionTimestamp").empty()) {
    const auto found = pods_.find(change.key.name);
    if (found != pods_.end() && !found->second.owner.empty()) replace_pod(found->second);
  }
  if (change.key.resource == "deployments.apps") {
    const auto* generation = find_at(change.object, "/metadata/generation");
    if (generation == nullptr) return;
    const auto now = generation->to_number<std::int64_t>();
    auto& known = generations_.try_emplace(change.key.name, now).first->second;
    if (now > known) {
      known = now;
      roll_out(change.key);
    }
  }
}

std::string Controllers::present_token_secret() const {
  const auto* account = cluster_.store().find(account_key);
  if (account == nullptr) return {};
  const auto* secrets = find_at(*account, "/secrets");
  if (secrets == nullptr || !secrets->is_array()) return {};
  for (const auto& reference : secrets->get_array()) {
    const auto name = text_at(reference, "/name");
    const auto* secret = cluster_.store().find({"secrets", name_space, name});
    if (secret != nullptr && !text_at(*secret, "/data/token").empty()) return name;
  }
  return {};
}

void Controllers::secrets_watched() {
  if (!present_token_secret().empty() || settings_.faults.value("no-token") != "late") return;
  scheduler_.after(std::chrono::milliseconds{500}, [this] { make_token(); });
}

void Controllers::ensure_token() {
  if (settings_.faults.has("no-token") || token_work_ == TokenWork::under_way) return;
  // Up to Kubernetes 1.23 an account always has a token secret; another one that is there will do.
  token_work_ = TokenWork::under_way;
  scheduler_.after(std::chrono::milliseconds{settings_.pace == Pace::quick ? 20 : 50}, [this] {
    token_work_ = TokenWork::none;
    const auto secrets = cluster_.store().list("secrets", name_space);
    const auto there = std::any_of(secrets.begin(), secrets.end(), [](const json::value* secret) {
      return is_token_secret(*secret);
    });
    if (!there) make_token();
  });
}

void Controllers::make_token() {
  auto& store = cluster_.store();
  const auto* account = store.find(account_key);
  if (account == nullptr) return;
  TokenSecretSpec spec{.name = "cattle-token-" + random_suffix(5),
                       .account = "cattle",
                       .account_uid = text_at(*account, "/metadata/uid")};
  json::object reference;
  reference["name"] = spec.name;
  auto changed = *account;
  put(changed, "/secrets", json::array{reference});
  store.update(account_key, std::move(changed));
  store.create({"secrets", name_space, spec.name}, token_secret(spec));
  log_.event("token-controller", "created", spec.name);
}

void Controllers::fill_token(const ObjectKey& key) {
  const auto* secret = cluster_.store().find(key);
  if (secret == nullptr) return;
  const TokenSecretSpec spec{
      .name = key.name,
      .account = "cattle",
      .account_uid = text_at(*secret, "/metadata/annotations/kubernetes.io~1service-account.uid")};
  auto filled = *secret;
  put(filled, "/data", token_data(spec, cluster_.account_key, cluster_.handed_out_ca));
  cluster_.store().update(key, std::move(filled));
  log_.event("token-controller", "filled", key.name);
}

void Controllers::start_pod(const PodSpec& spec, PodState state) {
  const auto name = (spec.owner.empty() ? spec.app : spec.owner) + "-" + random_suffix(5);
  pods_[name] = spec;
  cluster_.store().create({"pods", name_space, name}, pod(spec, state));
}

void Controllers::replace_pod(const PodSpec& spec) {
  auto replacement = spec;
  replacement.started.clear();
  if (spec.account == "cattle" && cluster_.name() != "local") {
    // The API server adds the account's token when a pod is made, and refuses the pod as long as
    // there is none; its workload tries again.
    const auto token = present_token_secret();
    if (token.empty()) {
      scheduler_.after(settings_.delay(200), [this, spec] { replace_pod(spec); });
      return;
    }
    std::erase_if(replacement.secrets,
                  [](const std::string& name) { return name.starts_with("cattle-token"); });
    replacement.secrets.push_back(token);
  }
  start_pod(replacement, PodState::pending);
}

void Controllers::roll_out(const ObjectKey& deployment) {
  auto& store = cluster_.store();
  const auto app = text_at(*store.find(deployment), "/spec/template/metadata/labels/app");
  std::vector<ObjectKey> old;
  PodSpec spec;
  for (const auto* pod : store.list("pods", name_space)) {
    if (text_at(*pod, "/metadata/labels/app") != app) continue;
    old.push_back({"pods", name_space, text_at(*pod, "/metadata/name")});
    spec = pods_[old.back().name];
    // It will not be replaced by another of its kind: the new ReplicaSet has its own.
    pods_[old.back().name].owner.clear();
  }
  log_.event("workload", "rollout", deployment.name);
  auto changed = *store.find(deployment);
  put(changed, "/status/observedGeneration",
      find_at(changed, "/metadata/generation")->to_number<std::int64_t>());
  put(changed, "/status/replicas", 2);
  put(changed, "/status/updatedReplicas", 1);
  store.update(deployment, std::move(changed));
  if (settings_.faults.has("rollout-awaits-reader")) held_rollouts_.insert(deployment);
  spec.owner = deployment.name + "-" + random_suffix(9);
  spec.started.clear();
  start_pod(spec, PodState::pending);
  // Old pods go when new ones are ready.
  const auto number = std::make_shared<int>(0);
  *number =
      store.observe([this, owner = spec.owner, old, deployment, number](const Change& change) {
        if (change.key.resource != "pods" || !change.key.name.starts_with(owner) ||
            text_at(change.object, "/status/phase") != "Running") {
          return;
        }
        cluster_.store().unobserve(*number);
        for (const auto& key : old) {
          const auto* present = cluster_.store().find(key);
          if (present == nullptr) continue;
          auto told = *present;
          put(told, "/metadata/deletionTimestamp", now_text());
          cluster_.store().update(key, std::move(told));
        }
        if (settings_.faults.has("rollout-awaits-reader")) return;
        scheduler_.after(settings_.delay(300), [this, deployment] { end_roll_out(deployment); });
      });
}

void Controllers::deployments_read() {
  for (const auto& deployment : std::exchange(held_rollouts_, {})) {
    // Not before the reader has the answer.
    scheduler_.after(std::chrono::milliseconds{0},
                     [this, deployment] { end_roll_out(deployment); });
  }
}

void Controllers::end_roll_out(const ObjectKey& deployment) {
  auto done = *cluster_.store().find(deployment);
  put(done, "/status/replicas", 1);
  put(done, "/status/availableReplicas", 1);
  cluster_.store().update(deployment, std::move(done));
}

}  // namespace retrust::sandbox
