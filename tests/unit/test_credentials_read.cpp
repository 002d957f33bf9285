#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/encoding.h"
#include "certificates.h"
#include "credentials/certificate.h"
#include "credentials/compare.h"
#include "credentials/token.h"
#include "secrets.h"

namespace retrust {
namespace {

using test::jwt;
using test::make_certificate;

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

TEST_CASE("a bundle may be written in many ways") {
  const auto a = make_certificate();
  const auto b = make_certificate();
  const std::string key = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
  for (const auto& text :
       {a + b, a + b + "some text after", "subject=a\n" + a + "\n\nsubject=b\n" + b,
        replaced(a + b, "\n", "\r\n"), a + key + b, (a + b).substr(0, (a + b).size() - 1)}) {
    CAPTURE(text);
    CHECK(parse_certificates(text).size() == 2);
    CHECK(same_certificates(text, b + a));
  }
}

TEST_CASE("a bundle of which a part cannot be read is not taken for the rest of it") {
  const auto a = make_certificate();
  const std::string begin = "-----BEGIN CERTIFICATE-----\n";
  const std::string end = "-----END CERTIFICATE-----\n";
  for (const auto& bad :
       {begin + "!!!!\n" + end, begin + "AAAA\n" + end, begin + end, begin + "AAAA\n", begin,
        a.substr(0, a.size() / 2), replaced(a, "END CERTIFICATE", "END SOMETHING")}) {
    CAPTURE(bad);
    CHECK(parse_certificates(bad).empty());
    CHECK(parse_certificates(a + bad).empty());
    CHECK_FALSE(same_certificates(a, a + bad));
    CHECK(same_certificates(a + bad, a + bad));
  }
  CHECK(parse_certificates({}).empty());
}

TEST_CASE("names of certificates are shown, but cannot steer a terminal") {
  struct Case {
    std::string name;
    std::string shown;
  };
  const Case cases[] = {{"kube-ca", "CN=kube-ca"},
                        {"Zertifikat für Köln", "CN=Zertifikat für Köln"},
                        {"a,b+c", "CN=a\\,b\\+c"},
                        {"\x1B[2Jgone", "CN=?[2Jgone"},
                        {"a\x7F"
                         "b",
                         "CN=a?b"},
                        {"a\xC2\x9B"
                         "b",
                         "CN=a?b"},
                        {std::string("a\0b", 3), "CN=a?b"},
                        {"a\nb\tc", "CN=a b c"}};
  for (const auto& expected : cases) {
    CAPTURE(expected.shown);
    const auto parsed = parse_certificates(make_certificate({.common_name = expected.name}));
    REQUIRE(parsed.size() == 1);
    CHECK(parsed[0].subject == expected.shown);
    CHECK(parsed[0].issuer == expected.shown);
  }
}

TEST_CASE("keys and dates of certificates") {
  const auto pem = make_certificate(
      {.not_before = "19491231235959Z", .not_after = "99991231235959Z", .key = test::KeyType::rsa});
  const auto text = joined(render_ca(pem));
  CHECK(text.find("  key              RSA 2048\n") != std::string::npos);
  // "No expiry" of RFC 5280 section 4.1.2.5.
  CHECK(text.find("1949-12-31 23:59 UTC to 9999-12-31 23:59 UTC\n") != std::string::npos);
}

TEST_CASE("credentials as a person reads them") {
  const auto pem = make_certificate();
  const auto token = jwt(
      R"({"alg":"ES256","kid":"key-1"})",
      R"({"iss":"kubernetes/serviceaccount","kubernetes.io/serviceaccount/namespace":"cattle-system",
          "kubernetes.io/serviceaccount/secret.name":"cattle-token-x7k2p",
          "kubernetes.io/serviceaccount/service-account.name":"cattle",
          "kubernetes.io/serviceaccount/service-account.uid":"uid-1"})");
  SUBCASE("both there") {
    CHECK(joined(render({.token = test::secret_from(token), .ca_pem = pem})) ==
          fmt::format("CA certificate 1 of 1\n"
                      "  subject          CN=kube-ca\n"
                      "  issuer           CN=kube-ca\n"
                      "  serial           1A2B\n"
                      "  valid            2026-01-10 08:00 UTC to 2036-01-08 08:00 UTC\n"
                      "  key              EC 256\n"
                      "  sha256           {}\n"
                      "token\n"
                      "  sha256           {}\n"
                      "  issuer           kubernetes/serviceaccount\n"
                      "  service account  cattle-system/cattle (uid uid-1)\n"
                      "  secret           cattle-token-x7k2p\n"
                      "  key id           key-1\n"
                      "  expires          never\n",
                      parse_certificates(pem).at(0).sha256, sha256_hex(token)));
  }
  SUBCASE("neither there") {
    CHECK(joined(render({})) == "CA certificate\n  there is none\ntoken\n  there is none\n");
  }
  SUBCASE("neither readable") {
    CHECK(joined(render({.token = Secret(), .ca_pem = "garbage"})) ==
          fmt::format("CA certificate\n"
                      "  cannot be read\n"
                      "  sha256 of text   {}\n"
                      "token\n"
                      "  there is none\n",
                      sha256_hex("garbage")));
  }
  SUBCASE("a token of something else than Kubernetes") {
    CHECK(joined(render_token(test::secret_from(jwt("{}", R"({"iss":7,"exp":1700000000})")))) ==
          fmt::format("token\n"
                      "  sha256           {}\n"
                      "  expires          2023-11-14 22:13 UTC\n",
                      sha256_hex(jwt("{}", R"({"iss":7,"exp":1700000000})"))));
  }
}

TEST_CASE("what else is known of credentials is told with them") {
  using std::chrono::days;
  using std::chrono::sys_seconds;
  const auto pem = make_certificate();
  const auto ends = parse_certificates(pem).at(0).not_after;
  const auto begins = parse_certificates(pem).at(0).not_before;
  const auto told = [&](sys_seconds now) { return joined(render_ca(pem, {.now = now})); };
  CHECK(told(ends - days{10}).find("\n                   10 days left\n") != std::string::npos);
  CHECK(told(ends - days{1}).find("1 day left") != std::string::npos);
  CHECK(told(ends + days{3}).find("expired 3 days ago") != std::string::npos);
  CHECK(told(begins - days{2}).find("not valid for another 2 days") != std::string::npos);
  CHECK(validity_text(
            pem + make_certificate({.not_after = "20270101000000Z"}),
            parse_certificates(make_certificate({.not_after = "20270101000000Z"})).at(0).not_after -
                days{5}) == "5 days left");
  CHECK(validity_text("garbage", ends) == "cannot be read");

  const auto token = jwt("{}", R"({"sub":"system:serviceaccount:a:b","iat":1700000000})");
  const auto text = joined(render_token(test::secret_from(token), {.token_verdict = "rejects it"}));
  CHECK(text.find("  the cluster      rejects it\n") != std::string::npos);
  CHECK(text.find("  subject          system:serviceaccount:a:b\n") != std::string::npos);
  CHECK(text.find("  issued           2023-11-14 22:13 UTC\n") != std::string::npos);
}

TEST_CASE("when a token expires") {
  struct Case {
    std::string claims;
    std::string shown;
  };
  const Case cases[] = {{"{}", "never"},
                        {R"({"exp":1700000000})", "2023-11-14 22:13 UTC"},
                        {R"({"exp":1700000000.75})", "2023-11-14 22:13 UTC"},
                        {R"({"exp":1.7e9})", "2023-11-14 22:13 UTC"},
                        {R"({"exp":9223372036854775807})", "9999-12-31 23:59 UTC"},
                        {R"({"exp":18446744073709551615})", "9999-12-31 23:59 UTC"},
                        {R"({"exp":1e300})", "9999-12-31 23:59 UTC"},
                        {R"({"exp":-1})", "1970-01-01 00:00 UTC"},
                        {R"({"exp":"soon"})", "never"}};
  for (const auto& expected : cases) {
    CAPTURE(expected.claims);
    const auto lines = render_token(test::secret_from(jwt("{}", expected.claims)));
    CHECK(lines.back() == "  expires          " + expected.shown);
  }
}

TEST_CASE("base64 of every length and value") {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    CHECK(base64_decode(base64_encode(bytes)) == bytes);
    CHECK(base64url_decode(base64url_encode(bytes)) == bytes);
    bytes += static_cast<char>(i);
  }
}

TEST_CASE("text that is not base64") {
  for (const auto* wrong :
       {"=", "==", "====", "A===", "AA=A", "AAAA=", "AAAAA", "AA==AA==", "AA*="}) {
    CAPTURE(wrong);
    CHECK_FALSE(base64_decode(wrong));
  }
  CHECK_FALSE(base64_decode(std::string_view("AA\0A", 4)));
  CHECK(base64_decode(" A A\t=\r\n=\n") == std::string(1, '\0'));
  for (const auto* wrong : {"A", "AAAAA", "aA==", "aA\n", "a A", "AA.A"}) {
    CAPTURE(wrong);
    CHECK_FALSE(base64url_decode(wrong));
  }
}

TEST_CASE("differences as diff -u prints them") {
  std::vector<std::string> before;
  for (int i = 1; i <= 12; ++i) before.push_back(fmt::format("line {}", i));
  auto after = before;
  SUBCASE("two far apart") {
    after[0] = "new 1";
    after.pop_back();
    CHECK(unified_diff(before, after, "stored", "live") ==
          "--- stored\n+++ live\n"
          "@@ -1,4 +1,4 @@\n-line 1\n+new 1\n line 2\n line 3\n line 4\n"
          "@@ -9,4 +9,3 @@\n line 9\n line 10\n line 11\n-line 12\n");
  }
  SUBCASE("all is new") {
    CHECK(unified_diff({}, {"a", "b"}, "x", "y") == "--- x\n+++ y\n@@ -0,0 +1,2 @@\n+a\n+b\n");
  }
  SUBCASE("all is gone") {
    CHECK(unified_diff({"a", "b"}, {}, "x", "y") == "--- x\n+++ y\n@@ -1,2 +0,0 @@\n-a\n-b\n");
  }
  SUBCASE("none") {
    CHECK(unified_diff(before, after, "x", "y").empty());
  }
}

}  // namespace
}  // namespace retrust
