#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <boost/json/object.hpp>
#include <openssl/evp.h>

namespace retrust::sandbox {

/// An EC P-256 key pair: quick to make, and good for certificates and JWTs (ES256) alike. Copies
/// are the same key.
class Key {
 public:
  /// Makes a new one.
  Key();
  EVP_PKEY* get() const { return state_->key.get(); }
  /// The private key as PEM.
  std::string pem() const;
  /// A short name for it, as in a JWT's `kid`.
  const std::string& id() const { return state_->id; }
  /// The ES256 signature of a text. As with RS256, which Kubernetes uses, the same text gets the
  /// same one whenever it is signed.
  std::string signature(const std::string& text) const;

 private:
  struct State {
    std::shared_ptr<EVP_PKEY> key;
    std::string id;
    std::shared_ptr<EVP_PKEY_CTX> signer;  // to set one up takes as long as to sign
    std::unordered_map<std::string, std::string> signatures;  // by what was signed
  };
  std::shared_ptr<State> state_;
};

/// From when to when a certificate is valid.
struct Validity {
  std::chrono::sys_seconds from;
  std::chrono::sys_seconds to;
};
/// From so long ago until in so long a time, and half a day more: the days that are left stay the
/// same for a while.
Validity valid(std::chrono::seconds since, std::chrono::seconds until);

/// A certification authority called kube-ca, as Rancher's own clusters call theirs.
class Authority {
 public:
  explicit Authority(Validity validity, const std::string& name = "kube-ca");
  /// Its certificate as PEM.
  const std::string& pem() const { return pem_; }

  struct Issued {
    std::string certificate_pem;
    std::string key_pem;
  };
  /// A server certificate for 127.0.0.1, 10.43.0.1, localhost and kubernetes.
  Issued issue_server() const;

 private:
  Key key_;
  Validity validity_;
  std::string pem_;
};

/// A JWT signed with the key.
std::string sign_jwt(const Key& key, const boost::json::object& claims);

/// The claims of a JWT that the key has signed; nothing for any other text.
std::optional<boost::json::object> verify_jwt(const Key& key, std::string_view jwt);

/// A random version 4 UUID.
std::string random_uid();
/// Random letters and digits as Kubernetes appends them to generateName.
std::string random_suffix(std::size_t length);

}  // namespace retrust::sandbox
