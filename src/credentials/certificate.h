#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/display_text.h"

namespace retrust {

/// Summary of an X.509 certificate for people.
struct Certificate {
  DisplayText subject;  ///< RFC 2253 style, e.g. "CN=kube-ca"
  DisplayText issuer;
  DisplayText serial;  ///< hexadecimal
  std::string sha256;  ///< of the DER, 64 lower-case hexadecimal digits
  std::chrono::sys_seconds not_before;
  std::chrono::sys_seconds not_after;
  DisplayText key;  ///< e.g. "RSA 2048" or "EC 256"
};

/// Keeps OpenSSL from reading its configuration file: OPENSSL_CONF can name one that loads code.
/// Call it once, before anything else of OpenSSL.
void forgo_openssl_configuration();

/// Every certificate of a PEM bundle in its order; text around the blocks is ignored, as by TLS
/// clients. Empty where there is none, or one cannot be read.
std::vector<Certificate> parse_certificates(std::string_view pem);

/// Same certificates (SHA-256 of the DER), order and repetition aside. Two bundles in which no
/// certificate can be read are the same only as text.
bool same_certificates(std::string_view pem_a, std::string_view pem_b);

/// True if `pem_part` has at least one certificate and `pem_whole` holds all of them.
bool contains_certificates(std::string_view pem_whole, std::string_view pem_part);

/// The live CA in PEM, and behind it the certificates of the stored bundle that are not the old CA:
/// the first certificate of the bundle unless it is live, and each one with the same subject.
///
/// For hosted clusters Rancher writes the cluster's CA first, and the additional CAs of its own
/// installation behind it (rancher/rancher v2.15.0,
/// pkg/controllers/management/clusteroperator/utils.go: addAdditionalCA).
std::string with_additional(const std::string& live_pem, const std::string& stored_pem);

}  // namespace retrust
