#include "steps/live_credentials.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "credentials/certificate.h"
#include "credentials/token.h"
#include "observe/commands.h"
#include "observe/kubeconfig.h"
#include "observe/live_account.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

constexpr const char* token_advice =
    "kube-controller-manager's --service-account-private-key-file and kube-apiserver's "
    "--service-account-key-file must be a pair; then run again";

/// The failure if the downstream cluster did not answer. The advice names a command with the
/// operator's kubeconfig, because the temporary one is gone. `which` is "live" or "stored".
Failure no_answer(const Context& context, std::string_view which, const KubectlFailure& failure) {
  return {FailureCode::unreachable,
          fmt::format("{} did not answer, so the {} CA and token could not be tried",
                      context.seen().downstream.kubeconfig.server, which),
          fmt::format("run again when the server answers to: {} get --raw /readyz",
                      shell_line(context.options().downstream_kubectl.words)),
          failure.detail};
}

/// Throws Failure if the secret itself shows that Rancher must not store its content.
void check_usable(const Observation& seen, const PlanOptions& options) {
  const auto* live = seen.live();
  if (live == nullptr || !live->complete()) {
    throw Failure(ExitStatus::failed,
                  live == nullptr ? fmt::format("there is no token secret of {} to repair with",
                                                account_text(seen))
                                  : fmt::format("the token secret {} cannot be used to repair: {}",
                                                live->name, live->lack()),
                  Advice::retrust("wait for a new one", "step", "delete-token"));
  }
  check_token_owner(*live, seen.downstream.account, options);
  if (live->verdict == Verdict::rejected) {
    throw Failure(ExitStatus::failed,
                  fmt::format("the cluster rejects the token in {}, so it is not stored in Rancher",
                              live->name),
                  options.skip.contains(Step::delete_token)
                      ? Advice("run without --skip 2.1, which replaces it")
                      : Advice::retrust("replace it first", "step", "delete-token"),
                  live->reason);
  }
  if (parse_certificates(live->credentials.ca_pem).empty()) {
    throw Failure(
        ExitStatus::failed,
        fmt::format("the CA in {} is no certificate, so it is not stored in Rancher", live->name),
        "give kube-controller-manager the new CA with --root-ca-file; then run again");
  }
}

}  // namespace

void check_token_owner(const TokenSecret& secret, const ObjectName& account,
                       const PlanOptions& options) {
  const auto& name_space = options.name_space;
  const auto claims = parse_token(secret.credentials.token.reveal());
  if (claims && claims->name_space == name_space.text() &&
      claims->service_account == account.text()) {
    return;
  }
  const auto called = [](const DisplayText& name) { return name.empty() ? "?" : name; };
  const auto owner =
      claims ? fmt::format("{}/{}", called(claims->name_space), called(claims->service_account))
             : std::string("nobody");
  throw Failure(
      FailureCode::bad_answer,
      fmt::format("the secret {} of the downstream cluster holds a token of the service account "
                  "{}, not of {}/{}: retrust does not store it in Rancher",
                  secret.name, owner, name_space, account),
      fmt::format("this may be an attack: find out who wrote that secret. Then delete it, and "
                  "run again: {}",
                  shell_line(options.downstream_kubectl,
                             commands::delete_secrets(name_space, {secret.name}))));
}

awaitable<void> try_live(Context context) {
  check_usable(context.seen(), context.options());
  const auto live = *context.seen().live();
  if (context.state().proven == live.credentials) co_return;
  const auto kubectl = context.in_section_of(Step::update_cluster).downstream();
  if (context.seen().downstream.handed_out_ca == Downstream::HandedOutCa::not_provable) {
    std::vector<Secret> tokens(1, live.credentials.token);
    const auto verdicts = co_await review_tokens(kubectl, std::move(tokens));
    if (verdicts.front().first == Verdict::accepted) co_return;
    throw Failure(ExitStatus::failed, fmt::format("the cluster rejects the token in {}", live.name),
                  token_advice, verdicts.front().second);
  }
  const TemporaryKubeconfig temporary(context.seen().downstream.kubeconfig, live.credentials);
  const auto with_live = kubectl.with_kubeconfig(temporary.descriptor());
  try {
    const auto answer = co_await with_live.get_raw("/api/v1/namespaces/kube-system");
    const auto& uid = context.seen().downstream.kube_system_uid;
    if (!uid.empty() && uid == text_at(answer, "/metadata/uid")) {
      context.state().proven = live.credentials;
    }
  } catch (const KubectlFailure& failure) {
    const auto ca = failure.kind == KubectlError::untrusted;
    const auto token =
        failure.kind == KubectlError::unauthorized || failure.kind == KubectlError::forbidden;
    if (failure.kind == KubectlError::hung) throw;
    if (is_transient(failure.kind)) throw no_answer(context, "live", failure);
    if (!ca && !token) throw;
    throw Failure(ExitStatus::failed,
                  fmt::format("the {} in {} is not good for the cluster that made it",
                              ca ? "CA" : "token", live.name),
                  ca ? "give kube-controller-manager the new CA with --root-ca-file" : token_advice,
                  failure.detail);
  }
}

awaitable<void> try_live_early(Context context) {
  try {
    co_await try_live(context);
  } catch (const std::exception&) {
    // The trial before the use of the credentials reports the failure.
  }
}

awaitable<void> prove(Context context) {
  const auto stored = context.seen().local.cluster.stored;
  const auto kubeconfig = context.seen().downstream.kubeconfig;
  const auto& server = kubeconfig.server;
  if (context.seen().downstream.handed_out_ca == Downstream::HandedOutCa::not_provable) {
    context.run_journal().warning(
        fmt::format("not provable from here: {} has a certificate of its own", server));
    co_return;
  }
  const auto& proven = context.state().proven;
  if (!proven || !compare(stored, *proven).equal()) {
    const TemporaryKubeconfig temporary(kubeconfig, stored);
    boost::json::value answer;
    try {
      answer = co_await context.downstream()
                   .with_kubeconfig(temporary.descriptor())
                   .get_raw("/api/v1/namespaces/kube-system");
    } catch (const KubectlFailure& failure) {
      const auto of_kubectl = failure.kind == KubectlError::hung ||
                              failure.kind == KubectlError::bad_kubeconfig ||
                              failure.kind == KubectlError::no_context;
      if (of_kubectl) throw;
      if (is_transient(failure.kind)) throw no_answer(context, "stored", failure);
      throw Failure(
          ExitStatus::failed,
          fmt::format("the stored CA and token do not reach {}: {}", server, failure.what()),
          "run again; if it stays so, the cluster does not accept what it hands out itself",
          failure.detail);
    }
    const auto& uid = context.seen().downstream.kube_system_uid;
    if (!uid.empty() && uid != text_at(answer, "/metadata/uid")) {
      throw Failure(
          FailureCode::wrong_cluster,
          fmt::format("{} answered with the stored CA and token, but is another cluster", server),
          "find out what answers at that address, then run again");
    }
  }
  context.were_accepted(stored);
  context.run_journal().finding(
      fmt::format("proof: {} was reached with the stored CA and the stored token", server));
}

}  // namespace retrust
