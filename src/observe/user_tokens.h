#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/display_text.h"
#include "base/names.h"
#include "credentials/secret.h"

namespace retrust {

class Redactor;

inline constexpr std::string_view impersonation_namespace = "cattle-impersonation-system";

/// A secret with a service account's token in a namespace that Rancher's agents make in a
/// downstream cluster. The agents' own token is none of these: section 2.1 is about it.
struct UserToken {
  NamespaceName name_space;
  ObjectName name;
  Uid uid;
  ResourceVersion resource_version;
  ObjectName account;
  Secret token;
};

/// Owner of a token: an account that stands for one of Rancher's users, or any other.
enum class TokenOwner { user, other };

/// Counts of such tokens.
struct UserTokens {
  struct Group {
    NamespaceName name_space;
    TokenOwner owner = TokenOwner::user;
    std::size_t total = 0;  ///< secrets with a token: Rancher waits for the others to be filled in
    std::size_t rejected = 0;    ///< certainly rejected by the cluster
    std::size_t unclear = 0;     ///< answered by an error rather than a rejection
    std::size_t unreviewed = 0;  ///< not reviewed, because nothing shows that they are rejected
    std::size_t kept = 0;        ///< rejected ones that no repair deletes
    std::map<std::string, std::size_t> kept_because = {};  ///< number of kept tokens by reason
    DisplayText reason = {};                ///< the server's words about a rejected or unclear one
    std::vector<ObjectName> examples = {};  ///< names of the first rejected ones

    std::size_t doomed() const { return rejected - kept; }
  };
  enum class Look {
    none,    ///< not asked for, or Rancher without such accounts
    done,    ///< `groups` has the groups that are not empty
    failed,  ///< `trouble` says why
  };
  Look look = Look::none;
  std::vector<Group> groups = {};
  DisplayText trouble = {};
  /// The token as which Rancher deploys its agents: see system_account in redeployment.h.
  struct System {
    ObjectName account = {};  ///< empty if it has no token
    bool rejected = false;
    std::string kept_because = {};  ///< why no repair deletes it; empty if a repair may
  };
  System system = {};
  /// True if the users' accounts have dockercfg secrets, as on OpenShift. Only looked up for
  /// Rancher up to 2.6.6, which takes an account's first secret for its token.
  bool dockercfg = false;

  std::size_t total() const;
  std::size_t rejected() const;
  std::size_t doomed() const;
  std::size_t unreviewed() const;
};

/// The namespaces of a list that Rancher's agents make by themselves: the agents' own, Fleet's and
/// that of the users' accounts. Namespaces of charts are none of these, because they hold others'
/// objects.
std::vector<NamespaceName> own_namespaces(const boost::json::value& list,
                                          const NamespaceName& agents_namespace);

/// The owner of a token; nothing for the agents' own token.
std::optional<TokenOwner> owner_of(const UserToken& token, const NamespaceName& agents_namespace);

/// Parses a secret of a list, and registers its token. Nothing if the secret is of another type, or
/// the token is not filled in yet.
std::optional<UserToken> parse_user_token(const boost::json::value& secret, Redactor& redactor);

/// Sentences about each group that has rejected or unclear tokens.
std::vector<std::string> user_token_findings(const UserTokens& tokens);

}  // namespace retrust
