#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include "base/redactor.h"
#include "observe/observation.h"
#include "observe/observe.h"
#include "observe/user_tokens.h"
#include "tools/kubectl.h"

/// Tokens of Rancher's users, which logs and the web shell use from Rancher 2.6 on. Each user has a
/// service account in the downstream cluster. Rancher uses the account's token while its secret
/// exists, good or not (rancher/rancher, pkg/impersonation/impersonation.go and
/// pkg/serviceaccounttoken/secret.go). The cluster rejects the token for ever once the key that
/// signed it is gone. Rancher makes another token if the secret is gone.

namespace retrust {

struct TokenPage {
  std::vector<UserToken> tokens;
  /// True if the list began again, because it took longer than the server remembers. Earlier pages
  /// are void then.
  bool begins_again = false;
};

/// Reads a namespace's token secrets page by page.
class TokenPages {
 public:
  /// Returns the answer of `kubectl get --raw PATH`, trimmed by token_trim().
  using Fetch = std::function<boost::asio::awaitable<boost::json::value>(std::string path)>;

  /// The redactor must outlive this.
  TokenPages(NamespaceName name_space, Fetch fetch, Redactor& redactor)
      : name_space_(std::move(name_space)), fetch_(std::move(fetch)), redactor_(&redactor) {}
  /// Fetches the pages by `kubectl get --raw`.
  TokenPages(NamespaceName name_space, const Kubectl& kubectl, Redactor& redactor);

  const NamespaceName& name_space() const { return name_space_; }
  bool more() const { return more_; }
  /// Reads the next page. more() must be true. Throws KubectlFailure.
  boost::asio::awaitable<TokenPage> next();

 private:
  NamespaceName name_space_;
  Fetch fetch_;
  Redactor* redactor_;
  std::string shown_ = {};  ///< a command that shows the same list
  std::string continue_;
  bool more_ = true;
  int restarts_ = 0;
  int pages_ = 0;
  std::size_t read_ = 0;  ///< number of tokens since the list began
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// Asks for verdicts on tokens, and returns them in the order of the tokens. Two processes run side
/// by side. A control is a token that has to be good: each question contains it, and the verdicts
/// of a question that rejects the control are not believed. Throws Failure (refused) then.
boost::asio::awaitable<std::vector<std::pair<Verdict, DisplayText>>> rule(
    const Kubectl& downstream, const std::vector<UserToken>& tokens, Secret control);

/// Reason why nobody would make such a token again, so that retrust must not delete it. Empty if
/// somebody would.
std::string not_made_again(const UserToken& token, TokenOwner owner,
                           const Observation& observation);

/// All texts in the specs of a namespace's pods, among them the names of their secrets: a pod that
/// mounts a secret does not start again without it.
boost::asio::awaitable<std::set<std::string>> names_in_pods(const Kubectl& downstream,
                                                            NamespaceName name_space);

/// Reviews the tokens of the own namespaces, and adds the result to the observation: the groups, or
/// the reason of the failure. UserTokensChoice::with_cause reviews all if the cluster rejects the
/// agents' or the stored token, if Rancher must deploy its agents again, or could not. Otherwise
/// only tokens are reviewed that were signed with another key than an accepted token.
boost::asio::awaitable<void> observe_user_tokens(const Clusters& clusters,
                                                 const ObserveOptions& options, Journal journal,
                                                 Observation& seen);

}  // namespace retrust
