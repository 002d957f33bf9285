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
#include "observe/own_tokens.h"
#include "tools/kubectl.h"

/// Logs and the web shell, from Rancher 2.6 on: each user has a service account in the downstream
/// cluster, and its token is used as long as there is one, good or not (rancher/rancher,
/// pkg/impersonation/impersonation.go and pkg/serviceaccounttoken/secret.go). Once the key that
/// signed it is gone it is rejected for ever; where the secret is gone Rancher makes another.

namespace retrust {

struct TokenPage {
  std::vector<OwnToken> tokens;
  /// Whether the list began again, because it took longer than the server remembers: what earlier
  /// pages said is void.
  bool begins_again = false;
};

/// Reads a namespace's token secrets page by page.
class TokenPages {
 public:
  /// Answers `kubectl get --raw PATH`, trimmed by token_trim().
  using Fetch = std::function<boost::asio::awaitable<boost::json::value>(std::string path)>;

  /// The redactor must outlive this.
  TokenPages(NamespaceName name_space, Fetch fetch, Redactor& redactor)
      : name_space_(std::move(name_space)), fetch_(std::move(fetch)), redactor_(&redactor) {}
  /// By `kubectl get --raw`.
  TokenPages(NamespaceName name_space, const Kubectl& kubectl, Redactor& redactor);

  const NamespaceName& name_space() const { return name_space_; }
  bool more() const { return more_; }
  /// Only where there is more. Throws KubectlFailure.
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
  std::size_t read_ = 0;  ///< tokens, since the list began
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// What a cluster says of a token. An error that says nothing about the token itself, such as that
/// of a webhook which cannot be reached, is no rejection.
enum class Ruling { accepted, rejected, unclear };
std::pair<Ruling, DisplayText> ruling_of(const boost::json::value& review);

/// The rulings on tokens, in their order; as many at once as two processes are asked for. Where a
/// control is given, a token that has to be good, it is part of each question, and what comes with
/// its rejection is not believed: throws Failure (refused).
boost::asio::awaitable<std::vector<std::pair<Ruling, DisplayText>>> rule(
    const Kubectl& downstream, const std::vector<OwnToken>& tokens, Secret control);

/// Why nobody would make such a token again, so that it must not be deleted; empty: somebody does.
std::string not_made_again(const OwnToken& token, TokenOwner owner, const Observation& observation);

/// Names that the pods of a namespace use for anything: a pod that mounts a secret does not start
/// again without it.
boost::asio::awaitable<std::set<std::string>> names_in_pods(const Kubectl& downstream,
                                                            NamespaceName name_space);

/// TerminalStyle at all of them, and puts what was found into the observation; where that cannot be
/// done, the reason.
boost::asio::awaitable<void> observe_own_tokens(const Clusters& clusters,
                                                const ObserveOptions& options, Journal journal,
                                                Observation& seen);

}  // namespace retrust
