// From rancher/rancher, pkg/impersonation/impersonation.go.
#include "impersonation.h"

#include <fmt/format.h>

#include "account_token.h"
#include "json_util.h"
#include "pki.h"

namespace retrust::sandbox {

std::string impersonation_account() {
  return "cattle-impersonation-user-" + random_suffix(5);
}

Impersonators::Impersonators(Objects& downstream, const Settings& settings, Log& log)
    : downstream_(downstream), settings_(settings), log_(log) {}

void Impersonators::use() {
  const std::string name_space(impersonation_namespace);
  const auto how = settings_.rancher.account_secret;
  const TokenSecrets secrets(downstream_, name_space);
  std::vector<ObjectKey> without;
  std::size_t users = 0;
  for (const auto* account : downstream_.list("serviceaccounts", name_space)) {
    const auto name = text_at(*account, "/metadata/name");
    if (!name.starts_with("cattle-impersonation-")) continue;
    ++users;
    if (secrets.find(how, *account).empty()) {
      without.push_back({"serviceaccounts", name_space, name});
    }
  }
  for (const auto& account : without) {
    const auto name = own_token_name(how, account.name);
    if (name.empty()) {
      log_.event("rancher", "cannot impersonate", account.name + " has no secret");
      continue;
    }
    make_token_secret(downstream_, how, account, name);
    log_.event("rancher", "made", name);
  }
  log_.event("rancher", "impersonates",
             fmt::format("{} users, {} of them without a token", users, without.size()));
}

}  // namespace retrust::sandbox
