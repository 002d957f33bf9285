#include "tools/certificate_errors.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "tools/endings.h"

namespace retrust {
namespace {

// golang/go go1.24, src/crypto/x509/verify.go: Error() of CertificateInvalidError, HostnameError
// and UnknownAuthorityError. The texts after "x509: ".
constexpr std::string_view unknown_authority = "certificate signed by unknown authority";
constexpr std::string_view out_of_date = "certificate has expired or is not yet valid";
constexpr std::string_view valid_for = "certificate is valid for ";
constexpr std::array other_names{valid_for,
                                 std::string_view{"certificate is not valid for any names"},
                                 std::string_view{"cannot validate certificate for "},
                                 std::string_view{"certificate relies on legacy Common Name field"},
                                 std::string_view{"Common Name is not a valid hostname"}};

/// The text after the first "x509: ".
std::string_view after_x509(std::string_view text) {
  constexpr std::string_view begins = "x509: ";
  const auto at = text.find(begins);
  return at == std::string_view::npos ? std::string_view{} : text.substr(at + begins.size());
}

/// True for a DNS name or an IP address, which need no quotes anywhere.
bool is_server_name(std::string_view name) {
  constexpr std::size_t longest = 253;
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-' || c == ':';
  };
  return !name.empty() && name.size() <= longest && name.front() != '-' && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), is_plain);
}

}  // namespace

KubectlError kind_of_x509(std::string_view text) {
  const auto says = after_x509(text);
  if (says.empty() || says.starts_with(unknown_authority)) return KubectlError::untrusted;
  if (says.starts_with(out_of_date)) {
    // A kubectl before 1.19 does not tell which.
    const auto line = says.substr(0, says.find('\n'));
    return line.find(" is before ") != std::string_view::npos ? KubectlError::not_yet_valid
                                                              : KubectlError::expired;
  }
  const auto other_name =
      std::any_of(other_names.begin(), other_names.end(),
                  [&](std::string_view each) { return says.starts_with(each); });
  return other_name ? KubectlError::wrong_name : KubectlError::bad_certificate;
}

std::vector<std::string> server_names(std::string_view text) {
  // Every API server has these names: kubernetes/kubernetes commit 1b3779ba,
  // cmd/kube-apiserver/app/options/completion.go, and the certificates of rke, k3s and kubeadm.
  std::vector<std::string> usual{"kubernetes.default.svc", "kubernetes"};
  constexpr std::size_t most = 4;
  auto list = after_x509(text);
  list = list.substr(0, list.find('\n'));
  const auto end = list.rfind(", not ");
  if (!list.starts_with(valid_for) || end == std::string_view::npos) return usual;
  list = list.substr(valid_for.size(), end - valid_for.size());
  std::vector<std::string> names;
  while (!list.empty()) {
    const auto comma = std::min(list.find(", "), list.size());
    const auto name = list.substr(0, comma);
    if (is_server_name(name)) names.emplace_back(name);
    list.remove_prefix(std::min(comma + 2, list.size()));
  }
  std::stable_partition(names.begin(), names.end(), [&](const std::string& name) {
    return std::find(usual.begin(), usual.end(), name) != usual.end();
  });
  if (names.size() > most) names.resize(most);
  return names;
}

Failure explain_certificate(KubectlError kind, const Outcome& outcome, const Asked& asked) {
  const auto whose = fmt::format("the certificate of the {}'s API server", name_of(asked.side));
  const auto option = asked.side == Side::downstream ? "--kubeconfig" : "--local-kubeconfig";
  const auto failure = [&](std::string happened, Advice advice) {
    const auto stale = kind == KubectlError::untrusted;
    return Failure(stale ? FailureCode::stale_kubeconfig : FailureCode::bad_certificate,
                   std::move(happened), std::move(advice), own_words(outcome));
  };
  switch (kind) {
    case KubectlError::wrong_name: {
      const auto names = server_names(outcome.err);
      return failure(
          fmt::format("{} does not have the address in {} as a name", whose, asked.kubeconfig),
          {"use an address that the certificate names, renew the certificate with this address "
           "(rke: authentication.sans; k3s and RKE2: tls-san), or set tls-server-name in the "
           "kubeconfig to a name of the certificate",
           names.empty() ? std::string()
                         : fmt::format("{} --tls-server-name={} get --raw /readyz", asked.reaching,
                                       names.front())});
    }
    case KubectlError::expired:
      return failure(fmt::format("{} has expired, by the clock of this machine", whose),
                     {"renew the API server's serving certificate, then run again; see whether the "
                      "clock is right",
                      "date -u"});
    case KubectlError::not_yet_valid:
      return failure(fmt::format("{} is not yet valid, by the clock of this machine", whose),
                     {"correct the clock of this machine, or that of the machine which made the "
                      "certificate; see the clock",
                      "date -u"});
    case KubectlError::untrusted:
      return failure(
          fmt::format("the CA in {} does not verify {}", asked.kubeconfig, whose),
          asked.side == Side::downstream
              ? "this kubeconfig was made before the renewal, or is of another cluster: fetch a "
                "fresh one from a control plane node"
              : fmt::format("give the kubeconfig of Rancher's own cluster as it is now with {}",
                            option));
    default:
      break;
  }
  return failure(fmt::format("kubectl refuses {}", whose),
                 "renew the API server's serving certificate with the names of its addresses, then "
                 "run again");
}

}  // namespace retrust
