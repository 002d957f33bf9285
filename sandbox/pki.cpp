#include "pki.h"

#include <array>
#include <stdexcept>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/encoding.h"

namespace retrust::sandbox {
namespace {

template <auto free_function>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    free_function(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Name = std::unique_ptr<X509_NAME, Free<X509_NAME_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Free<X509_EXTENSION_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

/// OpenSSL's functions answer 1, or a pointer, where all went well.
template <typename T>
T checked(T result) {
  if (!result) throw std::runtime_error("OpenSSL failed");
  return result;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  const Bio bio(checked(BIO_new(BIO_s_mem())));
  checked(PEM_write_bio_X509(bio.get(), certificate));
  return text_of(bio.get());
}

Name name_of(const std::string& common_name) {
  Name name(checked(X509_NAME_new()));
  checked(X509_NAME_add_entry_by_txt(name.get(), "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(common_name.c_str()),
                                     -1, -1, 0));
  return name;
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(checked(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str())));
  checked(X509_add_ext(certificate, extension.get(), -1));
}

Certificate start_certificate(const std::string& subject, const std::string& issuer,
                              const Validity& validity, const Key& key) {
  Certificate made(checked(X509_new()));
  checked(X509_set_version(made.get(), X509_VERSION_3));
  std::array<unsigned char, 8> serial{};
  checked(RAND_bytes(serial.data(), static_cast<int>(serial.size())));
  serial[0] &= 0x7FU;
  BIGNUM* number = checked(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made.get()));
  BN_free(number);
  ASN1_TIME_set(X509_getm_notBefore(made.get()), validity.from.time_since_epoch().count());
  ASN1_TIME_set(X509_getm_notAfter(made.get()), validity.to.time_since_epoch().count());
  checked(X509_set_subject_name(made.get(), name_of(subject).get()));
  checked(X509_set_issuer_name(made.get(), name_of(issuer).get()));
  checked(X509_set_pubkey(made.get(), key.get()));
  return made;
}

constexpr std::size_t half = 32;  // of an ES256 signature: r, then s

std::array<unsigned char, SHA256_DIGEST_LENGTH> sha256(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  checked(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr));
  return digest;
}

std::string sign(EVP_PKEY_CTX* signer, std::string_view text) {
  const auto digest = sha256(text);
  std::size_t size = 0;
  checked(EVP_PKEY_sign(signer, nullptr, &size, digest.data(), digest.size()));
  std::vector<unsigned char> der(size);
  checked(EVP_PKEY_sign(signer, der.data(), &size, digest.data(), digest.size()));
  const unsigned char* cursor = der.data();
  const Signature signature(checked(d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(size))));
  std::array<unsigned char, 2 * half> raw{};
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), half);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + half, half);
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

bool verifies(const Key& key, std::string_view text, std::string_view raw) {
  if (raw.size() != 2 * half) return false;
  const auto* bytes = reinterpret_cast<const unsigned char*>(raw.data());
  const Signature signature(checked(ECDSA_SIG_new()));
  checked(ECDSA_SIG_set0(signature.get(), BN_bin2bn(bytes, half, nullptr),
                         BN_bin2bn(bytes + half, half, nullptr)));
  unsigned char* der = nullptr;
  const auto size = i2d_ECDSA_SIG(signature.get(), &der);
  const Digest digest(checked(EVP_MD_CTX_new()));
  checked(EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key.get()));
  const auto good =
      EVP_DigestVerify(digest.get(), der, static_cast<std::size_t>(size),
                       reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
  OPENSSL_free(der);
  ERR_clear_error();
  return good;
}

}  // namespace

Validity valid(std::chrono::seconds since, std::chrono::seconds until) {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return {now - since, now + until + std::chrono::hours{12}};
}

Key::Key() : state_(std::make_shared<State>()) {
  state_->key = {checked(EVP_EC_gen("P-256")), EVP_PKEY_free};
  state_->signer = {checked(EVP_PKEY_CTX_new(get(), nullptr)), EVP_PKEY_CTX_free};
  checked(EVP_PKEY_sign_init(state_->signer.get()));
  const Bio bio(checked(BIO_new(BIO_s_mem())));
  checked(PEM_write_bio_PUBKEY(bio.get(), get()));
  state_->id = sha256_hex(text_of(bio.get())).substr(0, 16);
}

std::string Key::pem() const {
  const Bio bio(checked(BIO_new(BIO_s_mem())));
  checked(PEM_write_bio_PrivateKey(bio.get(), get(), nullptr, nullptr, 0, nullptr, nullptr));
  return text_of(bio.get());
}

std::string Key::signature(const std::string& text) const {
  auto& known = state_->signatures[text];
  if (known.empty()) known = sign(state_->signer.get(), text);
  return known;
}

Authority::Authority(Validity validity, const std::string& name) : validity_(validity) {
  const auto certificate = start_certificate(name, name, validity, key_);
  add_extension(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate.get(), certificate.get(), NID_key_usage,
                "critical,digitalSignature,keyEncipherment,keyCertSign");
  checked(X509_sign(certificate.get(), key_.get(), EVP_sha256()));
  pem_ = pem_of(certificate.get());
}

Authority::Issued Authority::issue_server() const {
  const Key key;
  const auto certificate = start_certificate("kube-apiserver", "kube-ca", validity_, key);
  add_extension(certificate.get(), certificate.get(), NID_key_usage,
                "critical,digitalSignature,keyEncipherment");
  add_extension(certificate.get(), certificate.get(), NID_ext_key_usage, "serverAuth");
  add_extension(certificate.get(), certificate.get(), NID_subject_alt_name,
                "IP:127.0.0.1,IP:10.43.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default");
  checked(X509_sign(certificate.get(), key_.get(), EVP_sha256()));
  return {pem_of(certificate.get()), key.pem()};
}

std::string sign_jwt(const Key& key, const boost::json::object& claims) {
  boost::json::object header;
  header["alg"] = "ES256";
  header["kid"] = key.id();
  const auto text = base64url_encode(boost::json::serialize(header)) + "." +
                    base64url_encode(boost::json::serialize(claims));
  return text + "." + base64url_encode(key.signature(text));
}

std::optional<boost::json::object> verify_jwt(const Key& key, std::string_view jwt) {
  const auto last = jwt.rfind('.');
  const auto first = jwt.find('.');
  if (last == std::string_view::npos || first == last) return std::nullopt;
  const auto signature = base64url_decode(jwt.substr(last + 1));
  if (!signature || !verifies(key, jwt.substr(0, last), *signature)) return std::nullopt;
  const auto payload = base64url_decode(jwt.substr(first + 1, last - first - 1));
  if (!payload) return std::nullopt;
  boost::system::error_code wrong;
  auto claims = boost::json::parse(*payload, wrong);
  if (wrong || !claims.is_object()) return std::nullopt;
  return claims.get_object();
}

std::string random_uid() {
  std::array<unsigned char, 16> bytes{};
  checked(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())));
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0FU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3FU) | 0x80U);
  std::string uid;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) uid += '-';
    uid += fmt::format("{:02x}", bytes[i]);
  }
  return uid;
}

std::string random_suffix(std::size_t length) {
  // As Kubernetes: no vowels, so that no words come of it, and nothing that looks like another.
  constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string suffix(length, '\0');
  checked(RAND_bytes(reinterpret_cast<unsigned char*>(suffix.data()), static_cast<int>(length)));
  for (auto& each : suffix) each = alphabet[static_cast<unsigned char>(each) % alphabet.size()];
  return suffix;
}

}  // namespace retrust::sandbox
