// What Rancher has of a downstream cluster, in Rancher's own cluster.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "downstream.h"
#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

using std::chrono::days;
using std::chrono::hours;

std::string in_time(std::chrono::seconds ahead) {
  return time_text(std::chrono::system_clock::now() + ahead);
}

}  // namespace

void Downstream::add_record() {
  ClusterSpec spec{.display_name = names_.display_name,
                   .driver = settings_.driver,
                   .ca_base64 = stored_ca(authority_before()),
                   .token = stored_token_,
                   .kubernetes = settings_.kubernetes.git_version,
                   .tunnel_check = settings_.rancher.tunnel_check};
  if (settings_.rancher.token_place == TokenPlace::secret) {
    spec.token_secret = std::string(credential_prefix) + random_suffix(5);
  }
  auto name_space = bare("v1", "Namespace");
  put(name_space, "/status/phase", "Active");
  local_.create({"namespaces", "", names_.id}, std::move(name_space));
  const auto& resource =
      local_.create({"clusters.management.cattle.io", "", names_.id}, cluster_resource(spec));
  if (!spec.token_secret.empty() && !settings_.faults.take("credential-missing")) {
    local_.create({"secrets", std::string(credential_namespace), spec.token_secret},
                  credential_secret(resource, stored_token_));
  }
  add_registration();
}

void Downstream::add_registration() {
  const ObjectKey key{"clusterregistrationtokens.management.cattle.io", names_.id, "system"};
  const auto& faults = settings_.faults;
  const auto kind = faults.value("registration");
  const auto known = !faults.has("registration") && !faults.has("registered-elsewhere");
  const auto present = known ? registration_ : random_suffix(54);
  if (settings_.rancher.registration_place == RegistrationPlace::status) {
    local_.create(key, registration_token(names_.id, present));
    return;
  }
  std::vector<std::pair<std::string, std::string>> data{{"token", present},
                                                        {"expiresAt", in_time(days{30})}};
  if (kind == "previous" || kind == "expired") {
    data.emplace_back("previousToken", registration_);
    data.emplace_back("gracePeriodExpiresAt", in_time(kind == "previous" ? hours{2} : hours{-1}));
  }
  const std::string secret = "crt-token-system";
  local_.create({"secrets", names_.id, secret}, opaque_secret(data));
  local_.create(key, registration_by_secret(names_.id, secret));
}

void Downstream::remove_credential() {
  sandbox::remove_credential(local_, log_, names_.id);
}

void Downstream::bump() {
  const ObjectKey key{"clusters.management.cattle.io", "", names_.id};
  auto changed = *local_.find(key);
  put(changed, "/metadata/annotations/example.com~1changed-by", "somebody-else");
  local_.update(key, std::move(changed));
  log_.event("somebody-else", "changed", names_.id);
}

}  // namespace retrust::sandbox
