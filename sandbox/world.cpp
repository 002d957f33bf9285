#include "world.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <sys/stat.h>

#include <boost/algorithm/string/replace.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
constexpr seconds day{86'400};
constexpr seconds since_renewal{60};

bool ca_kept(Scenario scenario) {
  return scenario == Scenario::key_only || scenario == Scenario::healthy;
}

bool key_kept(Scenario scenario) {
  return scenario == Scenario::ca_only || scenario == Scenario::healthy;
}

void write_private(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  ::chmod(path.c_str(), 0600);
  file << text;
  if (!file) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace

World::World(boost::asio::io_context& io, Settings settings, fs::path directory)
    : io_(io),
      settings_(std::move(settings)),
      directory_(std::move(directory)),
      log_(directory_),
      scheduler_(io),
      old_authority_(valid(360 * day, 5 * day)),
      new_authority_(valid(ca_kept(settings_.scenario) ? 300 * day : since_renewal, 3650 * day)),
      local_authority_(valid(300 * day, 3650 * day)),
      other_authority_(valid(300 * day, 3650 * day)),
      spare_authority_(valid(300 * day, 3650 * day), "another-ca") {
  if (!settings_.attacks.empty()) {
    for (const std::string name : {"downstream", "local"}) {
      hostile_[name] = std::make_unique<Hostile>(directory_ / ("places-" + name));
    }
  }
  for (const auto& text : settings_.attacks) attack(text);
  downstream_ = std::make_unique<Cluster>(
      io_, "downstream", new_authority_, key_kept(settings_.scenario) ? old_key_ : Key(),
      kubernetes_resources(), settings_.kubernetes, log_, hooks_of("downstream"));
  other_ = std::make_unique<Cluster>(io_, "other", other_authority_, Key(), kubernetes_resources(),
                                     settings_.kubernetes, log_, hooks_of("other"));
  auto resources = kubernetes_resources();
  const auto more = rancher_resources(settings_.rancher);
  resources.insert(resources.end(), more.begin(), more.end());
  if (settings_.backup_operator > 0) {
    const auto of_operator = backup_operator_resources();
    resources.insert(resources.end(), of_operator.begin(), of_operator.end());
  }
  if (settings_.faults.has("no-leases")) {
    std::erase_if(resources, [](const Resource& resource) { return resource.kind == "Lease"; });
  }
  auto kubernetes = kubernetes_profile("1.20");
  if (!settings_.local_version.empty()) kubernetes.git_version = settings_.local_version;
  local_ = std::make_unique<Cluster>(io_, "local", local_authority_, Key(), std::move(resources),
                                     kubernetes, log_, hooks_of("local"));
  if (settings_.backup_operator > 0) {
    backup_operator_ =
        std::make_unique<BackupOperator>(local_->store(), scheduler_, settings_, log_);
  }

  const auto controllers = [this](Cluster& cluster) {
    return std::make_unique<Controllers>(cluster, scheduler_, settings_, log_);
  };
  downstream_controllers_ = controllers(*downstream_);
  local_controllers_ = controllers(*local_);
  other_controllers_ = controllers(*other_);
  rancher_ = std::make_unique<Rancher>(io_, local_->store(), scheduler_, settings_, log_);
  kubelets_.push_back(std::make_unique<Kubelet>(
      local_->store(), scheduler_, settings_, log_,
      Kubelet::Hooks{
          .pod_ready = [this](const ObjectKey& key) { rancher_->server_ready(key.name); },
          .pod_terminating = {},
          .pod_gone = [this](const ObjectKey& key) { rancher_->server_gone(key.name); }}));
  kubelets_.push_back(
      std::make_unique<Kubelet>(other_->store(), scheduler_, settings_, log_, Kubelet::Hooks{}));

  if (settings_.faults.has("dockercfg")) {
    downstream_->dockercfg = settings_.faults.value("dockercfg") == "last"
                                 ? Cluster::Dockercfg::last
                                 : Cluster::Dockercfg::first;
  }
  hand_out_ca();
  const auto registration = random_suffix(54);
  const auto& before = ca_kept(settings_.scenario) ? new_authority_ : old_authority_;
  old_report_.token = fill_downstream(*downstream_, old_key_, registration);
  old_report_.ca_base64 = secret_data(handed_out(before));
  fill_downstream(*other_, other_->account_key, random_suffix(54));
  fill_local(stored_ca(before),
             settings_.token_of_ranchers_own() ? add_ranchers_own(*downstream_, old_key_)
                                               : old_report_.token,
             registration);

  // Only now: the agents that are there had read their credentials before the renewal.
  agents_ = std::make_unique<Agents>(
      downstream_->store(), *rancher_, scheduler_, settings_, log_,
      [this](const ObjectKey& pod) { return downstream_->bound_token(pod); });
  agents_->settled(old_report_);
  impersonators_ = std::make_unique<Impersonators>(downstream_->store(), settings_, log_);
  kubelets_.push_back(std::make_unique<Kubelet>(
      downstream_->store(), scheduler_, settings_, log_,
      Kubelet::Hooks{
          .last_words = [this](const ObjectKey& key) { return agents_->last_words(key); },
          .pod_ready = [this](const ObjectKey& key) { agents_->ready(key); },
          .pod_terminating = [this](const ObjectKey& key) { agents_->terminating(key); },
          .pod_gone = [this](const ObjectKey& key) { agents_->gone(key); }}));
  if (!ca_kept(settings_.scenario)) leave_old_ca();
}

void World::leave_old_ca() {
  const auto old = handed_out(old_authority_);
  if (settings_.faults.has("map-later")) {
    hand_out_to_maps(old);
    hand_out_later("map-later", [this] { hand_out_to_maps(downstream_->handed_out_ca()); });
  }
  if (settings_.faults.has("secrets-later")) {
    hand_out_to_secrets(old);
    hand_out_later("secrets-later", [this] { hand_out_to_secrets(downstream_->handed_out_ca()); });
  }
}

void World::hand_out_ca() {
  const auto old = settings_.faults.has("old-ca-handed-out");
  auto since = old || ca_kept(settings_.scenario)
                   ? clusters_made()
                   : time_text(std::chrono::system_clock::now() - since_renewal);
  if (settings_.faults.has("no-managed-fields")) since.clear();
  downstream_->hand_out_ca(handed_out(old ? old_authority_ : new_authority_), std::move(since));
}

std::string World::handed_out(const Authority& authority) const {
  if (!settings_.faults.has("ca-bundle")) return authority.pem();
  return authority.pem() + spare_authority_.pem();
}

std::string World::stored_ca(const Authority& authority) const {
  // The same certificates, in other words.
  auto text = settings_.faults.has("ca-bundle") ? spare_authority_.pem() + authority.pem()
                                                : authority.pem();
  // Rancher writes the additional CAs of its own installation behind the cluster's.
  if (settings_.faults.has("additional-ca")) text += spare_authority_.pem();
  if (settings_.faults.has("stored-crlf")) boost::replace_all(text, "\n", "\r\n");
  return secret_data(text);
}

Cluster::Hooks World::hooks_of(const std::string& name) {
  return {
      .before_change = [this, name](const About& about) { before_change(name, about); },
      .forbidden = settings_.faults.value(name == "downstream" ? "forbidden" : "forbidden-local"),
      .review_trouble = [this, name]() -> std::string {
        if (name != "downstream" || !settings_.faults.has("review-trouble")) return {};
        const auto text = settings_.faults.value("review-trouble");
        return text.empty() ? "context deadline exceeded" : text;
      },
      .answered = [this, name](const About& about, unsigned) { answered(name, about); },
      .watch_limit = [this]() -> std::optional<std::chrono::milliseconds> {
        if (!settings_.faults.has("close-watches")) return std::nullopt;
        return settings_.faults.milliseconds("close-watches", 150);
      },
      .hostile = hostile_.contains(name) ? hostile_.at(name).get() : nullptr};
}

void World::attack(const std::string& text) {
  const auto space = std::min(text.find(' '), text.size());
  const auto found = hostile_.find(text.substr(0, space));
  if (found == hostile_.end()) throw std::runtime_error("no such server is hostile");
  found->second->set_from(text.substr(std::min(space + 1, text.size())));
}

void World::dump() const {
  boost::json::object whole;
  for (auto* cluster : {downstream_.get(), local_.get()}) {
    boost::json::array objects;
    for (const auto& [key, object] : cluster->store().all()) objects.push_back(object);
    whole[cluster->name()] = std::move(objects);
  }
  write_private(directory_ / "dump.json", boost::json::serialize(whole));
}

void World::start(std::function<void()> ready) {
  downstream_->server().start();
  local_->server().start();
  other_->server().start();
  write_kubeconfigs();
  rancher_->deploy_by([this] { return deploy_agents(); });
  rancher_->start(downstream_->server().port());
  ready();
}

void World::end() {
  scheduler_.end();
  for (const auto* cluster : {&downstream_, &local_, &other_}) (*cluster)->server().stop();
}

void World::write_kubeconfigs() {
  const auto write = [&](const std::string& name, const std::string& text) {
    write_private(directory_ / (name + ".kubeconfig"), text);
  };
  const auto& new_ca = new_authority_.pem();
  const auto& local_ca = local_authority_.pem();
  write("downstream", downstream_->kubeconfig("admin", new_ca));
  write("downstream-before-renewal", downstream_->kubeconfig("admin", old_authority_.pem()));
  write("downstream-limited", downstream_->kubeconfig("viewer", new_ca));
  write("downstream-insecure", downstream_->kubeconfig("admin", ""));
  write("downstream-through-rancher",
        local_->kubeconfig("admin", local_ca, fmt::format("/k8s/clusters/{}", cluster_id)));
  write("local", local_->kubeconfig("admin", local_ca));
  write("local-limited", local_->kubeconfig("viewer", local_ca));
  write("local-through-rancher", local_->kubeconfig("admin", local_ca, "/k8s/clusters/local"));
  write("other", other_->kubeconfig("admin", other_authority_.pem()));
  // For whoever stands in front of a server and must look like it.
  fs::create_directories(directory_ / "pki");
  for (const auto* cluster : {downstream_.get(), local_.get()}) {
    const auto& identity = cluster->identity();
    write_private(directory_ / "pki" / (cluster->name() + ".crt"), identity.certificate_pem);
    write_private(directory_ / "pki" / (cluster->name() + ".key"), identity.key_pem);
  }
}

}  // namespace retrust::sandbox
