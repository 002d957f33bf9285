#include "observe/handed_out_ca.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "credentials/certificate.h"
#include "observe/agent_token.h"
#include "tools/certificate_errors.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

/// The failure to reach the API server with these credentials. None if its certificate fits the CA,
/// also if it rejects the token.
awaitable<std::optional<KubectlFailure>> failure_of(Kubectl downstream, KubeconfigView view,
                                                    Credentials credentials) {
  const TemporaryKubeconfig temporary(view, credentials);
  std::optional<KubectlFailure> failed;
  try {
    co_await downstream.with_kubeconfig(temporary.descriptor()).get_raw("/version");
  } catch (const KubectlFailure& failure) {
    if (failure.kind != KubectlError::unauthorized && failure.kind != KubectlError::forbidden) {
      failed = failure;
    }
  }
  co_return failed;
}

/// Tries a CA at the API server. Nothing if it verifies the server's certificate. The failure is
/// of kind `untrusted` or `wrong_name`; others are thrown.
awaitable<std::optional<KubectlFailure>> trial_of(const Clusters& clusters, KubeconfigView view,
                                                  Credentials credentials, Downstream& downstream) {
  if (view.verifies_server && contains_certificates(credentials.ca_pem, view.ca_pem)) {
    co_return std::nullopt;
  }
  auto failed = co_await failure_of(clusters.downstream, view, credentials);
  if (failed && failed->kind == KubectlError::wrong_name) {
    // The CA can be told from the address by a name that the certificate has. An API server's own
    // names come first, because no other server has a certificate with them.
    auto named = view;
    for (const auto& name : server_names(failed->detail)) {
      if (named.cluster.is_object()) named.cluster.get_object()["tls-server-name"] = name;
      failed = co_await failure_of(clusters.downstream, named, credentials);
      if (failed && failed->kind == KubectlError::wrong_name) continue;
      // Every later trial needs this name too.
      downstream.kubeconfig.cluster = named.cluster;
      break;
    }
  }
  const auto about_ca = !failed || failed->kind == KubectlError::wrong_name ||
                        failed->kind == KubectlError::untrusted;
  if (!about_ca) throw KubectlFailure(*failed);
  co_return failed;
}

/// Tries the CA that Rancher has stored, if the live CA holds it and more. The live token goes with
/// it: a stored token is shown to no server that is not proven to be its own.
awaitable<void> try_stored_ca(const Clusters& clusters, KubeconfigView view, Secret token,
                              Observation& seen) {
  const auto stored = seen.local.cluster.stored.ca_pem;
  const auto live = seen.live_credentials();
  if (!live || same_certificates(live->ca_pem, stored)) co_return;
  if (!contains_certificates(live->ca_pem, stored)) co_return;
  Credentials credentials;
  credentials.token = std::move(token);
  credentials.ca_pem = stored;
  const auto failed = co_await trial_of(clusters, view, credentials, seen.downstream);
  if (!failed) seen.proven_ca = stored;
}

bool is_untrusted(const std::optional<KubectlFailure>& failed) {
  return failed && failed->kind == KubectlError::untrusted;
}

}  // namespace

awaitable<void> check_handed_out_ca(const Clusters& clusters, const KubeconfigView& view,
                                    Observation& seen) {
  const auto* live = seen.live();
  auto& downstream = seen.downstream;
  const auto in_secret = live == nullptr ? Credentials{} : live->credentials;
  const auto differ = holders_differ(seen);
  auto handed_out = in_secret;
  if (downstream.root_ca) handed_out.ca_pem = *downstream.root_ca;
  if (handed_out.ca_pem.empty()) co_return;
  auto failed = co_await trial_of(clusters, view, handed_out, downstream);
  if (differ) {
    const auto other = co_await trial_of(clusters, view, in_secret, downstream);
    if (!failed && is_untrusted(other)) downstream.right_ca = handed_out.ca_pem;
    if (is_untrusted(failed) && !other) {
      downstream.right_ca = in_secret.ca_pem;
      failed.reset();
    }
  }
  if (!failed) {
    downstream.handed_out_ca = Downstream::HandedOutCa::verifies;
    co_await try_stored_ca(clusters, view, in_secret.token, seen);
    co_return;
  }
  // The system's own CAs vouch for this server, so it is a proxy, or has a second certificate. The
  // certificate that the agents and Rancher see is not visible from here.
  const auto hidden =
      failed->kind == KubectlError::wrong_name || (view.verifies_server && view.ca_pem.empty());
  downstream.handed_out_ca =
      hidden ? Downstream::HandedOutCa::not_provable : Downstream::HandedOutCa::does_not_verify;
  downstream.handed_out_reason = failed->detail;
}

CaBehind ca_behind(const Downstream& downstream, const TokenSecret& secret) {
  if (agree_on_ca(downstream, secret)) return CaBehind::none;
  if (!downstream.right_ca) return CaBehind::unknown;
  return same_certificates(*downstream.root_ca, *downstream.right_ca) ? CaBehind::secret
                                                                      : CaBehind::config_map;
}

std::string ca_behind_text(const Downstream& downstream, const TokenSecret& secret) {
  const auto both = fmt::format(
      "the token secret {} and the ConfigMap kube-root-ca.crt hold different CAs", secret.name);
  switch (ca_behind(downstream, secret)) {
    case CaBehind::none:
      return {};
    case CaBehind::secret:
      return fmt::format(
          "{}: {} is behind, which the token controller of kube-controller-manager "
          "writes",
          both, secret.name);
    case CaBehind::config_map:
      return both +
             ": kube-root-ca.crt is behind, which root-ca-cert-publisher of "
             "kube-controller-manager writes";
    case CaBehind::unknown:
      break;
  }
  return both + ", and nothing shows which one is behind";
}

bool holders_differ(const Observation& seen) {
  const auto* live = seen.live();
  return live != nullptr && !agree_on_ca(seen.downstream, *live);
}

}  // namespace retrust
