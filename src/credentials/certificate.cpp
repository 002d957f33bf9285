#include "credentials/certificate.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <set>
#include <stdexcept>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/encoding.h"

namespace retrust {
namespace {

template <auto free_function>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    free_function(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Free<X509_free>>;
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;

/// Bytes: no Secret or ConfigMap holds more (Kubernetes, pkg/apis/core/types.go, MaxSecretSize),
/// and a certificate takes a millisecond to read.
constexpr std::size_t max_bundle = std::size_t{1} << 20U;

DisplayText name_text(const X509_NAME* name) {
  const Bio text(BIO_new(BIO_s_mem()));
  // As UTF-8; without the escapes for control characters too, which a DisplayText replaces.
  X509_NAME_print_ex(text.get(), name, 0,
                     XN_FLAG_RFC2253 & ~(ASN1_STRFLGS_ESC_MSB | ASN1_STRFLGS_ESC_CTRL));
  char* data = nullptr;
  const auto size = BIO_get_mem_data(text.get(), &data);
  if (size <= 0) return {};
  return std::string_view(data, static_cast<std::size_t>(size));
}

std::string serial_text(const X509* certificate) {
  const Number number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (!number) return {};
  char* hex = BN_bn2hex(number.get());
  std::string text = hex == nullptr ? "" : hex;
  OPENSSL_free(hex);
  return text;
}

std::chrono::sys_seconds time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::sys_seconds{std::chrono::seconds{timegm(&parts)}};
}

std::string key_text(const X509* certificate) {
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) return "unknown";
  const char* type = EVP_PKEY_get0_type_name(key);
  return fmt::format("{} {}", type == nullptr ? "unknown" : type, EVP_PKEY_get_bits(key));
}

std::string fingerprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) {
    // Certificates without a fingerprint would all be the same.
    throw std::runtime_error("SHA-256 is not available");
  }
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

/// OpenSSL's own asks on the terminal, and waits there for ever: a block may say that it is
/// encrypted.
int no_pass_phrase(char*, int, int, void*) {
  return -1;
}

/// Whether reading ended because there is no further block ("no start line"); anything else means
/// that a block could not be read.
bool at_end_of_bundle() {
  const auto error = ERR_peek_last_error();
  ERR_clear_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/// SHA-256 of every certificate's DER. Without parsing them: OpenSSL takes a millisecond for that,
/// and this is asked at every event of a watch.
std::set<std::string> fingerprints(std::string_view pem) {
  std::set<std::string> found;
  if (pem.empty() || pem.size() > max_bundle) return found;
  ERR_clear_error();
  const Bio input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* der = nullptr;
    long size = 0;
    if (PEM_read_bio(input.get(), &name, &header, &der, &size) != 1) break;
    if (std::string_view(name) == PEM_STRING_X509) {
      found.insert(
          sha256_hex({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)}));
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
  }
  if (!at_end_of_bundle()) found.clear();
  return found;
}

}  // namespace

void forgo_openssl_configuration() {
  ::OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
}

std::vector<Certificate> parse_certificates(std::string_view pem) {
  std::vector<Certificate> found;
  if (pem.empty() || pem.size() > max_bundle) return found;
  ERR_clear_error();
  const Bio input(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  for (;;) {
    const X509Ptr certificate(PEM_read_bio_X509(input.get(), nullptr, no_pass_phrase, nullptr));
    if (!certificate) break;
    found.push_back({.subject = name_text(X509_get_subject_name(certificate.get())),
                     .issuer = name_text(X509_get_issuer_name(certificate.get())),
                     .serial = serial_text(certificate.get()),
                     .sha256 = fingerprint_of(certificate.get()),
                     .not_before = time_of(X509_get0_notBefore(certificate.get())),
                     .not_after = time_of(X509_get0_notAfter(certificate.get())),
                     .key = key_text(certificate.get())});
  }
  if (!at_end_of_bundle()) found.clear();
  return found;
}

bool same_certificates(std::string_view pem_a, std::string_view pem_b) {
  if (pem_a == pem_b) return true;
  const auto a = fingerprints(pem_a);
  const auto b = fingerprints(pem_b);
  return !a.empty() && a == b;
}

std::string with_additional(const std::string& live_pem, const std::string& stored_pem) {
  const auto live = parse_certificates(live_pem);
  const auto stored = parse_certificates(stored_pem);
  if (live.empty() || stored.empty()) return live_pem;
  const auto is_live = [&](const Certificate& wanted) {
    return std::any_of(live.begin(), live.end(),
                       [&](const Certificate& each) { return each.sha256 == wanted.sha256; });
  };
  const auto renewed = !is_live(stored.front());
  auto all = live_pem;
  if (!all.ends_with('\n')) all += '\n';
  const Bio input(BIO_new_mem_buf(stored_pem.data(), static_cast<int>(stored_pem.size())));
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const X509Ptr certificate(PEM_read_bio_X509(input.get(), nullptr, no_pass_phrase, nullptr));
    if (!certificate) return live_pem;
    if (is_live(stored[i]) || (renewed && stored[i].subject == stored.front().subject)) continue;
    const Bio output(BIO_new(BIO_s_mem()));
    char* text = nullptr;
    if (PEM_write_bio_X509(output.get(), certificate.get()) != 1) return live_pem;
    const auto size = BIO_get_mem_data(output.get(), &text);
    all.append(text, static_cast<std::size_t>(size));
  }
  return all;
}

bool contains_certificates(std::string_view pem_whole, std::string_view pem_part) {
  const auto whole = fingerprints(pem_whole);
  const auto part = fingerprints(pem_part);
  return !part.empty() && std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

}  // namespace retrust
