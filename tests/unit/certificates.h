#pragma once

#include <string>

namespace retrust::test {

enum class KeyType { ec, rsa };

/// What a certificate for a test is to say.
struct CertificateSpec {
  std::string common_name = "kube-ca";
  std::string not_before = "20260110080000Z";
  std::string not_after = "20360108080000Z";
  KeyType key = KeyType::ec;
};

/// A self-signed certificate of a new key, as PEM.
std::string make_certificate(const CertificateSpec& spec = {});

}  // namespace retrust::test
