// The codes of failures, which scripts compare.
#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "base/failure.h"

namespace retrust {
namespace {

TEST_CASE("each code has a place, a name for scripts, a status and one short sentence") {
  std::set<std::string_view> names;
  const auto& codes = all_failure_codes();
  CHECK(codes.back().code == FailureCode::interrupted);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const auto& info = codes[i];
    CAPTURE(info.name);
    CHECK(static_cast<std::size_t>(info.code) == i);
    CHECK(&info_of(info.code) == &info);
    CHECK(names.insert(info.name).second);
    CHECK(std::all_of(info.name.begin(), info.name.end(),
                      [](unsigned char c) { return std::islower(c) != 0 || c == '-'; }));
    CHECK(info.status != ExitStatus::done);
    CHECK(info.status != ExitStatus::differs);
    CHECK(info.meaning.ends_with('.'));
    CHECK(std::count(info.meaning.begin(), info.meaning.end(), ' ') < 30);
  }
}

// A name or a status that changes breaks scripts.
TEST_CASE("the names and statuses of codes stay") {
  struct Known {
    FailureCode code;
    std::string_view name;
    int status;
  };
  using enum FailureCode;
  for (const auto& known : {Known{failed, "failed", 1},
                            {internal_error, "internal-error", 1},
                            {no_resources, "no-resources", 1},
                            {changed_meanwhile, "changed-meanwhile", 1},
                            {server_error, "server-error", 1},
                            {usage, "usage", 2},
                            {no_backup_choice, "no-backup-choice", 2},
                            {no_consent, "no-consent", 2},
                            {no_program, "no-program", 2},
                            {bad_kubeconfig, "bad-kubeconfig", 2},
                            {refused, "refused", 4},
                            {wrong_cluster, "wrong-cluster", 4},
                            {unknown_cluster, "unknown-cluster", 4},
                            {stale_kubeconfig, "stale-kubeconfig", 4},
                            {through_rancher, "through-rancher", 4},
                            {bad_certificate, "bad-certificate", 4},
                            {old_ca, "old-ca", 4},
                            {missing_permission, "missing-permission", 4},
                            {denied, "denied", 4},
                            {bad_answer, "bad-answer", 4},
                            {backup_failed, "backup-failed", 4},
                            {busy, "busy", 4},
                            {not_begun, "not-begun", 4},
                            {plan_changed, "plan-changed", 4},
                            {timeout, "timeout", 5},
                            {unreachable, "unreachable", 6},
                            {unauthorized, "unauthorized", 6},
                            {forbidden, "forbidden", 6},
                            {declined, "declined", 7},
                            {interrupted, "interrupted", 128}}) {
    CAPTURE(known.name);
    CHECK(info_of(known.code).name == known.name);
    CHECK(static_cast<int>(info_of(known.code).status) == known.status);
  }
}

TEST_CASE("a failure has the status of its code, or the code of its status") {
  const Failure coded(FailureCode::busy, "another run");
  CHECK(coded.status == ExitStatus::refused);
  CHECK(coded.code == FailureCode::busy);
  struct Case {
    ExitStatus status;
    FailureCode code;
  };
  for (const auto& each : {Case{ExitStatus::failed, FailureCode::failed},
                           {ExitStatus::usage, FailureCode::usage},
                           {ExitStatus::refused, FailureCode::refused},
                           {ExitStatus::gave_up, FailureCode::timeout},
                           {ExitStatus::no_answer, FailureCode::unreachable},
                           {ExitStatus::declined, FailureCode::declined},
                           {static_cast<ExitStatus>(130), FailureCode::interrupted}}) {
    const Failure plain(each.status, "it went wrong");
    CHECK(plain.status == each.status);
    CHECK(plain.code == each.code);
  }
}

TEST_CASE("after a change no status says that nothing was changed, and the cause stays") {
  struct Case {
    Failure before;
    ExitStatus status;
    FailureCode code;
  };
  const std::string text = "it went wrong";
  for (const auto& each :
       {Case{Failure(FailureCode::unreachable, text), ExitStatus::failed, FailureCode::unreachable},
        Case{Failure(FailureCode::declined, text), ExitStatus::failed, FailureCode::declined},
        Case{Failure(FailureCode::denied, text), ExitStatus::failed, FailureCode::denied},
        Case{Failure(ExitStatus::refused, text), ExitStatus::failed, FailureCode::failed},
        Case{Failure(ExitStatus::usage, text), ExitStatus::failed, FailureCode::failed},
        Case{Failure(ExitStatus::gave_up, text), ExitStatus::gave_up, FailureCode::timeout},
        Case{Failure(static_cast<ExitStatus>(143), text), static_cast<ExitStatus>(143),
             FailureCode::interrupted}}) {
    auto failure = each.before;
    after_change(failure);
    CHECK(failure.status == each.status);
    CHECK(failure.code == each.code);
  }
}

}  // namespace
}  // namespace retrust
