#include <memory>

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/encoding.h"
#include "credentials/certificate.h"
#include "credentials/compare.h"
#include "credentials/token.h"
#include "secrets.h"

namespace retrust {
namespace {

/// A self-signed certificate as PEM.
std::string certificate(const std::string& common_name) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 4711);
  ASN1_TIME_set(X509_getm_notBefore(made.get()), 1'700'000'000);
  ASN1_TIME_set(X509_getm_notAfter(made.get()), 2'000'000'000);
  auto* name = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(made.get(), name);
  X509_set_pubkey(made.get(), key.get());
  X509_sign(made.get(), key.get(), EVP_sha256());
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> text(BIO_new(BIO_s_mem()), BIO_free_all);
  PEM_write_bio_X509(text.get(), made.get());
  char* data = nullptr;
  const auto size = BIO_get_mem_data(text.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

using test::jwt;

const std::string legacy = jwt(
    R"({"alg":"RS256","kid":"key-1"})",
    R"({"iss":"kubernetes/serviceaccount","kubernetes.io/serviceaccount/namespace":"cattle-system",
        "kubernetes.io/serviceaccount/secret.name":"cattle-token-x7k2p",
        "kubernetes.io/serviceaccount/service-account.name":"cattle",
        "kubernetes.io/serviceaccount/service-account.uid":"uid-1"})");

TEST_CASE("base64") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", ""},        {"h", "aA=="},         {"he", "aGU="},
      {"hel", "aGVs"}, {"hello", "aGVsbG8="}, {std::string("\0\xff\xfe", 3), "AP/+"}};
  for (const auto& [plain, encoded] : cases) {
    CHECK(base64_encode(plain) == encoded);
    CHECK(base64_decode(encoded) == plain);
  }
  CHECK(base64_decode("aGVs\n bG8=\r\n") == "hello");
  for (const auto* wrong : {"a", "aGVsbG8", "aGVsb!8=", "a===", "AP_-"}) {
    CAPTURE(wrong);
    CHECK_FALSE(base64_decode(wrong));
  }
  CHECK(base64url_encode(std::string("\0\xff\xfe", 3)) == "AP_-");
  CHECK(base64url_decode("aA") == "h");
  CHECK_FALSE(base64url_decode("AP/+"));
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("certificates of a bundle") {
  const auto a = certificate("kube-ca");
  const auto b = certificate("other-ca");
  const auto parsed = parse_certificates("a comment\n" + a + b);
  REQUIRE(parsed.size() == 2);
  CHECK(parsed[0].subject == "CN=kube-ca");
  CHECK(parsed[0].issuer == "CN=kube-ca");
  CHECK(parsed[0].serial == "1267");
  CHECK(parsed[0].key == "EC 256");
  CHECK(parsed[0].not_before.time_since_epoch().count() == 1'700'000'000);
  CHECK(parsed[0].not_after.time_since_epoch().count() == 2'000'000'000);
  CHECK(parsed[0].sha256.size() == 64);
  CHECK(parsed[1].subject == "CN=other-ca");

  CHECK(same_certificates(a + b, b + "\n" + a + a));
  CHECK_FALSE(same_certificates(a, a + b));
  CHECK_FALSE(same_certificates(a, ""));
  CHECK(same_certificates("", ""));
  CHECK_FALSE(same_certificates("no pem", "nor this"));
  CHECK(contains_certificates(a + b, b));
  CHECK_FALSE(contains_certificates(b, a + b));
  CHECK_FALSE(contains_certificates(a, ""));

  auto broken = a;
  broken[broken.size() / 2] = '!';
  CHECK(parse_certificates(broken).empty());
  CHECK(parse_certificates(a + broken).empty());
  CHECK(parse_certificates("").empty());
}

TEST_CASE("a renewed CA replaces the old one, and the additional CAs stay") {
  const auto live = certificate("kube-ca");
  const auto old = certificate("kube-ca");
  const auto old_too = certificate("kube-ca");
  const auto more = certificate("corporate");
  const auto same = [](const std::string& a, const std::string& b) {
    return same_certificates(a, b);
  };
  CHECK(same(with_additional(live, old), live));
  CHECK(same(with_additional(live, old + more), live + more));
  CHECK(same(with_additional(live, old + old_too + more), live + more));
  CHECK(same(with_additional(live, live + more), live + more));
  // A CA that Rancher was given may have the name of a cluster's.
  CHECK(same(with_additional(live, live + old), live + old));
  CHECK(with_additional(live, "") == live);
  CHECK(with_additional(live, "no certificate") == live);
  CHECK(with_additional("no certificate", old) == "no certificate");
}

TEST_CASE("tokens") {
  const auto claims = parse_token(legacy);
  REQUIRE(claims);
  CHECK(claims->issuer == "kubernetes/serviceaccount");
  CHECK(claims->name_space == "cattle-system");
  CHECK(claims->service_account == "cattle");
  CHECK(claims->service_account_uid == "uid-1");
  CHECK(claims->secret_name == "cattle-token-x7k2p");
  CHECK(claims->key_id == "key-1");
  CHECK_FALSE(claims->expires);

  const auto projected = parse_token(
      jwt(R"({"alg":"RS256"})", R"({"exp":1700000000,"kubernetes.io":{"namespace":"cattle-system",
          "serviceaccount":{"name":"cattle","uid":"uid-2"}}})"));
  REQUIRE(projected);
  CHECK(projected->service_account_uid == "uid-2");
  CHECK(projected->name_space == "cattle-system");
  CHECK(projected->expires->time_since_epoch().count() == 1'700'000'000);

  for (const auto& wrong : {std::string("opaque"), std::string("a.b.c"), legacy + ".more",
                            jwt("[]", "{}"), jwt("{}", "1"), std::string("..")}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_token(wrong));
  }
}

TEST_CASE("what is rendered tells all but the token") {
  const auto text = joined(render({test::secret_from(legacy), certificate("kube-ca")}));
  for (const auto* part : {"CN=kube-ca", "2023-11-14 22:13 UTC to 2033-05-18 03:33 UTC",
                           "cattle-system/cattle (uid uid-1)", "cattle-token-x7k2p", "never"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
  CHECK(text.find(sha256_hex(legacy)) != std::string::npos);
  for (std::size_t begin = 0; begin < legacy.size();) {
    const auto end = std::min(legacy.find('.', begin), legacy.size());
    CHECK(text.find(legacy.substr(begin, end - begin)) == std::string::npos);
    begin = end + 1;
  }
}

TEST_CASE("a block that says it is encrypted asks nobody for a pass phrase") {
  const auto plain = certificate("kube-ca");
  const auto body = plain.substr(plain.find('\n') + 1);
  const auto locked =
      "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
      "AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n" +
      body;
  CHECK(parse_certificates(locked).empty());
  CHECK(joined(render_ca(locked)).find("cannot be read") != std::string::npos);
}

TEST_CASE("a bundle of a great many certificates is told as a count") {
  const auto one = certificate("kube-ca");
  std::string bundle;
  for (int i = 0; i < 1500; ++i) bundle += one;
  const auto lines = render_ca(bundle);
  CHECK(lines.size() < 150);
  CHECK(lines.front() == "CA certificates: 1500");
  CHECK(lines.back() == "  and 1484 more");
}

TEST_CASE("what cannot be read is said") {
  CHECK(joined(render(Credentials{})).find("there is none") != std::string::npos);
  CHECK(joined(render_ca("garbage")).find("cannot be read") != std::string::npos);
}

TEST_CASE("untrusted names do not reach the terminal raw") {
  const auto token = jwt("{}", "{\"iss\":\"evil\\u001b[2Jname\\nnext\"}");
  const auto text = joined(render({test::secret_from(token), certificate("a\x1b[31mb")}));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("evil?[2Jname next") != std::string::npos);
  CHECK(parse_token(token)->issuer == "evil?[2Jname next");
  const auto long_token = jwt("{}", R"({"sub":")" + std::string(5000, 'x') + R"("})");
  CHECK(parse_token(long_token)->subject.str().size() <= DisplayText::default_limit);
}

TEST_CASE("comparison") {
  using enum Comparison::Part;
  const auto a = certificate("kube-ca");
  const auto b = certificate("kube-ca");
  CHECK(compare({test::secret_of("t"), a}, {test::secret_of("t"), a}).equal());
  CHECK(compare({test::secret_of("t"), a}, {test::secret_of("u"), a}).token == differs);
  CHECK(compare({test::secret_of("t"), a}, {test::secret_of("t"), b}).ca == differs);
  CHECK(compare({test::secret_of(""), a}, {test::secret_of("t"), a}).token == stored_missing);
  CHECK(compare({test::secret_of("t"), ""}, {test::secret_of("t"), a}).ca == stored_missing);
  // What is not there is equal to nothing.
  CHECK_FALSE(compare({test::secret_of("t"), ""}, {test::secret_of("t"), ""}).equal());
  CHECK_FALSE(compare({test::secret_of(""), a}, {test::secret_of(""), a}).equal());
  // The same certificates, written otherwise.
  CHECK(compare({test::secret_of("t"), a + b}, {test::secret_of("t"), b + "\n" + a}).equal());
}

TEST_CASE("unified diff") {
  CHECK(unified_diff({"a", "b"}, {"a", "b"}, "x", "y").empty());
  CHECK(unified_diff({"a", "b", "c"}, {"a", "B", "c"}, "stored", "live") ==
        "--- stored\n+++ live\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
}

}  // namespace
}  // namespace retrust
