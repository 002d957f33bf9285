// What Rancher's own cluster holds when the sandbox starts.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "accounts.h"
#include "json_util.h"
#include "records.h"
#include "world.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;
const std::string servers(agents_namespace);
void add_namespace(Store& store, const std::string& name) {
  auto made = bare("v1", "Namespace");
  put(made, "/status/phase", "Active");
  store.create({"namespaces", "", name}, std::move(made));
}

}  // namespace

void World::add_cluster_resource(const std::string& id, ClusterSpec spec) {
  spec.kubernetes = settings_.kubernetes.git_version;
  spec.tunnel_check = settings_.rancher.tunnel_check;
  local_->store().create({"clusters.management.cattle.io", "", id}, cluster_resource(spec));
}

void World::fill_local() {
  auto& store = local_->store();
  for (const auto* name : {"default", "kube-system", "cattle-system", "cattle-global-data"}) {
    add_namespace(store, name);
  }
  for (const auto& each : downstreams_) each->add_record();
  const auto other_ca = secret_data(other_authority_.pem());
  add_cluster_resource("c-m4q9d", {.display_name = "staging", .ca_base64 = other_ca});
  // rancher/rancher v2.15.0, pkg/data/dashboard/cluster_data.go: Rancher makes it with Ready True.
  add_cluster_resource(
      "local",
      {.display_name = "local", .ca_base64 = secret_data(local_authority_.pem()), .ready = "True"});
  if (settings_.faults.has("twin-name")) {
    add_cluster_resource("c-twin2", {.display_name = "production", .ca_base64 = other_ca});
  }

  const auto add_setting = [&](const std::string& name, json::value made) {
    store.create({"settings.management.cattle.io", "", name}, std::move(made));
  };
  add_setting("server-version", setting("", settings_.rancher.version));
  add_setting("server-url", setting("https://rancher.example.com", ""));
  const auto changed = settings_.faults.value("new-pods") == "wrong-ca";
  add_setting("cacerts", setting(changed ? "another" : std::string(rancher_ca), ""));
  for (const auto& resource : rancher_resources(settings_.rancher)) {
    store.create({"customresourcedefinitions.apiextensions.k8s.io", "", resource.id()},
                 definition(resource));
  }

  if (backup_operator_) {
    backup_operator_->add_resource_sets();
    for (const auto& resource : backup_operator_resources()) {
      store.create({"customresourcedefinitions.apiextensions.k8s.io", "", resource.id()},
                   definition(resource));
    }
  }
  auto node = bare("v1", "Node");
  put(node, "/status/nodeInfo/kubeletVersion", local_->kubernetes().git_version);
  store.create({"nodes", "", "rancher-1"}, std::move(node));

  const std::string app = settings_.faults.has("cattle-deployment") ? "cattle" : "rancher";
  const auto image = "rancher/rancher:" + settings_.rancher.version;
  store.create({"deployments.apps", servers, app}, workload({"Deployment", app, app, image}));
  const auto account =
      add_account(*local_, {.name_space = servers, .name = app, .signer = local_->account_key});
  local_controllers_->start_pod({.account = app,
                                 .app = app,
                                 .image = image,
                                 .owner_kind = "ReplicaSet",
                                 .owner = app + "-5c9d8f7b6",
                                 .secrets = {account.mountable},
                                 .started = pods_started()},
                                PodState::running);
  if (settings_.records > 0) add_records(store, settings_.rancher, settings_.records);
}

}  // namespace retrust::sandbox
