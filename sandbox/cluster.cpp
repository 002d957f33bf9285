#include "cluster.h"

#include <chrono>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "failures.h"
#include "json_util.h"

namespace retrust::sandbox {
namespace {

constexpr std::string_view through_rancher = "/k8s/clusters/";

}  // namespace

const std::string& clusters_made() {
  static const auto made = time_text(std::chrono::system_clock::now() - std::chrono::days{250});
  return made;
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
  if (request.path.starts_with(through_rancher)) {
    const auto rest = request.path.substr(through_rancher.size());
    const auto slash = std::min(rest.find('/'), rest.size());
    if (rest.substr(0, slash) != "local") {
      return {{.user = "admin", .verb = "get"},
              failure(503, "ServiceUnavailable", "ClusterUnavailable 503: cluster not found")};
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
  if (!claims) return {"system:anonymous", Access::none};
  const boost::json::value value(*claims);
  if (!is_good(value, token)) return {"system:anonymous", Access::none};
  note_use(value);
  return {text_at(value, "/sub"), Access::everything};
}

bool Cluster::is_good(const boost::json::value& claims, const std::string& token) const {
  const auto pod = text_at(claims, "/kubernetes.io/pod/name");
  if (!pod.empty()) {
    const auto* present = store_.find({"pods", text_at(claims, "/kubernetes.io/namespace"), pod});
    return present != nullptr &&
           text_at(*present, "/metadata/uid") == text_at(claims, "/kubernetes.io/pod/uid");
  }
  // A legacy token is good for as long as its secret is there and still holds it.
  const ObjectKey key{"secrets", text_at(claims, "/kubernetes.io~1serviceaccount~1namespace"),
                      text_at(claims, "/kubernetes.io~1serviceaccount~1secret.name")};
  const auto* secret = store_.find(key);
  return secret != nullptr && text_at(*secret, "/data/token") == secret_data(token);
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
  const auto trust =
      ca_pem.empty() ? std::string(R"("insecure-skip-tls-verify": true)")
                     : fmt::format(R"("certificate-authority-data": "{}")", base64_encode(ca_pem));
  // JSON, which is YAML too.
  return fmt::format(
      R"({{"apiVersion": "v1", "kind": "Config", "current-context": "{0}",
 "clusters": [{{"name": "{0}", "cluster": {{"server": "https://127.0.0.1:{1}{2}",
   {3}}}}}],
 "users": [{{"name": "{4}", "user": {{"token": "{5}"}}}}],
 "contexts": [{{"name": "{0}", "context": {{"cluster": "{0}", "user": "{4}"}}}}]}}
)",
      name_, server_->port(), path, trust, user, user == "admin" ? admin_token_ : viewer_token_);
}

}  // namespace retrust::sandbox
