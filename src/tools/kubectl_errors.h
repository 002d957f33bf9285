#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "process/outcome.h"

namespace retrust {

/// The path of a temporary kubeconfig for the kubectl that reads it.
inline constexpr std::string_view kubeconfig_in_memory = "/dev/stdin";
/// The name of its only context, cluster and user.
inline constexpr const char* temporary_context = "retrust";

/// The cluster that a kubectl speaks to.
enum class Side { downstream, local };

/// "downstream cluster" or "local cluster".
std::string_view name_of(Side side);

/// The subject of a failed kubectl.
struct Asked {
  Side side = Side::downstream;
  std::string kubeconfig;      ///< path as the operator gave it
  std::string program;         ///< the kubectl that was started
  std::string command;         ///< the command for people, e.g. "kubectl get secrets"
  std::string container = {};  ///< the container of the kubectl, if any; `program` is docker then
  std::string reaching = {};   ///< the beginning of a command line that reaches the same cluster
  /// The operator's word for the program, which is a kubectl or a docker.
  std::string named = "kubectl";
  /// The action on the cluster, e.g. "deleting the pods of production". Empty: messages leave it
  /// out.
  std::string action = {};
};

/// The kinds of kubectl failure that retrust reacts to.
enum class KubectlError {
  untrusted,        ///< x509: the CA does not verify the server's certificate
  wrong_name,       ///< x509: the certificate does not have the server's address as a name
  expired,          ///< x509: the certificate has expired
  not_yet_valid,    ///< x509: the certificate is not valid before a later time
  bad_certificate,  ///< x509: the certificate has another defect
  unauthorized,     ///< 401
  forbidden,        ///< 403: the user lacks a permission
  denied,           ///< a policy, a quota or the end of a namespace forbids the change
  webhook_failed,   ///< the API server cannot call a webhook
  not_found,        ///< no such object
  no_such_type,     ///< no such resource type
  already_exists,   ///< another object has the name
  conflict,         ///< somebody else changed the object meanwhile
  unreachable,      ///< nobody listens, the connection broke, or the server is starting
  busy,             ///< 429: the server has too many requests
  server_error,     ///< 500: the server could not deal with the request
  proxy_failed,     ///< a proxy on the way to the server does not connect
  timed_out,        ///< kubectl reports no answer in time
  hung,             ///< retrust ended kubectl at its deadline
  killed,           ///< a signal ended kubectl, e.g. for lack of memory
  bad_kubeconfig,   ///< the file cannot be read as a kubeconfig
  no_context,       ///< the kubeconfig names no current context, or has none of that name
  no_login,         ///< the kubeconfig's login plugin failed
  not_started,      ///< kubectl itself cannot be run
  other,
};

/// Classifies kubectl's exit and messages (1.20 to 1.35).
KubectlError classify(const Outcome& outcome);

/// Whether the server may have been out of reach, rather than have refused the request.
bool is_away(KubectlError kind);

/// Whether the same command may succeed a moment later. The server may have taken the request all
/// the same: only its answer is known to be missing.
bool is_transient(KubectlError kind);

/// A failure of kubectl in words for the operator; `kind` is for the program's reaction.
class KubectlFailure : public Failure {
 public:
  KubectlFailure(KubectlError error_kind, const Failure& failure)
      : Failure(failure), kind(error_kind) {}
  /// The same failure in other words.
  KubectlFailure(const KubectlFailure& same, const Failure& words) : KubectlFailure(same) {
    static_cast<Failure&>(*this) = words;
  }
  KubectlError kind;
  /// Time that the server asks for before the next request.
  std::optional<std::chrono::seconds> retry_after = {};
  /// True if an earlier attempt of the same command may have taken effect.
  bool repeated = false;
};

/// True for status 410: the server no longer knows the state with which a list began.
bool is_expired(const KubectlFailure& failure);

/// The failure for an answer that no cluster and no kubectl gives. `what` describes the command,
/// e.g. "printed what is not JSON".
Failure bad_answer(const Asked& asked, std::string_view what);

/// Builds the failure for a failed command. `known` is the kind of failure if a better source than
/// kubectl's words tells it. Pure.
KubectlFailure explain(const Outcome& outcome, const Asked& asked,
                       std::optional<KubectlError> known = {});

/// The failure for a missing context, extended by the names of the kubeconfig's contexts.
/// `wanted` is the context that the operator named, if any: names near it come first. Pure.
KubectlFailure with_contexts(const KubectlFailure& failure, const Asked& asked,
                             const std::vector<std::string>& contexts,
                             std::string_view wanted = {});

}  // namespace retrust
