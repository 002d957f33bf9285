#include "certificates.h"

#include <memory>
#include <stdexcept>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

namespace retrust::test {
namespace {

void must(int result) {
  if (result <= 0) throw std::runtime_error("OpenSSL refused");
}

}  // namespace

std::string make_certificate(const CertificateSpec& spec) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      spec.key == KeyType::ec ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
  must(ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 0x1A2B));
  must(ASN1_TIME_set_string_X509(X509_getm_notBefore(made.get()), spec.not_before.c_str()));
  must(ASN1_TIME_set_string_X509(X509_getm_notAfter(made.get()), spec.not_after.c_str()));
  auto* const name = X509_get_subject_name(made.get());
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(spec.common_name.data()),
                                  static_cast<int>(spec.common_name.size()), -1, 0));
  must(X509_set_issuer_name(made.get(), name));
  must(X509_set_pubkey(made.get(), key.get()));
  must(X509_sign(made.get(), key.get(), EVP_sha256()));
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> text(BIO_new(BIO_s_mem()), BIO_free_all);
  must(PEM_write_bio_X509(text.get(), made.get()));
  char* data = nullptr;
  const auto size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace retrust::test
