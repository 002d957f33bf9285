// Clusters that are nothing but Rancher's records of them.
#include "records.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "cluster.h"
#include "ids.h"
#include "json_util.h"
#include "objects.h"
#include "pki.h"
#include "rancher.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;
using std::chrono::days;

/// What Rancher says of the cluster.
enum class Said {
  ready,
  x509,          ///< the stored CA did not sign the server's certificate
  unauthorized,  ///< the server rejects the stored token
  disconnected,  ///< no agent is connected
  timeout,       ///< the server does not answer
  waiting        ///< a hosted cluster is being made, or no agent has ever been connected
};
/// What the record lacks.
enum class Lacks { nothing, ca, token, ca_and_token };
enum class Driver { none, imported, k3s, rke2, rke1, eks, aks, gke, third_party };
/// When the stored CA ends.
enum class End { past, in_10_days, in_50_days, in_3_years, in_9_years };

struct Kind {
  Said said;
  Driver driver;
  End ca = End::in_9_years;
  int kubernetes = 30;  ///< minor version
  Lacks lacks = Lacks::nothing;
};

constexpr std::array<Kind, 20> kinds{{
    {Said::ready, Driver::imported, End::in_9_years, 28},
    {Said::x509, Driver::imported, End::past, 20},
    {Said::ready, Driver::k3s, End::in_50_days, 29},
    {Said::unauthorized, Driver::rke2, End::in_9_years, 27},
    {Said::ready, Driver::eks, End::in_9_years, 29},
    {Said::disconnected, Driver::imported, End::in_10_days, 24},
    {Said::ready, Driver::rke1, End::in_3_years, 26},
    {Said::waiting, Driver::eks, End::in_9_years, 0, Lacks::ca_and_token},
    {Said::ready, Driver::rke2, End::in_10_days, 30},
    {Said::waiting, Driver::none, End::in_9_years, 0, Lacks::ca_and_token},
    {Said::x509, Driver::k3s, End::in_50_days, 28},
    {Said::ready, Driver::aks, End::in_3_years, 31},
    {Said::timeout, Driver::imported, End::in_3_years, 25},
    {Said::ready, Driver::gke, End::in_9_years, 32},
    {Said::ready, Driver::imported, End::in_3_years, 23, Lacks::token},
    {Said::ready, Driver::third_party, End::in_9_years, 28},
    {Said::unauthorized, Driver::gke, End::in_3_years, 29},
    {Said::x509, Driver::imported, End::in_9_years, 21, Lacks::ca},
    {Said::disconnected, Driver::rke2, End::past, 28},
    {Said::ready, Driver::imported, End::in_10_days, 22},
}};

bool hosted(Driver driver) {
  return driver == Driver::eks || driver == Driver::aks || driver == Driver::gke;
}

/// As `status.driver` has it. From rancher/rancher v2.3.11, v2.4.0 (k3s), v2.5.0 (rke2, EKS),
/// v2.5.7, v2.5.8 (GKE), v2.5.17, v2.6.0 (AKS), cluster_types.go; before, these were engines of
/// kontainer-engine (v2.4.17, app/kontainerdriver_data.go). v2.12.0 deletes that
/// of RKE1 there. The last is what follows kontainer-engine-driver- in the file name of somebody's
/// engine (pkg/controllers/management/drivers/kontainerdriver/kontainerdriver.go).
std::string name_of(Driver driver, const Version& rancher) {
  switch (driver) {
    case Driver::none:
      return "";
    case Driver::imported:
      return "imported";
    case Driver::k3s:
      return rancher < Version{2, 4, 0} ? "imported" : "k3s";
    case Driver::rke2:
      return rancher < Version{2, 5, 0} ? "imported" : "rke2";
    case Driver::rke1:
      return rancher < Version{2, 12, 0} ? "rancherKubernetesEngine" : "imported";
    case Driver::eks:
      return rancher < Version{2, 5, 0} ? "amazonElasticContainerService" : "EKS";
    case Driver::aks:
      return rancher < Version{2, 6, 0} ? "azureKubernetesService" : "AKS";
    case Driver::gke:
      return rancher < Version{2, 5, 8} ? "googleKubernetesEngine" : "GKE";
    case Driver::third_party:
      return "acme";
  }
  return {};
}

std::string version_of(const Kind& kind) {
  if (kind.kubernetes == 0) return {};
  auto release = fmt::format("v1.{}.9", kind.kubernetes);
  switch (kind.driver) {
    case Driver::k3s:
      return release + "+k3s1";
    case Driver::rke2:
      return release + "+rke2r1";
    case Driver::eks:
      return release + "-eks-036c24b";
    case Driver::gke:
      return release + "-gke.1026000";
    default:
      return release;
  }
}

/// Rancher's own of these clusters, as Settings::token_of_ranchers_own says.
std::string account_of(Driver driver) {
  const auto own = hosted(driver) || driver == Driver::rke1;
  return own ? "kontainer-engine" : "cattle";
}

json::object condition(const std::string& type, const std::string& status,
                       const std::string& reason = {}, const std::string& message = {}) {
  json::object made;
  made["type"] = type;
  made["status"] = status;
  if (!reason.empty()) made["reason"] = reason;
  if (!message.empty()) made["message"] = message;
  made["lastUpdateTime"] = clusters_made();
  return made;
}

std::string error_of(const Kind& kind, const Version& rancher, const std::string& id) {
  switch (kind.said) {
    case Said::x509:
      // The name of k3s's and RKE2's CA changes with it, so Go finds no candidate.
      return kind.driver == Driver::imported
                 ? "x509: certificate signed by unknown authority (possibly because of "
                   "\"crypto/rsa: verification error\" while trying to verify candidate authority "
                   "certificate \"kube-ca\")"
                 : "x509: certificate signed by unknown authority";
    case Said::unauthorized:
      return "Unauthorized";
    case Said::timeout:
      return "context deadline exceeded";
    case Said::disconnected:
      return no_tunnel(rancher, id);
    default:
      return {};
  }
}

json::array conditions_of(const Kind& kind, const RancherProfile& rancher, const std::string& id) {
  const auto tells_tunnel = rancher.tunnel_check == TunnelCheck::present;
  const auto away = kind.said == Said::disconnected;
  const auto secret = rancher.token_place == TokenPlace::secret;
  json::array made;
  // rancher/rancher v2.0.0, v2.4.17, v2.12.3 and v2.15.0, pkg/controllers/management/
  // clusterprovisioner/provisioner.go (Create); v2.12.3, eks/eks_cluster_handler.go. Ready comes
  // when Provisioned is True: v2.6.3, clusterconnected/clusterconnected.go (checkCluster).
  if (kind.said == Said::waiting) {
    made.push_back(condition("Pending", "Unknown"));
    made.push_back(condition("Provisioned", "Unknown"));
    made.push_back(condition("Waiting", "Unknown", "", "Waiting for API to be available"));
    if (tells_tunnel) made.push_back(condition("Connected", "False"));
    return made;
  }
  made.push_back(condition("Pending", "True"));
  made.push_back(condition("Provisioned", "True"));
  made.push_back(condition("Waiting", "True"));
  if (tells_tunnel) made.push_back(condition("Connected", away ? "False" : "True"));
  if (secret) made.push_back(condition("ServiceAccountSecretsMigrated", "True"));
  const auto error = error_of(kind, rancher.number, id);
  if (away && tells_tunnel) {
    made.push_back(condition("Ready", "False", "Disconnected", "Cluster agent is not connected"));
  } else if (!error.empty()) {
    made.push_back(
        condition("Ready", "False", health_reason(rancher), health_complaint(rancher, error)));
  } else {
    // Rancher that does not find the token's Secret says no more than False: markUnavailable.
    made.push_back(condition("Ready", kind.lacks == Lacks::token && secret ? "False" : "True"));
  }
  return made;
}

class Records {
 public:
  Records(Store& local, const RancherProfile& rancher) : local_(local), rancher_(rancher) {}

  void add(int number) {
    const auto& kind = kinds.at(static_cast<std::size_t>(number - 1) % kinds.size());
    const auto name = fmt::format("prod-{:04}", number);
    const auto id = free_id(kind, name);
    create({"namespaces", "", id}, bare("v1", "Namespace"));
    add_resource(kind, name, id);
    // From rancher/rancher v2.4.17, v2.12.3, pkg/systemaccount/systemaccount.go, and v2.6.0,
    // pkg/controllers/provisioningv2/cluster/controller.go (createToken).
    add_registration(id, "system", number);
    if (rancher_.number >= Version{2, 6, 0}) add_registration(id, "default-token", number);
  }

 private:
  std::string free_id(const Kind& kind, const std::string& name) const {
    const auto provisioned = rancher_.number >= Version{2, 6, 0} && !hosted(kind.driver) &&
                             kind.driver != Driver::rke1 && kind.driver != Driver::third_party;
    for (std::string text = name;; text += "+") {
      auto id = made_id(text, provisioned ? Origin::provisioning : Origin::management);
      if (local_.find({"clusters.management.cattle.io", "", id}) == nullptr) return id;
    }
  }

  void create(const ObjectKey& key, json::value object) {
    put(object, "/metadata/creationTimestamp", clusters_made());
    local_.create(key, std::move(object));
  }

  std::string token_of(const Kind& kind) const {
    const TokenSecretSpec spec{.name = account_of(kind.driver) + "-token-" + random_suffix(5),
                               .account = account_of(kind.driver),
                               .account_uid = random_uid()};
    return decoded_secret(text_at(token_data(spec, key_, ""), "/token"));
  }

  void add_resource(const Kind& kind, const std::string& name, const std::string& id) {
    const auto lacks_ca = kind.lacks == Lacks::ca || kind.lacks == Lacks::ca_and_token;
    const auto lacks_token = kind.lacks == Lacks::token || kind.lacks == Lacks::ca_and_token;
    ClusterSpec spec{.display_name = name,
                     .driver = name_of(kind.driver, rancher_.number),
                     .ca_base64 = lacks_ca ? "" : cas_.at(static_cast<std::size_t>(kind.ca)),
                     .kubernetes = version_of(kind)};
    const auto token = lacks_token ? std::string() : token_of(kind);
    const auto waits = kind.said == Said::waiting;
    if (rancher_.token_place == TokenPlace::status) {
      spec.token = token;
    } else if (!waits) {
      // Somebody deleted the Secret of a record that lacks its token.
      spec.token_secret = std::string(credential_prefix) + made_letters(id, 5);
      while (local_.find({"secrets", std::string(credential_namespace), spec.token_secret}) !=
             nullptr)
        spec.token_secret += "x";
    }
    auto resource = cluster_resource(spec);
    put(resource, "/status/conditions", conditions_of(kind, rancher_, id));
    if (waits) put(resource, "/status/apiEndpoint", "");
    if (spec.kubernetes.empty()) resource.at("status").as_object().erase("version");
    const ObjectKey key{"clusters.management.cattle.io", "", id};
    create(key, std::move(resource));
    if (spec.token_secret.empty() || token.empty()) return;
    create({"secrets", std::string(credential_namespace), spec.token_secret},
           credential_secret(*local_.find(key), token));
  }

  void add_registration(const std::string& id, const std::string& name, int number) {
    const ObjectKey key{"clusterregistrationtokens.management.cattle.io", id, name};
    if (rancher_.registration_place == RegistrationPlace::status) {
      create(key, registration_token(id, random_suffix(54)));
      return;
    }
    const auto secret = "crt-token-" + name;
    auto made = registration_by_secret(id, secret);
    std::vector<std::pair<std::string, std::string>> data{{"token", random_suffix(54)}};
    // It ends where crt-token-ttl-rotation is on: not by default in 2.13.8 and 2.14.4, by default
    // from 2.15.0 on (pkg/features/feature.go).
    if (rancher_.number >= Version{2, 15, 0}) {
      constexpr std::array<int, 3> left{29, 12, 2};
      const auto end = time_text(std::chrono::system_clock::now() +
                                 days{left.at(static_cast<std::size_t>(number) % left.size())});
      data.emplace_back("expiresAt", end);
      put(made, "/status/expiresAt", end);
    }
    create({"secrets", id, secret}, opaque_secret(data));
    create(key, std::move(made));
  }

  static std::string ca(std::chrono::seconds since, std::chrono::seconds until) {
    return secret_data(Authority(valid(since, until)).pem());
  }

  Store& local_;
  const RancherProfile& rancher_;
  Key key_;
  /// By End. A few that many records share: to make one takes longer than to make a record.
  std::array<std::string, 5> cas_{ca(days{3653}, -days{3}), ca(days{3643}, days{10}),
                                  ca(days{3603}, days{50}), ca(days{2555}, days{1096}),
                                  ca(days{365}, days{3287})};
};

}  // namespace

void add_records(Store& local, const RancherProfile& rancher, int count) {
  Records records(local, rancher);
  for (int number = 1; number <= count; ++number) records.add(number);
  // Nobody has watched yet; what happened would take as much memory again as what is there.
  local.forget();
}

}  // namespace retrust::sandbox
