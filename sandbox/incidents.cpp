// What happens in the clusters without anybody's asking: faults, restarts, a renewal.
#include <utility>

#include <fmt/format.h>

#include "account_token.h"
#include "json_util.h"
#include "objects.h"
#include "others.h"
#include "world.h"

namespace retrust::sandbox {
void World::before_change(const std::string& server, const About& about) {
  if (server == "local" && about.resource == "clusters.management.cattle.io" &&
      (about.verb == "update" || about.verb == "patch") && settings_.faults.take("conflict")) {
    bump();
  }
}

void World::answered(const std::string& server, const About& about) {
  if (server == "downstream" && about.verb == "watch" && about.resource == "secrets") {
    downstream_controllers_->tokens().secrets_watched();
  }
  if (server == "local" && about.resource == "deployments.apps" &&
      (about.verb == "get" || about.verb == "list")) {
    local_controllers_->deployments_read();
  }
  if (server == "downstream" && about.verb == "delete" && about.resource == "pods" &&
      settings_.faults.take("restart-downstream")) {
    restart(*downstream_, std::chrono::milliseconds{500});
  }
  if (server == "local" && about.verb == "watch" &&
      about.resource == "clusters.management.cattle.io" && settings_.faults.take("restart-local")) {
    restart(*local_, std::chrono::milliseconds{500});
  }
}

void World::restart(Cluster& cluster, std::chrono::milliseconds away) {
  scheduler_.after(std::chrono::milliseconds{20}, [this, &cluster, away] {
    log_.event("fault", "down", cluster.name());
    cluster.server().stop();
    scheduler_.after(away, [this, &cluster] {
      cluster.server().start();
      log_.event("fault", "up", cluster.name());
    });
  });
}

void World::bump() {
  const ObjectKey key{"clusters.management.cattle.io", "", std::string(cluster_id)};
  auto changed = *local_->store().find(key);
  put(changed, "/metadata/annotations/example.com~1changed-by", "somebody-else");
  local_->store().update(key, std::move(changed));
  log_.event("somebody-else", "changed", std::string(cluster_id));
}

void World::renew() {
  old_authority_ = new_authority_;
  new_authority_ = Authority(valid(std::chrono::seconds{60}, std::chrono::days{3650}));
  downstream_->account_key = Key();
  if (!settings_.faults.has("old-ca-handed-out")) {
    downstream_->hand_out_ca(handed_out(new_authority_),
                             settings_.faults.has("no-managed-fields") ? "" : now_text());
  }
  // The controller manager writes the CA into what is there, and never touches a token. Its
  // controllers for ConfigMaps and for Secrets do not wait for each other.
  hand_out_later("map-later", [this] { hand_out_to_maps(downstream_->handed_out_ca()); });
  hand_out_later("secrets-later", [this] { hand_out_to_secrets(downstream_->handed_out_ca()); });
  auto& server = downstream_->server();
  server.stop();
  downstream_->show(new_authority_.issue_server());
  server.start();
  write_kubeconfigs();
  log_.event("administrator", "renewed", "CA and service account key");
}

void World::hand_out_later(const std::string& fault, std::function<void()> write) {
  if (!settings_.faults.has(fault)) {
    write();
  } else if (!settings_.faults.value(fault).empty()) {
    scheduler_.after(settings_.faults.milliseconds(fault, 0), std::move(write));
  }
}

void World::hand_out_to_maps(const std::string& ca_pem) {
  auto& store = downstream_->store();
  std::vector<ObjectKey> bearers;
  for (const auto* map : store.list("configmaps", "")) {
    if (text_at(*map, "/metadata/name") != "kube-root-ca.crt") continue;
    bearers.push_back({"configmaps", text_at(*map, "/metadata/namespace"), "kube-root-ca.crt"});
  }
  write_ca(bearers, ca_pem);
}

void World::hand_out_to_secrets(const std::string& ca_pem) {
  auto& store = downstream_->store();
  std::vector<ObjectKey> bearers;
  for (const auto* secret : store.list("secrets", "")) {
    if (!is_token_secret(*secret)) continue;
    bearers.push_back(
        {"secrets", text_at(*secret, "/metadata/namespace"), text_at(*secret, "/metadata/name")});
  }
  write_ca(bearers, secret_data(ca_pem));
}

void World::write_ca(const std::vector<ObjectKey>& bearers, const std::string& text) {
  auto& store = downstream_->store();
  for (const auto& key : bearers) {
    const auto* present = store.find(key);
    if (present == nullptr) continue;
    auto changed = *present;
    put(changed, "/data/ca.crt", text);
    // A write of the present CA tells when.
    if (text == downstream_->handed_out_ca()) publish_ca(*downstream_, changed);
    store.update(key, std::move(changed));
  }
}

std::string World::command(const std::string& line) {
  if (line == "bump") {
    bump();
  } else if (line == "renew") {
    renew();
  } else if (line == "hand-out-ca") {
    hand_out_to_maps(downstream_->handed_out_ca());
    hand_out_to_secrets(downstream_->handed_out_ca());
  } else if (line == "gain-ca") {
    downstream_->hand_out_ca(downstream_->handed_out_ca() + local_authority_.pem(), now_text());
    hand_out_to_maps(downstream_->handed_out_ca());
    hand_out_to_secrets(downstream_->handed_out_ca());
  } else if (line == "restart local") {
    restart(*local_, std::chrono::milliseconds{1000});
  } else if (line == "restart downstream") {
    restart(*downstream_, std::chrono::milliseconds{1000});
  } else if (line == "stop local") {
    local_->server().stop();
  } else if (line == "stop downstream") {
    downstream_->server().stop();
  } else if (line == "use-impersonation") {
    impersonators_->use();
  } else if (line == "dump") {
    dump();
  } else if (line.starts_with("hostile ")) {
    attack(line.substr(8));
  } else if (line.starts_with("fault ")) {
    settings_.faults.set_from(line.substr(6));
    if (settings_.faults.take("credential-missing")) remove_credential(local_->store(), log_);
  } else if (line.starts_with("mend ")) {
    settings_.faults.take(line.substr(5));
  } else {
    return "there is no such command";
  }
  return {};
}

}  // namespace retrust::sandbox
