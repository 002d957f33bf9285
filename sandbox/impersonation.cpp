// From rancher/rancher, pkg/impersonation/impersonation.go.
#include "impersonation.h"

#include <fmt/format.h>

#include "account_token.h"
#include "base/encoding.h"
#include "json_util.h"
#include "pki.h"

namespace retrust::sandbox {

std::string impersonation_account() {
  return "cattle-impersonation-user-" + random_suffix(5);
}

std::string system_account(const std::string& cluster_id) {
  // The first ten letters of the hash in base32, of five bits each.
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz234567";
  const auto hash = sha256_hex("system://" + cluster_id);
  std::string name = "cattle-impersonation-u-";
  unsigned bits = 0;
  int known = 0;
  for (std::size_t digit = 0, wanted = 10; wanted > 0;) {
    if (known < 5) {
      bits = (bits << 4U) | static_cast<unsigned>(std::stoul(hash.substr(digit++, 1), nullptr, 16));
      known += 4;
      continue;
    }
    known -= 5;
    name += letters[(bits >> static_cast<unsigned>(known)) % letters.size()];
    --wanted;
  }
  return name;
}

Impersonators::Impersonators(Objects& downstream, const Settings& settings, Log& log)
    : downstream_(downstream), settings_(settings), log_(log) {
  downstream_.observe([this](const Change& change) {
    if (change.type != Change::Type::added || change.key.resource != "secrets") return;
    const auto found = being_made_.find(account_of(change.object));
    if (found != being_made_.end() && found->second == change.key.name) being_made_.erase(found);
  });
}

void Impersonators::use() {
  const std::string name_space(impersonation_namespace);
  const auto how = settings_.rancher.account_secret;
  const TokenSecrets secrets(downstream_, name_space);
  std::vector<ObjectKey> without;
  std::vector<std::string> no_token;
  std::size_t users = 0;
  for (const auto* account : downstream_.list("serviceaccounts", name_space)) {
    const auto name = text_at(*account, "/metadata/name");
    if (!name.starts_with("cattle-impersonation-")) continue;
    ++users;
    const auto found = secrets.find(how, *account);
    const auto* secret = downstream_.find({"secrets", name_space, found});
    if (secret != nullptr && !is_token_secret(*secret)) no_token.push_back(name);
    if (found.empty() && !being_made_.contains(name)) {
      without.push_back({"serviceaccounts", name_space, name});
    }
  }
  // From v2.6.6: it looks at no other secret than the first one.
  for (const auto& name : no_token) {
    log_.event("rancher", "cannot impersonate",
               name + ": error getting token: invalid secret object");
  }
  for (const auto& account : without) {
    const auto name = own_token_name(how, account.name);
    if (name.empty()) {
      log_.event("rancher", "cannot impersonate", account.name + " has no secret");
      continue;
    }
    // Set first: where the clusters are played it is there at once.
    being_made_[account.name] = name;
    make_token_secret(downstream_, how, account, name);
    log_.event("rancher", "made", name);
  }
  log_.event("rancher", "impersonates",
             fmt::format("{} users, {} of them without a token", users, without.size()));
}

}  // namespace retrust::sandbox
