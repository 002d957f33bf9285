#include "observe/stored_digest.h"

#include <algorithm>

#include <boost/json/array.hpp>

#include "base/encoding.h"
#include "base/json.h"
#include "credentials/certificate.h"

namespace retrust {

namespace json = boost::json;

StoredDigest digest_of(const Credentials& credentials) {
  StoredDigest digest;
  if (!credentials.token.empty()) digest.token = sha256_hex(credentials.token.reveal());
  for (const auto& certificate : parse_certificates(credentials.ca_pem)) {
    digest.ca.push_back(certificate.sha256);
  }
  if (digest.ca.empty() && !credentials.ca_pem.empty()) {
    digest.ca.push_back(sha256_hex(credentials.ca_pem));
  }
  std::sort(digest.ca.begin(), digest.ca.end());
  digest.ca.erase(std::unique(digest.ca.begin(), digest.ca.end()), digest.ca.end());
  return digest;
}

StoredDigest digest_of(const ClusterResource& cluster) {
  auto digest = digest_of(cluster.stored);
  digest.token_secret = cluster.token_secret_name;
  return digest;
}

bool can_put_back(const StoredDigest& saved, const StoredDigest& now) {
  if (saved == now) return false;
  const auto same_secret = saved.token_secret == now.token_secret;
  const auto rewritten = same_secret && !saved.token_secret.empty() && saved.token != now.token;
  const auto moved = saved.token_secret.empty() && !now.token_secret.empty();
  return !rewritten && !moved;
}

json::object to_json(const StoredDigest& digest) {
  json::object note;
  note["version"] = 1;
  note["tokenSha256"] = digest.token;
  note["caSha256"] = json::array(digest.ca.begin(), digest.ca.end());
  note["serviceAccountTokenSecret"] = digest.token_secret;
  return note;
}

StoredDigest digest_from_json(const json::value& note) {
  StoredDigest digest;
  digest.token = text_at(note, "/tokenSha256");
  digest.token_secret = text_at(note, "/serviceAccountTokenSecret");
  for (const auto& certificate : array_at(note, "/caSha256")) {
    if (certificate.is_string()) digest.ca.emplace_back(certificate.get_string());
  }
  return digest;
}

}  // namespace retrust
