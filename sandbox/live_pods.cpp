// What scheduler and kubelet ask of a real API server for its pods.
#include "live_pods.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "json_util.h"
#include "objects.h"

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
const std::string core = "/api/v1/namespaces/cattle-system/";

void bind(Mirror& mirror, const Change& change) {
  if (change.key.resource != "pods" || change.type == Change::Type::deleted ||
      !text_at(change.object, "/spec/nodeName").empty() ||
      (change.type == Change::Type::modified && text_at(change.before, "/spec/nodeName").empty())) {
    return;
  }
  auto binding = bare("v1", "Binding");
  put(binding, "/metadata/name", change.key.name);
  put(binding, "/target/apiVersion", "v1");
  put(binding, "/target/kind", "Node");
  put(binding, "/target/name", "node-1");
  mirror.ask({.method = "POST",
              .target = core + "pods/" + change.key.name + "/binding",
              .body = std::move(binding)});
}

}  // namespace

void bind_pods(Mirror& mirror) {
  mirror.observe([&mirror](const Change& change) { bind(mirror, change); });
}

std::string PodTokens::find(const ObjectKey& pod) {
  const auto [token, fresh] = tokens_.try_emplace(pod);
  if (fresh) asio::co_spawn(io_, request(pod), asio::detached);
  return token->second;
}

/// As the kubelet does it (Kubernetes v1.26.5, pkg/volume/projected/projected.go).
asio::awaitable<void> PodTokens::request(ObjectKey pod) {
  std::string token;
  if (const auto* present = mirror_.find(pod)) {
    auto asked = bare("authentication.k8s.io/v1", "TokenRequest");
    put(asked, "/spec/expirationSeconds", 3607);
    put(asked, "/spec/boundObjectRef/apiVersion", "v1");
    put(asked, "/spec/boundObjectRef/kind", "Pod");
    put(asked, "/spec/boundObjectRef/name", pod.name);
    put(asked, "/spec/boundObjectRef/uid", text_at(*present, "/metadata/uid"));
    ApiClient::Request request{.method = "POST",
                               .target = core + "serviceaccounts/" +
                                         text_at(*present, "/spec/serviceAccountName") + "/token",
                               .body = std::move(asked)};
    try {
      const auto answer = co_await mirror_.client().ask(std::move(request));
      token = text_at(answer.body, "/status/token");
    } catch (const std::exception&) {
      // The server is away: whoever needs the token asks again.
    }
  }
  if (token.empty()) {
    tokens_.erase(pod);
  } else {
    tokens_[pod] = std::move(token);
  }
}

}  // namespace retrust::sandbox
