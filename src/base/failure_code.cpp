#include "base/failure_code.h"

#include <cstddef>

namespace retrust {

const std::vector<FailureCodeInfo>& all_failure_codes() {
  using enum FailureCode;
  using Status = ExitStatus;
  static const std::vector<FailureCodeInfo> codes{
      {failed, "failed", Status::failed, "A step failed for a reason without a code of its own."},
      {internal_error, "internal-error", Status::failed, "retrust has a defect: please report it."},
      {no_resources, "no-resources", Status::failed,
       "This machine lacks files, processes, memory or room on a disk. The status is 4 if a check "
       "before the changes finds the lack."},
      {changed_meanwhile, "changed-meanwhile", Status::failed,
       "Somebody else changed an object that retrust was changing."},
      {server_error, "server-error", Status::failed,
       "An API server answered with HTTP status 429 or 500."},
      {usage, "usage", Status::usage, "The command line, or a file that it names, is wrong."},
      {no_backup_choice, "no-backup-choice", Status::usage,
       "No option chooses or waives a backup of Rancher."},
      {no_consent, "no-consent", Status::usage,
       "Nobody can be asked, because there is no terminal, and --yes is missing."},
      {no_program, "no-program", Status::usage,
       "A program that retrust starts is missing or cannot be started."},
      {bad_kubeconfig, "bad-kubeconfig", Status::usage,
       "A kubeconfig cannot be read, or has no such context."},
      {refused, "refused", Status::refused,
       "A check refused the command for a reason without a code of its own."},
      {wrong_cluster, "wrong-cluster", Status::refused,
       "A kubeconfig leads to another cluster than the one meant, or nothing proves the cluster."},
      {unknown_cluster, "unknown-cluster", Status::refused,
       "Rancher knows no cluster of this ID or name, or knows several of this name."},
      {stale_kubeconfig, "stale-kubeconfig", Status::refused,
       "A kubeconfig was made before the renewal: its CA does not verify the API server, or the "
       "server refuses its client certificate."},
      {through_rancher, "through-rancher", Status::refused,
       "A kubeconfig leads through Rancher instead of straight to the cluster."},
      {bad_certificate, "bad-certificate", Status::refused,
       "The certificate of an API server has expired, is not yet valid, or lacks the address."},
      {old_ca, "old-ca", Status::refused,
       "The cluster hands out a CA that does not verify its API server."},
      {missing_permission, "missing-permission", Status::refused,
       "A permission review says that a user of the kubeconfigs may not do a step."},
      {denied, "denied", Status::refused,
       "A webhook, a policy, a quota or the end of a namespace forbids a change."},
      {bad_answer, "bad-answer", Status::refused,
       "A cluster or a program answered with text that breaks the rules."},
      {backup_failed, "backup-failed", Status::refused,
       "The backup of Rancher failed or cannot be made."},
      {busy, "busy", Status::refused, "Another run of retrust repairs the cluster."},
      {not_begun, "not-begun", Status::refused,
       "retrust left out one of several clusters because others failed."},
      {plan_changed, "plan-changed", Status::refused,
       "The clusters changed since `plan --out`: the plan that was saved no longer holds."},
      {timeout, "timeout", Status::gave_up, "An effect did not show within the time limit."},
      {unreachable, "unreachable", Status::no_answer, "A cluster did not answer."},
      {unauthorized, "unauthorized", Status::no_answer,
       "A cluster answered 401, or the login plugin of a kubeconfig gave no credentials."},
      {forbidden, "forbidden", Status::no_answer, "A cluster answered 403."},
      {declined, "declined", Status::declined,
       "The operator declined: an answer other than yes, or the end of the input."},
      {interrupted, "interrupted", Status::interrupted, "A signal ended the command."},
  };
  return codes;
}

const FailureCodeInfo& info_of(FailureCode code) {
  return all_failure_codes()[static_cast<std::size_t>(code)];
}

FailureCode code_of(ExitStatus status) {
  switch (status) {
    case ExitStatus::usage:
      return FailureCode::usage;
    case ExitStatus::refused:
      return FailureCode::refused;
    case ExitStatus::gave_up:
      return FailureCode::timeout;
    case ExitStatus::no_answer:
      return FailureCode::unreachable;
    case ExitStatus::declined:
      return FailureCode::declined;
    default:
      return status > ExitStatus::interrupted ? FailureCode::interrupted : FailureCode::failed;
  }
}

}  // namespace retrust
