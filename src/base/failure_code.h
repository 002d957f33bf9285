#pragma once

#include <string_view>
#include <vector>

namespace retrust {

/// Exit status of the program. 128 + n stands for an end by signal n.
enum class ExitStatus : int {
  done = 0,
  failed = 1,
  usage = 2,
  differs = 3,
  refused = 4,
  gave_up = 5,
  no_answer = 6,  ///< a cluster did not answer, or answered 401 or 403; nothing was changed
  declined = 7,   ///< the operator did not agree; nothing was changed
  interrupted = 128,
};

/// Whether the status says that nothing was changed.
constexpr bool says_unchanged(ExitStatus status) {
  return status == ExitStatus::usage || status == ExitStatus::refused ||
         status == ExitStatus::no_answer || status == ExitStatus::declined;
}

/// The cause of a failure, for scripts. The table in failure_code.cpp has their names and meanings.
enum class FailureCode {
  failed,
  internal_error,
  no_resources,
  changed_meanwhile,
  server_error,
  usage,
  no_backup_choice,
  no_consent,
  no_program,
  bad_kubeconfig,
  refused,
  wrong_cluster,
  unknown_cluster,
  stale_kubeconfig,
  through_rancher,
  bad_certificate,
  old_ca,
  missing_permission,
  denied,
  bad_answer,
  backup_failed,
  busy,
  not_begun,
  plan_changed,
  timeout,
  unreachable,
  unauthorized,
  forbidden,
  declined,
  interrupted,
};

/// Static description of a code.
struct FailureCodeInfo {
  FailureCode code;
  std::string_view name;     ///< "wrong-cluster": stays as it is once a release has it
  ExitStatus status;         ///< exit status of a failure before any change
  std::string_view meaning;  ///< one sentence for the man page
};

/// Every code, in the order of FailureCode. The man page has this table.
const std::vector<FailureCodeInfo>& all_failure_codes();
const FailureCodeInfo& info_of(FailureCode code);
/// The code of a failure if its exit status is all that is known.
FailureCode code_of(ExitStatus status);

}  // namespace retrust
