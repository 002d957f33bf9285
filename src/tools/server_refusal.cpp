#include "tools/server_refusal.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/display_text.h"
#include "tools/endings.h"

namespace retrust {
namespace {

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// The text between two parts, or empty.
std::string_view between(std::string_view text, std::string_view before, std::string_view after) {
  const auto at = text.find(before);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + before.size());
  return text.substr(0, std::min(text.find_first_of(after), text.size()));
}

// kubernetes/apiserver v0.35.0, pkg/util/webhook/error.go: ErrCallingWebhook, and
// pkg/admission/plugin/webhook/errors/statuserror.go: ToStatusErr. Conversion webhooks:
// apiextensions-apiserver v0.35.0, pkg/apiserver/conversion/webhook_converter.go.
constexpr std::string_view calling_webhook = "failed calling webhook \"";
constexpr std::string_view converting = "conversion webhook for ";
constexpr std::string_view webhook_denied = "admission webhook \"";
constexpr std::string_view denied_by_webhook = " denied the request";
// kubernetes/apiserver v0.36.0, pkg/admission/plugin/policy/validating/dispatcher.go, and
// generic/policy_dispatcher.go for a MutatingAdmissionPolicy.
constexpr std::string_view denied_by_policy = " denied request";
// kubernetes/apiserver v0.35.0, pkg/admission/plugin/resourcequota/controller.go.
constexpr std::string_view over_quota = "exceeded quota: ";
constexpr std::string_view without_quota = "failed quota: ";
// kubernetes/apiserver v0.35.0, pkg/admission/plugin/namespace/lifecycle/admission.go.
constexpr std::string_view terminating = "because it is being terminated";

/// Whether the message tells of a policy rather than of a missing permission. An authorizer's
/// message says `User "x" cannot get resource …`; RBAC's check of a grant, "is attempting to
/// grant". kubernetes/apiserver v0.35.0, pkg/endpoints/handlers/responsewriters/errors.go:
/// forbiddenMessage. Admission plugins say `x is forbidden: …` without these words.
bool is_denial(std::string_view message) {
  for (const auto part : {denied_by_policy, over_quota, without_quota, terminating}) {
    if (has(message, part)) return true;
  }
  const auto permission = has(message, " cannot") || has(message, "attempting to grant");
  return has(message, " is forbidden: ") && !permission;
}

bool is_webhook_failure(std::string_view message) {
  return has(message, calling_webhook) || has(message, converting);
}

/// Whether etcd, the connection to it or the start of the API server is the reason, which passes.
/// kubectl puts `error when creating "STDIN": ` before a message.
bool passes(std::string_view message) {
  if (message.starts_with("error when ")) {
    const auto end = message.find("\": ");
    if (end != std::string_view::npos) message.remove_prefix(end + 3);
  }
  // kubernetes/apimachinery v0.35.0, pkg/api/errors/errors.go: NewInternalError.
  constexpr std::string_view internal = "Internal error occurred: ";
  if (message.starts_with(internal)) message.remove_prefix(internal.size());
  return message.starts_with("etcdserver: ") ||
         message.starts_with("rpc error: code = Unavailable desc = ") ||
         message.ends_with(" is forbidden: not yet ready to handle request");
}

}  // namespace

KubectlError kind_of_refusal(std::string_view reason, std::string_view message) {
  struct Known {
    std::string_view reason;
    KubectlError kind;
  };
  // kubernetes/apimachinery v0.35.0, pkg/apis/meta/v1/types.go: StatusReason.
  constexpr std::array reasons{Known{"Unauthorized", KubectlError::unauthorized},
                               Known{"NotFound", KubectlError::not_found},
                               Known{"Conflict", KubectlError::conflict},
                               Known{"AlreadyExists", KubectlError::already_exists},
                               Known{"TooManyRequests", KubectlError::busy},
                               Known{"ServiceUnavailable", KubectlError::unreachable},
                               Known{"Timeout", KubectlError::timed_out}};
  // A webhook chooses the reason of its denial.
  if (has(message, denied_by_webhook)) return KubectlError::denied;
  if (is_webhook_failure(message)) return KubectlError::webhook_failed;
  for (const auto& each : reasons) {
    if (each.reason == reason) return each.kind;
  }
  if (passes(message)) return KubectlError::unreachable;
  if (is_denial(message)) return KubectlError::denied;
  if (reason == "InternalError" || reason == "ServerTimeout") return KubectlError::server_error;
  return reason == "Forbidden" ? KubectlError::forbidden : KubectlError::other;
}

// kubernetes/kubectl v0.20.0 and v0.35.0, pkg/cmd/util/helpers.go: checkErr and
// StandardErrorMessage.
std::optional<KubectlError> kind_of_server_line(std::string_view line) {
  constexpr std::string_view refused = "Error from server";
  if (line.starts_with("The ") && has(line, " is invalid")) {
    // The reason is Invalid where a policy's author chose none, and a webhook may choose it.
    const auto denied = has(line, denied_by_policy) || has(line, denied_by_webhook);
    return denied ? KubectlError::denied : KubectlError::other;
  }
  if (line.starts_with("error: You must be logged in to the server")) {
    return KubectlError::unauthorized;
  }
  if (!line.starts_with(refused)) return std::nullopt;
  line.remove_prefix(refused.size());
  const auto end = std::min(line.find(": "), line.size());
  auto reason = line.substr(0, end);
  if (reason.starts_with(" (") && reason.ends_with(')')) {
    reason = reason.substr(2, reason.size() - 3);
  } else {
    reason = {};
  }
  return kind_of_refusal(reason, end < line.size() ? line.substr(end + 2) : std::string_view{});
}

Failure explain_refusal(KubectlError kind, const Outcome& outcome, const Asked& asked) {
  const std::string_view words = outcome.err;
  constexpr std::size_t most_bytes = 128;
  const auto where = fmt::format("the {} ({})", name_of(asked.side), asked.kubeconfig);
  const auto name = [&](std::string_view before, std::string_view after) {
    return DisplayText(between(words, before, after), most_bytes);
  };
  const auto detail = own_words(outcome);
  const auto failure = [&](std::string happened, Advice advice) {
    return Failure(FailureCode::denied, std::move(happened), std::move(advice), detail);
  };
  // The remedy for its certificate: rancher/rancher#35068 and rancher/docs#3637.
  const auto of_rancher =
      has(words, "rancher-webhook") || has(words, "webhook \"rancher.cattle.io");
  const auto look = [&](std::string sentence) {
    return of_rancher ? Advice(std::move(sentence),
                               asked.reaching + " -n cattle-system get pods -l app=rancher-webhook")
                      : Advice(std::move(sentence), asked.reaching +
                                                        " get validatingwebhookconfigurations,"
                                                        "mutatingwebhookconfigurations");
  };
  if (kind == KubectlError::webhook_failed) {
    const auto webhook = has(words, calling_webhook)
                             ? fmt::format("the webhook {}", name(calling_webhook, "\""))
                             : fmt::format("the conversion webhook for {}", name(converting, ","));
    const auto x509 = has(words, "x509: ");
    return failure(
        fmt::format("{} of {} does not work, so the API server refuses {}", webhook, where,
                    asked.command),
        look(of_rancher ? (x509 ? "renew rancher-webhook's certificate: delete the Secret "
                                  "cattle-webhook-tls in cattle-system and the pods of "
                                  "rancher-webhook, then run again. See its pods"
                                : "restart rancher-webhook if its pods do not run, then run again. "
                                  "See its pods")
                        : "repair the service behind this webhook, then run again. See the "
                          "webhooks"));
  }
  if (has(words, terminating)) {
    return failure(fmt::format("a namespace of {} is being deleted, so the API server creates "
                               "nothing in it",
                               where),
                   {"find out who deletes this namespace, and what holds it; see the namespaces",
                    asked.reaching + " get namespaces"});
  }
  for (const auto quota : {over_quota, without_quota}) {
    if (!has(words, quota)) continue;
    return failure(
        fmt::format("the quota {} of {} forbids {}", name(quota, ",:"), where, asked.command),
        {"raise this quota, then run again; see the quotas",
         asked.reaching + " get resourcequotas --all-namespaces"});
  }
  const auto webhook = name(webhook_denied, "\"");
  const auto policy = name("ValidatingAdmissionPolicy '", "'");
  const auto mutating = name(": policy '", "'");
  const auto who = !webhook.empty()    ? fmt::format("the admission webhook {}", webhook)
                   : !policy.empty()   ? fmt::format("the ValidatingAdmissionPolicy {}", policy)
                   : !mutating.empty() ? fmt::format("the MutatingAdmissionPolicy {}", mutating)
                                       : std::string("an admission policy");
  return failure(fmt::format("{} of {} denies {}", who, where, asked.command),
                 look("allow this change in that policy, or have its owner allow it, then run "
                      "again. See the webhooks"));
}

}  // namespace retrust
