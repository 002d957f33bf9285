#include "secrets.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "base/encoding.h"

namespace retrust::e2e {

std::set<std::string> secrets(Sandbox& sandbox) {
  std::set<std::string> found;
  const auto add = [&](const std::string& token) {
    if (token.empty()) return;
    found.insert(token);
    found.insert(base64_encode(token));
    // Within longer base64, but for the digits that it shares with its neighbours; and wrapped.
    for (const std::size_t before : {1U, 2U}) {
      const auto encoded = base64_encode(std::string(before, '.') + token);
      found.insert(encoded.substr(before + 1, encoded.size() - before - 4));
    }
    for (const std::size_t columns : {76U, 64U}) {
      // Their first lines are those of every token of the same key: no secret.
      const auto encoded = base64_encode(token);
      if (encoded.size() >= 3 * columns) found.insert(encoded.substr(2 * columns, columns));
    }
    // The signature, and the claims as they stand in the token.
    const auto last = token.rfind('.');
    const auto first = token.find('.');
    if (last == std::string::npos || first == last) return;
    found.insert(token.substr(last + 1));
    found.insert(token.substr(first + 1, last - first - 1));
  };
  const auto list = sandbox.get("downstream", {"secrets", "-n", "cattle-system"});
  for (const auto& secret : list.at("items").as_array()) {
    add(base64_decode(text(secret, "/data/token")).value_or(""));
  }
  const auto clusters = sandbox.get("local", {"clusters.management.cattle.io"});
  for (const auto& cluster : clusters.at("items").as_array()) {
    add(text(cluster, "/status/serviceAccountToken"));
  }
  const auto stored = sandbox.get("local", {"secrets", "-n", "cattle-global-data"});
  for (const auto& secret : stored.at("items").as_array()) {
    add(base64_decode(text(secret, "/data/credential")).value_or(""));
  }
  for (const auto* name : {"downstream.kubeconfig", "local.kubeconfig"}) {
    const auto config = boost::json::parse(read_file(sandbox.file(name)));
    add(text(config, "/users/0/user/token"));
    const auto key = text(config, "/users/0/user/client-key-data");
    if (!key.empty()) found.insert(key);
  }
  return found;
}

void check_hidden(const std::set<std::string>& tokens, const std::string& where,
                  const std::string& content) {
  for (const auto& token : tokens) {
    CAPTURE(where);
    // Not CHECK(find): what a failed test prints must not show it either.
    const auto hidden = content.find(token) == std::string::npos;
    CHECK(hidden);
  }
}

}  // namespace retrust::e2e
