#include "cluster.h"

#include <chrono>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "failures.h"
#include "json_util.h"

namespace retrust::sandbox {
namespace {

constexpr std::string_view through_rancher = "/k8s/clusters/";

/// What the API server says of a token that none of its keys signed; empty where it does not know
/// the issuer. From 1.31 on it looks for a key of the token's ID (kubernetes/kubernetes pull
/// request 125177, kubernetes/enhancements pull request 4852; seen on 1.36.2). Before, it tried
/// every key (seen on 1.20.2 and 1.26.5).
std::string wrong_signature(const KubernetesProfile& kubernetes, const std::string& token) {
  const auto first = token.find('.');
  const auto last = token.rfind('.');
  if (first == std::string::npos || first == last) return {};
  const auto payload = base64url_decode(token.substr(first + 1, last - first - 1)).value_or("");
  boost::system::error_code wrong;
  const auto claims = boost::json::parse(payload, wrong);
  if (wrong || text_at(claims, "/iss").empty()) return {};
  return kubernetes.number < Version{1, 31, 0} ? "square/go-jose: error in cryptographic primitive"
                                               : "invalid signature, no keys found";
}

}  // namespace

const std::string& clusters_made() {
  static const auto made = time_text(std::chrono::system_clock::now() - std::chrono::days{250});
  return made;
}

const std::string& accounts_made() {
  static const auto made = time_text(std::chrono::system_clock::now() - std::chrono::days{240});
  return made;
}

const std::string& pods_started() {
  static const auto started = time_text(std::chrono::system_clock::now() - std::chrono::days{230});
  return started;
}

std::string secret_data(const std::string& text) {
  return base64_encode(text);
}

std::string decoded_secret(const std::string& data) {
  return base64_decode(data).value_or("");
}

Cluster::Cluster(boost::asio::io_context& io, std::string name, const Authority& authority, Key key,
                 std::vector<Resource> resources, KubernetesProfile kubernetes, Log& log,
                 Hooks hooks)
    : account_key(std::move(key)),
      name_(std::move(name)),
      kubernetes_(std::move(kubernetes)),
      admin_token_("admin-" + random_suffix(32)),
      viewer_token_("viewer-" + random_suffix(32)),
      identity_(authority.issue_server()) {
  hand_out_ca(authority.pem(), clusters_made());
  api_ = std::make_unique<Api>(
      store_, Api::Settings{
                  .kubernetes = kubernetes_,
                  .resources = std::move(resources),
                  .authenticate = [this](const std::string& token) { return authenticate(token); },
                  .review_trouble = hooks.review_trouble,
                  .before_change = hooks.before_change,
                  .forbidden = hooks.forbidden});
  server_ = std::make_unique<Server>(
      io, store_, identity_,
      Server::Hooks{.handle = [this](const Request& request) { return handle(request); },
                    .answered =
                        [this, &log, answered = hooks.answered](
                            const About& about, const std::string& path, unsigned code) {
                          log.request(name_, about, path, code);
                          if (answered) answered(about, code);
                        },
                    .watch_limit = hooks.watch_limit,
                    .hostile = hooks.hostile});
}

void Cluster::hand_out_ca(std::string pem, std::string since) {
  handed_out_ca_ = std::move(pem);
  handed_out_since_ = std::move(since);
  handed_out_ca_base64_ = secret_data(handed_out_ca_);
}

void Cluster::show(Authority::Issued identity) {
  identity_ = std::move(identity);
  server_->show(identity_);
}

Answer Cluster::handle(Request request) {
  // As Rancher's own server does: the local cluster is reached, an ailing one is not.
  // rancher/rancher v2.4.17 and v2.15.0, pkg/clusterrouter/proxy/proxy_server.go: errorResponder.
  if (request.path.starts_with(through_rancher)) {
    const auto rest = request.path.substr(through_rancher.size());
    const auto slash = std::min(rest.find('/'), rest.size());
    if (rest.substr(0, slash) != "local") {
      return {{.user = "admin", .verb = "get"},
              Response{500,
                       {},
                       "text/plain; charset=utf-8",
                       "x509: certificate signed by unknown authority"}};
    }
    request.path = rest.substr(slash);
  }
  return api_->handle(request);
}

void Cluster::note_use(const boost::json::value& claims) {
  if (kubernetes_.number < Version{1, 27, 0}) return;
  const ObjectKey key{"secrets", text_at(claims, "/kubernetes.io~1serviceaccount~1namespace"),
                      text_at(claims, "/kubernetes.io~1serviceaccount~1secret.name")};
  const auto* present = store_.find(key);
  if (present == nullptr) return;
  constexpr std::string_view label = "/metadata/labels/kubernetes.io~1legacy-token-last-used";
  constexpr std::size_t day = 10;  // 2026-11-27
  const auto today = now_text().substr(0, day);
  if (text_at(*present, label) == today) return;
  auto used = *present;
  put(used, label, today);
  store_.update(key, std::move(used));
}

User Cluster::authenticate(const std::string& token) {
  if (token == admin_token_) return {"admin", Access::everything};
  if (token == viewer_token_) return {"viewer", Access::reads};
  const auto claims = verify_jwt(account_key, token);
  if (!claims) return {"system:anonymous", Access::none, wrong_signature(kubernetes_, token)};
  const boost::json::value value(*claims);
  if (auto why = rejection(value, token); !why.empty()) {
    return {"system:anonymous", Access::none, std::move(why)};
  }
  note_use(value);
  return {text_at(value, "/sub"), Access::everything};
}

// From kubernetes/kubernetes, pkg/serviceaccount/claims.go and legacy.go.
std::string Cluster::rejection(const boost::json::value& claims, const std::string& token) const {
  const auto pod = text_at(claims, "/kubernetes.io/pod/name");
  if (!pod.empty()) {
    const auto* present = store_.find({"pods", text_at(claims, "/kubernetes.io/namespace"), pod});
    const auto same = present != nullptr && text_at(*present, "/metadata/uid") ==
                                                text_at(claims, "/kubernetes.io/pod/uid");
    return same ? "" : "service account token has been invalidated";
  }
  // A legacy token is good for as long as its secret is there and still holds it.
  const ObjectKey key{"secrets", text_at(claims, "/kubernetes.io~1serviceaccount~1namespace"),
                      text_at(claims, "/kubernetes.io~1serviceaccount~1secret.name")};
  const auto* secret = store_.find(key);
  if (secret == nullptr) return "Token has been invalidated";
  const auto same = text_at(*secret, "/data/token") == secret_data(token);
  return same ? "" : "Token does not match server's copy";
}

std::string Cluster::bound_token(const ObjectKey& pod) const {
  const auto* present = store_.find(pod);
  if (present == nullptr) return {};
  const auto account = text_at(*present, "/spec/serviceAccountName");
  const auto* holder = store_.find({"serviceaccounts", pod.name_space, account});
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  constexpr std::int64_t year = 365 * 86'400 + 3607;  // by the API server's extension
  boost::json::value claims{boost::json::object{}};
  put(claims, "/iss", "https://kubernetes.default.svc.cluster.local");
  put(claims, "/aud", boost::json::array{"https://kubernetes.default.svc.cluster.local"});
  put(claims, "/iat", now);
  put(claims, "/nbf", now);
  put(claims, "/exp", now + year);
  put(claims, "/sub", "system:serviceaccount:" + pod.name_space + ":" + account);
  put(claims, "/kubernetes.io/namespace", pod.name_space);
  put(claims, "/kubernetes.io/pod/name", pod.name);
  put(claims, "/kubernetes.io/pod/uid", text_at(*present, "/metadata/uid"));
  put(claims, "/kubernetes.io/serviceaccount/name", account);
  put(claims, "/kubernetes.io/serviceaccount/uid",
      holder == nullptr ? std::string() : text_at(*holder, "/metadata/uid"));
  return sign_jwt(account_key, claims.get_object());
}

std::string Cluster::kubeconfig(const std::string& user, const std::string& ca_pem,
                                const std::string& path) const {
  return kubeconfig({.name = name_,
                     .user = user,
                     .token = user == "admin" ? admin_token_ : viewer_token_,
                     .ca_pem = ca_pem,
                     .path = path});
}

std::string Cluster::named_kubeconfig(const std::string& name, const std::string& ca_pem) const {
  return kubeconfig(
      {.name = name, .user = name + "-admin", .token = admin_token_, .ca_pem = ca_pem});
}

std::string Cluster::kubeconfig(const Written& written) const {
  const auto trust = written.ca_pem.empty() ? std::string(R"("insecure-skip-tls-verify": true)")
                                            : fmt::format(R"("certificate-authority-data": "{}")",
                                                          base64_encode(written.ca_pem));
  // JSON, which is YAML too.
  return fmt::format(
      R"({{"apiVersion": "v1", "kind": "Config", "current-context": "{0}",
 "clusters": [{{"name": "{0}", "cluster": {{"server": "https://127.0.0.1:{1}{2}",
   {3}}}}}],
 "users": [{{"name": "{4}", "user": {{"token": "{5}"}}}}],
 "contexts": [{{"name": "{0}", "context": {{"cluster": "{0}", "user": "{4}"}}}}]}}
)",
      written.name, server_->port(), written.path, trust, written.user, written.token);
}

void restart(Cluster& cluster, Scheduler& scheduler, Log& log, std::chrono::milliseconds away) {
  scheduler.after(std::chrono::milliseconds{20}, [&cluster, &scheduler, &log, away] {
    log.event("fault", "down", cluster.name());
    cluster.server().stop();
    scheduler.after(away, [&cluster, &log] {
      cluster.server().start();
      log.event("fault", "up", cluster.name());
    });
  });
}

}  // namespace retrust::sandbox
