#pragma once

#include <map>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "profile.h"
#include "store.h"

namespace retrust::sandbox {

/// Is a Secret of type kubernetes.io/service-account-token.
bool is_token_secret(const boost::json::value& secret);
/// The account that a token secret is of.
std::string account_of(const boost::json::value& secret);

/// The token secrets of one namespace as they are now, to look up as Rancher's code does it.
class TokenSecrets {
 public:
  TokenSecrets(const Objects& objects, const std::string& name_space);
  /// The name of the one that is taken for a service account; empty where none is found.
  std::string find(AccountSecret how, const boost::json::value& account) const;

 private:
  std::map<std::string, const boost::json::value*> by_name_;
  std::map<std::string, std::vector<const boost::json::value*>> by_account_;
};

/// The token secret that Rancher's code makes for an account, without its name.
boost::json::value own_token_secret(AccountSecret how, const boost::json::value& account);
/// A name for it; empty where none is ever made.
std::string own_token_name(AccountSecret how, const std::string& account);
/// Writes down in the account which secret was made for it, where that is done.
void refer_to(AccountSecret how, boost::json::value& account, const std::string& secret);

/// Makes it under that name.
void make_token_secret(Objects& objects, AccountSecret how, const ObjectKey& account,
                       const std::string& name);

}  // namespace retrust::sandbox
