#include "downstream.h"

#include <boost/algorithm/string/replace.hpp>

#include "downstream_fill.h"
#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

using std::chrono::seconds;
constexpr seconds day{86'400};
constexpr seconds since_renewal{60};

bool ca_kept(Scenario scenario) {
  return scenario == Scenario::key_only || scenario == Scenario::healthy;
}

bool key_kept(Scenario scenario) {
  return scenario == Scenario::ca_only || scenario == Scenario::healthy;
}

}  // namespace

Downstream::Downstream(const Surroundings& around, Names names, Settings& settings)
    : names_(std::move(names)),
      settings_(settings),
      local_(around.local),
      scheduler_(around.scheduler),
      log_(names_.server == Names{}.server ? around.log : around.log.of(names_.display_name)),
      old_authority_(valid(360 * day, 5 * day)),
      new_authority_(valid(ca_kept(settings.scenario) ? 300 * day : since_renewal, 3650 * day)),
      spare_authority_(valid(300 * day, 3650 * day), "another-ca"),
      cluster_(std::make_unique<Cluster>(
          around.io, names_.server, new_authority_, key_kept(settings.scenario) ? old_key_ : Key(),
          kubernetes_resources(), settings.kubernetes, log_, hooks(around.hostile))),
      controllers_(std::make_unique<Controllers>(*cluster_, scheduler_, settings_, log_)),
      rancher_(around.io, local_, scheduler_, settings_, log_, names_.id) {
  if (settings_.faults.has("dockercfg")) {
    cluster_->dockercfg = settings_.faults.value("dockercfg") == "last" ? Cluster::Dockercfg::last
                                                                        : Cluster::Dockercfg::first;
  }
  hand_out_ca();
  const auto elsewhere = settings_.faults.has("registered-elsewhere");
  const std::string url(elsewhere ? "https://another-rancher.example.com" : rancher_url);
  old_report_.token = fill(*cluster_, *controllers_, settings_,
                           {.signer = old_key_,
                            .agent = agent_credentials(registration_, names_.id, url),
                            .id = names_.id});
  old_report_.ca_base64 = secret_data(handed_out(authority_before()));
  stored_token_ = settings_.token_of_ranchers_own()
                      ? add_ranchers_own(*cluster_, settings_, old_key_)
                      : old_report_.token;
}

const Authority& Downstream::authority_before() const {
  return ca_kept(settings_.scenario) ? new_authority_ : old_authority_;
}

void Downstream::settle() {
  // Only now: the agents that are there had read their credentials before the renewal.
  auto& store = cluster_->store();
  agents_ =
      std::make_unique<Agents>(store, rancher_, scheduler_, settings_, log_,
                               [this](const ObjectKey& pod) { return cluster_->bound_token(pod); });
  agents_->settled(old_report_);
  if (settings_.faults.has("registered-elsewhere")) rancher_.never_connected();
  impersonators_ = std::make_unique<Impersonators>(store, settings_, log_);
  kubelet_ = std::make_unique<Kubelet>(
      store, scheduler_, settings_, log_,
      Kubelet::Hooks{
          .last_words = [this](const ObjectKey& key) { return agents_->last_words(key); },
          .pod_ready = [this](const ObjectKey& key) { agents_->ready(key); },
          .pod_terminating = [this](const ObjectKey& key) { agents_->terminating(key); },
          .pod_gone = [this](const ObjectKey& key) { agents_->gone(key); }});
  if (!ca_kept(settings_.scenario)) leave_old_ca();
}

void Downstream::start() {
  cluster_->server().start();
  if (settings_.faults.has("unreachable")) stop();
  rancher_.deploy_by([this] { return deploy_agents(); });
  rancher_.start(cluster_->server().port());
}

void Downstream::stop() {
  cluster_->server().stop();
}

Cluster::Hooks Downstream::hooks(Hostile* hostile) {
  return {.before_change = {},
          .forbidden = settings_.faults.value("forbidden"),
          .review_trouble = [this]() -> std::string {
            if (!settings_.faults.has("review-trouble")) return {};
            const auto text = settings_.faults.value("review-trouble");
            return text.empty() ? "context deadline exceeded" : text;
          },
          .answered = [this](const About& about, unsigned) { answered(about); },
          .watch_limit = [this] { return settings_.faults.watch_limit(); },
          .hostile = hostile};
}

void Downstream::answered(const About& about) {
  if (about.verb == "watch" && about.resource == "secrets") {
    controllers_->tokens().secrets_watched();
  }
  if (about.verb == "delete" && about.resource == "pods" &&
      settings_.faults.take("restart-downstream")) {
    restart(std::chrono::milliseconds{500});
  }
}

void Downstream::restart(std::chrono::milliseconds away) {
  sandbox::restart(*cluster_, scheduler_, log_, away);
}

void Downstream::hand_out_ca() {
  const auto old = settings_.faults.has("old-ca-handed-out");
  auto since = old || ca_kept(settings_.scenario)
                   ? clusters_made()
                   : time_text(std::chrono::system_clock::now() - since_renewal);
  if (settings_.faults.has("no-managed-fields")) since.clear();
  cluster_->hand_out_ca(handed_out(old ? old_authority_ : new_authority_), std::move(since));
}

std::string Downstream::handed_out(const Authority& authority) const {
  if (!settings_.faults.has("ca-bundle")) return authority.pem();
  return authority.pem() + spare_authority_.pem();
}

std::string Downstream::stored_ca(const Authority& authority) const {
  // The same certificates, in other words.
  auto text = settings_.faults.has("ca-bundle") ? spare_authority_.pem() + authority.pem()
                                                : authority.pem();
  // Rancher writes the additional CAs of its own installation behind the cluster's.
  if (settings_.faults.has("additional-ca")) text += spare_authority_.pem();
  if (settings_.faults.has("stored-crlf")) boost::replace_all(text, "\n", "\r\n");
  return secret_data(text);
}

}  // namespace retrust::sandbox
