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

/// A secret with a service account's token in one of the namespaces that Rancher's agents make in a
/// downstream cluster; never the agents' own, which section 2.1 is about.
struct OwnToken {
  NamespaceName name_space;
  ObjectName name;
  Uid uid;
  ResourceVersion resource_version;
  ObjectName account;
  Secret token;
};

/// Whose token it is: that of an account which stands for one of Rancher's users, or any other.
enum class TokenOwner { user, other };

/// What is known of such tokens, counted.
struct OwnTokens {
  struct Group {
    NamespaceName name_space;
    TokenOwner owner = TokenOwner::user;
    std::size_t total = 0;     ///< that have a token: Rancher waits for the others to be filled in
    std::size_t rejected = 0;  ///< by the cluster, for certain
    std::size_t unclear = 0;   ///< the answer was an error rather than a rejection
    std::size_t kept = 0;      ///< of the rejected: no repair deletes them
    std::map<std::string, std::size_t> kept_because = {};  ///< how many of them for each reason
    DisplayText reason = {};  ///< the server's words where one was rejected, or was unclear
    std::vector<ObjectName> examples = {};  ///< names of the first that were rejected

    std::size_t doomed() const { return rejected - kept; }
  };
  enum class Look {
    none,    ///< not asked for, or this Rancher has no such accounts
    done,    ///< `groups` has the groups that are not empty
    failed,  ///< `trouble` says why
  };
  Look look = Look::none;
  std::vector<Group> groups = {};
  DisplayText trouble = {};

  std::size_t total() const;
  std::size_t rejected() const;
  std::size_t doomed() const;
};

/// The namespaces of a list that Rancher's agents make by themselves: the agents' own, Fleet's and
/// that of the users' accounts. Those of charts hold what others put there.
std::vector<NamespaceName> own_namespaces(const boost::json::value& list,
                                          const NamespaceName& agents_namespace);

/// Whose token that is; nothing where it is the agents'.
std::optional<TokenOwner> owner_of(const OwnToken& token, const NamespaceName& agents_namespace);

/// A secret of a list; nothing where it is none with a token, or the token is not filled in yet.
/// The token is registered.
std::optional<OwnToken> parse_own_token(const boost::json::value& secret, Redactor& redactor);

/// Sentences that tell what was found, one for each group that is not all well.
std::vector<std::string> own_token_findings(const OwnTokens& tokens);

}  // namespace retrust
