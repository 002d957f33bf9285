// The renewal of a downstream cluster's CA, and how its controllers hand a CA out.
#include <utility>

#include "account_token.h"
#include "downstream.h"
#include "json_util.h"
#include "others.h"

namespace retrust::sandbox {

void Downstream::renew() {
  old_authority_ = new_authority_;
  new_authority_ = Authority(valid(std::chrono::seconds{60}, std::chrono::days{3650}));
  cluster_->account_key = Key();
  if (!settings_.faults.has("old-ca-handed-out")) {
    cluster_->hand_out_ca(handed_out(new_authority_),
                          settings_.faults.has("no-managed-fields") ? "" : now_text());
  }
  // The controller manager writes the CA into what is there, and never touches a token. Its
  // controllers for ConfigMaps and for Secrets do not wait for each other.
  hand_out_later("map-later", [this] { hand_out_to_maps(cluster_->handed_out_ca()); });
  hand_out_later("secrets-later", [this] { hand_out_to_secrets(cluster_->handed_out_ca()); });
  auto& server = cluster_->server();
  server.stop();
  cluster_->show(new_authority_.issue_server());
  server.start();
  log_.event("administrator", "renewed", "CA and service account key");
}

void Downstream::hand_out_later(const std::string& fault, std::function<void()> write) {
  if (!settings_.faults.has(fault)) {
    write();
  } else if (!settings_.faults.value(fault).empty()) {
    scheduler_.after(settings_.faults.milliseconds(fault, 0), std::move(write));
  }
}

void Downstream::hand_out_to_maps(const std::string& ca_pem) {
  auto& store = cluster_->store();
  std::vector<ObjectKey> bearers;
  for (const auto* map : store.list("configmaps", "")) {
    if (text_at(*map, "/metadata/name") != "kube-root-ca.crt") continue;
    bearers.push_back({"configmaps", text_at(*map, "/metadata/namespace"), "kube-root-ca.crt"});
  }
  write_ca(bearers, ca_pem);
}

void Downstream::hand_out_to_secrets(const std::string& ca_pem) {
  auto& store = cluster_->store();
  std::vector<ObjectKey> bearers;
  for (const auto* secret : store.list("secrets", "")) {
    if (!is_token_secret(*secret)) continue;
    bearers.push_back(
        {"secrets", text_at(*secret, "/metadata/namespace"), text_at(*secret, "/metadata/name")});
  }
  write_ca(bearers, secret_data(ca_pem));
}

void Downstream::write_ca(const std::vector<ObjectKey>& bearers, const std::string& text) {
  auto& store = cluster_->store();
  for (const auto& key : bearers) {
    const auto* present = store.find(key);
    if (present == nullptr) continue;
    auto changed = *present;
    put(changed, "/data/ca.crt", text);
    // A write of the present CA tells when.
    if (text == cluster_->handed_out_ca()) publish_ca(*cluster_, changed);
    store.update(key, std::move(changed));
  }
}

void Downstream::hand_out() {
  hand_out_to_maps(cluster_->handed_out_ca());
  hand_out_to_secrets(cluster_->handed_out_ca());
}

void Downstream::gain_ca(const std::string& pem) {
  cluster_->hand_out_ca(cluster_->handed_out_ca() + pem, now_text());
  hand_out();
}

void Downstream::leave_old_ca() {
  const auto old = handed_out(old_authority_);
  if (settings_.faults.has("map-later")) {
    hand_out_to_maps(old);
    hand_out_later("map-later", [this] { hand_out_to_maps(cluster_->handed_out_ca()); });
  }
  if (settings_.faults.has("secrets-later")) {
    hand_out_to_secrets(old);
    hand_out_later("secrets-later", [this] { hand_out_to_secrets(cluster_->handed_out_ca()); });
  }
}

}  // namespace retrust::sandbox
