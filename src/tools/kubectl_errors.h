#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/failure.h"
#include "process/outcome.h"

namespace retrust {

/// Which of the two clusters a kubectl speaks to.
enum class Side { downstream, local };

/// "downstream cluster" or "local cluster".
std::string_view name_of(Side side);

/// What a failed kubectl was about.
struct Asked {
  Side side = Side::downstream;
  std::string kubeconfig;      ///< as the operator gave it
  std::string program;         ///< the kubectl that was started
  std::string command;         ///< for people, e.g. "kubectl get secrets"
  std::string container = {};  ///< in which it runs; `program` is docker then
  std::string reaching = {};   ///< how a person starts a kubectl that reaches the same cluster
  /// The operator's word for the program: a kubectl, or a docker.
  std::string named = "kubectl";
};

/// The kinds of failure that the program itself reacts to.
enum class KubectlError {
  untrusted,       ///< x509: the server's certificate and the CA do not fit
  unauthorized,    ///< 401
  forbidden,       ///< 403
  not_found,       ///< the object
  no_such_type,    ///< the resource type
  conflict,        ///< changed by somebody else in between
  unreachable,     ///< nobody listens, the connection broke, or the server is starting
  timed_out,       ///< no answer in time, as kubectl itself says
  hung,            ///< ended by us at its deadline
  bad_kubeconfig,  ///< cannot be read as one
  no_context,      ///< the kubeconfig names no current context, or has none of that name
  no_login,        ///< the kubeconfig's login plugin failed
  not_started,     ///< kubectl itself cannot be run
  other,
};

/// Reads kubectl's exit and messages (1.20 to 1.35).
KubectlError classify(const Outcome& outcome);

/// Whether the server may have been out of reach: nothing that it said is the reason.
bool is_away(KubectlError kind);

/// A kubectl that failed, in words for the operator; `kind` tells what to do about it.
class KubectlFailure : public Failure {
 public:
  KubectlFailure(KubectlError error_kind, const Failure& failure)
      : Failure(failure), kind(error_kind) {}
  KubectlError kind;
};

/// Refuses an answer that no cluster and no kubectl gives; `what` tells of the command, e.g.
/// "printed what is not JSON".
Failure bad_answer(const Asked& asked, std::string_view what);

/// The sentence that belongs to a failed command; `known` is the kind of failure where something
/// better than the words of kubectl tells it. Pure.
KubectlFailure explain(const Outcome& outcome, const Asked& asked,
                       std::optional<KubectlError> known = {});

/// The same of a kubeconfig without the context, with the names of the contexts that it has. Pure.
KubectlFailure with_contexts(const KubectlFailure& failure, const Asked& asked,
                             const std::vector<std::string>& contexts);

}  // namespace retrust
