#include "agents.h"

#include <algorithm>

#include <fmt/format.h>

#include "account_token.h"
#include "cluster.h"
#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

constexpr std::string_view reporter = "cattle-cluster-agent";

const std::string name_space(agents_namespace);
const ObjectKey account_key{"serviceaccounts", name_space, "cattle"};
const ObjectKey root_ca_key{"configmaps", name_space, "kube-root-ca.crt"};

bool is_reporter(const boost::json::value& pod) {
  return text_at(pod, "/metadata/labels/app") == reporter;
}

}  // namespace

Agents::Agents(Objects& downstream, Rancher& rancher, Scheduler& scheduler,
               const Settings& settings, Log& log, ProjectedToken projected_token)
    : downstream_(downstream),
      rancher_(rancher),
      scheduler_(scheduler),
      settings_(settings),
      log_(log),
      projected_token_(std::move(projected_token)) {
  downstream_.observe([this](const Change& change) {
    if (change.type == Change::Type::added && change.key.name == being_made_) being_made_.clear();
  });
}

bool Agents::reports(const ObjectKey& pod) const {
  const auto* present = downstream_.find(pod);
  return present != nullptr && is_reporter(*present);
}

void Agents::settled(const Rancher::Report& read) {
  old_report_ = read;
  for (const auto* pod : downstream_.list("pods", name_space)) {
    const auto name = text_at(*pod, "/metadata/name");
    old_.insert(name);
    if (is_reporter(*pod)) rancher_.agent_connected(name);
  }
}

std::string Agents::last_words(const ObjectKey& pod) const {
  if (!reports(pod) || settings_.rancher.account_secret != AccountSecret::referenced) return {};
  const auto* account = downstream_.find(account_key);
  const auto secret = account == nullptr ? std::string() : text_at(*account, "/secrets/0/name");
  const std::string looking = "looking up cattle-system/cattle ca/token: ";
  if (secret.empty()) return looking + "no secret exists for service account cattle-system/cattle";
  if (downstream_.find({"secrets", name_space, secret}) != nullptr) return {};
  return fmt::format(
      "{}failed to find secret for service account cattle-system/cattle: secrets \"{}\" not found",
      looking, secret);
}

void Agents::ready(const ObjectKey& pod) {
  if (!reports(pod)) return;
  busy_.insert(pod.name);
  if (settings_.faults.has("agents-never-report")) {
    connect(pod, {});
  } else {
    read(pod);
  }
}

void Agents::read(const ObjectKey& pod) {
  if (downstream_.find(pod) == nullptr) {
    busy_.erase(pod.name);
  } else if (const auto found = credentials(pod)) {
    connect(pod, found);
  } else {
    scheduler_.after(settings_.delay(100), [this, pod] { read(pod); });
  }
}

std::optional<Rancher::Report> Agents::credentials(const ObjectKey& pod) {
  if (settings_.rancher.account_secret == AccountSecret::mounted) return mounted(pod);
  const auto* account = downstream_.find(account_key);
  if (account == nullptr) return std::nullopt;
  if (settings_.rancher.account_secret == AccountSecret::referenced ||
      downstream_.find(root_ca_key) == nullptr) {
    return of_secret(text_at(*account, "/secrets/0/name"));
  }
  return own();
}

std::optional<Rancher::Report> Agents::mounted(const ObjectKey& pod) const {
  const auto secrets = mounted_secrets(*downstream_.find(pod));
  const auto name = std::find_if(secrets.begin(), secrets.end(), [](const std::string& each) {
    return each.starts_with("cattle-token");
  });
  if (name != secrets.end()) return of_secret(*name);
  const auto* ca = downstream_.find(root_ca_key);
  if (ca == nullptr || !projected_token_) return std::nullopt;
  auto token = projected_token_(pod);
  if (token.empty()) return std::nullopt;
  return Rancher::Report{std::move(token), secret_data(text_at(*ca, "/data/ca.crt"))};
}

std::string Agents::registration_of(const ObjectKey& pod) const {
  for (const auto& name : mounted_secrets(*downstream_.find(pod))) {
    const auto* secret = downstream_.find({"secrets", name_space, name});
    if (secret != nullptr && name.starts_with("cattle-credentials-")) {
      return decoded_secret(text_at(*secret, "/data/token"));
    }
  }
  return {};
}

std::optional<Rancher::Report> Agents::of_secret(const std::string& name) const {
  const auto* secret = downstream_.find({"secrets", name_space, name});
  if (secret == nullptr || text_at(*secret, "/data/token").empty()) return std::nullopt;
  return Rancher::Report{decoded_secret(text_at(*secret, "/data/token")),
                         text_at(*secret, "/data/ca.crt")};
}

std::optional<Rancher::Report> Agents::own() {
  const auto how = settings_.rancher.account_secret;
  const auto name = TokenSecrets(downstream_, name_space).find(how, *downstream_.find(account_key));
  if (name.empty()) {
    if (being_made_.empty()) {
      // Set first: where the clusters are played it is there at once.
      const auto fresh = being_made_ = own_token_name(how, account_key.name);
      log_.event("agent", "creates", fresh);
      make_token_secret(downstream_, how, account_key, fresh);
    }
    return std::nullopt;
  }
  auto report = of_secret(name);
  // The CA is the cluster's present one, even if the secret says otherwise.
  const auto& ca = *downstream_.find(root_ca_key);
  if (report) report->ca_base64 = secret_data(text_at(ca, "/data/ca.crt"));
  return report;
}

void Agents::connect(const ObjectKey& pod, const std::optional<Rancher::Report>& report) {
  scheduler_.after(settings_.delay(200), [this, pod, report] {
    busy_.erase(pod.name);
    if (downstream_.find(pod) == nullptr) return;
    if (!rancher_.lets_in(registration_of(pod))) {
      log_.event("rancher", "refuses", pod.name);
      return;
    }
    rancher_.agent_connected(pod.name);
    if (report) rancher_.report(*report);
  });
}

void Agents::terminating(const ObjectKey& pod) {
  if (!settings_.faults.has("linger-old-agent") || !reports(pod) || !old_.contains(pod.name)) {
    return;
  }
  scheduler_.after(settings_.faults.milliseconds("linger-old-agent", 1500) / 2, [this] {
    log_.event("agent", "lingers", "the old one reports again");
    rancher_.report(old_report_);
  });
}

void Agents::gone(const ObjectKey& pod) {
  rancher_.agent_gone(pod.name);
  // With the old agent's connection the new one's is made again, and it reports again.
  if (!settings_.faults.has("linger-old-agent")) return;
  for (const auto* other : downstream_.list("pods", pod.name_space)) {
    if (is_reporter(*other) && text_at(*other, "/status/phase") == "Running") {
      ready({"pods", pod.name_space, text_at(*other, "/metadata/name")});
    }
  }
}

}  // namespace retrust::sandbox
