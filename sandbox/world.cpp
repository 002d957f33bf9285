#include "world.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <sys/stat.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "downstream_fill.h"
#include "fleet.h"
#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

namespace fs = std::filesystem;
using std::chrono::days;

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
      local_authority_(valid(days{300}, days{3650})),
      other_authority_(valid(days{300}, days{3650})) {
  if (!settings_.attacks.empty()) {
    for (const std::string name : {"downstream", "local"}) {
      hostile_[name] = std::make_unique<Hostile>(directory_ / ("places-" + name));
    }
  }
  for (const auto& text : settings_.attacks) attack(text);
  const auto common = settings_;
  if (!settings_.mix.empty()) settings_ = in_state(common, settings_.mix.front());
  make_local();
  make_other();
  make_downstreams(common);
  fill_local();
  for (const auto& each : downstreams_) each->settle();
  // Nobody has watched yet. With what happened so far many would take twice the memory.
  if (downstreams_.size() == 1) return;
  for (const auto& each : downstreams_) each->cluster().store().forget();
  local_->store().forget();
}

void World::make_downstreams(const Settings& common) {
  for (int number = 1; number <= settings_.clusters; ++number) {
    auto* settings = &settings_;
    if (number > 1) {
      const auto place = static_cast<std::size_t>(number - 1) % common.mix.size();
      settings = &settings_of_others_.emplace_back(in_state(common, common.mix.at(place)));
    }
    downstreams_.push_back(std::make_unique<Downstream>(
        Downstream::Surroundings{.io = io_,
                                 .local = local_->store(),
                                 .scheduler = scheduler_,
                                 .log = log_,
                                 .hostile = number == 1 ? hostile("downstream") : nullptr},
        names_of(number, *settings), *settings));
  }
}

Downstream* World::find(const std::string& name) const {
  const auto found = std::find_if(downstreams_.begin(), downstreams_.end(), [&](const auto& each) {
    const auto& names = each->names();
    return name == names.server || name == names.id || name == names.display_name;
  });
  return found == downstreams_.end() ? nullptr : found->get();
}

void World::make_local() {
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
  local_controllers_ = std::make_unique<Controllers>(*local_, scheduler_, settings_, log_);
  kubelets_.push_back(
      std::make_unique<Kubelet>(local_->store(), scheduler_, settings_, log_,
                                Kubelet::Hooks{.pod_ready =
                                                   [this](const ObjectKey& key) {
                                                     for (const auto& each : downstreams_)
                                                       each->rancher().server_ready(key.name);
                                                   },
                                               .pod_terminating = {},
                                               .pod_gone =
                                                   [this](const ObjectKey& key) {
                                                     for (const auto& each : downstreams_)
                                                       each->rancher().server_gone(key.name);
                                                   }}));
}

void World::make_other() {
  other_ = std::make_unique<Cluster>(io_, "other", other_authority_, Key(), kubernetes_resources(),
                                     settings_.kubernetes, log_, hooks_of("other"));
  other_controllers_ = std::make_unique<Controllers>(*other_, scheduler_, settings_, log_);
  kubelets_.push_back(
      std::make_unique<Kubelet>(other_->store(), scheduler_, settings_, log_, Kubelet::Hooks{}));
  fill(*other_, *other_controllers_, settings_,
       {.signer = other_->account_key, .agent = agent_credentials(random_suffix(54), "c-m4q9d")});
}

Cluster::Hooks World::hooks_of(const std::string& name) {
  return {.before_change = [this, name](const About& about) { before_change(name, about); },
          .forbidden = settings_.faults.value("forbidden-local"),
          .review_trouble = [] { return std::string(); },
          .answered = [this, name](const About& about, unsigned) { answered(name, about); },
          .watch_limit = [this] { return settings_.faults.watch_limit(); },
          .hostile = hostile(name)};
}

Hostile* World::hostile(const std::string& name) {
  const auto found = hostile_.find(name);
  return found == hostile_.end() ? nullptr : found->second.get();
}

void World::attack(const std::string& text) {
  const auto space = std::min(text.find(' '), text.size());
  const auto found = hostile_.find(text.substr(0, space));
  if (found == hostile_.end()) throw std::runtime_error("no such server is hostile");
  found->second->set_from(text.substr(std::min(space + 1, text.size())));
}

void World::dump() const {
  std::vector<Cluster*> clusters{local_.get()};
  for (const auto& each : downstreams_) clusters.push_back(&each->cluster());
  boost::json::object whole;
  for (auto* cluster : clusters) {
    boost::json::array objects;
    for (const auto& [key, object] : cluster->store().all()) objects.push_back(object);
    whole[cluster->name()] = std::move(objects);
  }
  write_private(directory_ / "dump.json", boost::json::serialize(whole));
}

void World::start(std::function<void()> ready) {
  local_->server().start();
  other_->server().start();
  for (const auto& each : downstreams_) each->start();
  write_kubeconfigs();
  ready();
}

void World::end() {
  scheduler_.end();
  for (const auto* cluster : {&local_, &other_}) (*cluster)->server().stop();
  for (const auto& each : downstreams_) each->stop();
}

void World::write_kubeconfigs() {
  const auto write = [&](const std::string& name, const std::string& text) {
    write_private(directory_ / (name + ".kubeconfig"), text);
  };
  auto& downstream = first().cluster();
  const auto& ca = first().ca();
  const auto& local_ca = local_authority_.pem();
  write("downstream", downstream.kubeconfig("admin", ca));
  write("downstream-before-renewal", downstream.kubeconfig("admin", first().old_ca()));
  write("downstream-limited", downstream.kubeconfig("viewer", ca));
  write("downstream-insecure", downstream.kubeconfig("admin", ""));
  write("downstream-through-rancher",
        local_->kubeconfig("admin", local_ca, fmt::format("/k8s/clusters/{}", cluster_id)));
  write("local", local_->kubeconfig("admin", local_ca));
  write("local-limited", local_->kubeconfig("viewer", local_ca));
  write("local-through-rancher", local_->kubeconfig("admin", local_ca, "/k8s/clusters/local"));
  write("other", other_->kubeconfig("admin", other_authority_.pem()));
  // For whoever stands in front of a server and must look like it.
  fs::create_directories(directory_ / "pki");
  for (const auto* cluster : {&first().cluster(), local_.get()}) {
    const auto& identity = cluster->identity();
    write_private(directory_ / "pki" / (cluster->name() + ".crt"), identity.certificate_pem);
    write_private(directory_ / "pki" / (cluster->name() + ".key"), identity.key_pem);
  }
  write_kubeconfigs_of_mix();
}

void World::write_kubeconfigs_of_mix() const {
  if (settings_.mix.empty()) return;
  const auto folder = directory_ / "kubeconfigs";
  fs::create_directories(folder);
  for (const auto& each : downstreams_) {
    const auto& name = each->names().display_name;
    const auto wrong = each->settings().state == State::wrong_kubeconfig;
    const auto text = wrong ? other_->named_kubeconfig(name, other_authority_.pem())
                            : each->cluster().named_kubeconfig(name, each->ca());
    write_private(folder / (name + ".yaml"), text);
  }
}

}  // namespace retrust::sandbox
