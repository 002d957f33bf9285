// What the redactor takes out of a text, and what it leaves.
#include <chrono>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/failure.h"
#include "base/redactor.h"
#include "certificates.h"
#include "observe/parse.h"
#include "transcript/event.h"

namespace retrust {
namespace {

const std::string jwt =
    "eyJhbGciOiJSUzI1NiIsImtpZCI6Ijk5In0.eyJpc3MiOiJrdWJlcm5ldGVzIiwic3ViIjoic3lzdGVtIn0."
    "c2lnbmF0dXJlLXBhcnQtb2YtdGhlLXRva2Vu";

bool hides(const Redactor& redactor, const std::string& text, const std::string& secret) {
  return redactor.mask(text).find(secret) == std::string::npos;
}

std::string replaced_all(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

TEST_CASE("a registered secret is masked in every escaped form") {
  const std::string secret = R"(Kx/9+zz"Qp\t=&%w0/rD5+aa==)";
  Redactor redactor;
  redactor.add(secret, "‹s›");
  const auto json = boost::json::serialize(boost::json::string(secret));
  const auto inner = json.substr(1, json.size() - 2);
  const auto twice = boost::json::serialize(boost::json::string(inner));
  std::string percent;
  std::string lower;
  std::string unicode;
  for (const char c : secret) {
    percent += fmt::format("%{:02X}", c);
    lower += fmt::format("%{:02x}", c);
    unicode += fmt::format("\\u{:04x}", c);
  }
  const std::vector<std::string> forms{secret,
                                       inner,
                                       twice.substr(1, twice.size() - 2),
                                       replaced_all(inner, "/", "\\/"),
                                       replaced_all(inner, "+", "\\u002b"),
                                       replaced_all(inner, "&", "\\u0026"),
                                       percent,
                                       lower,
                                       unicode};
  for (const auto& form : forms) {
    CAPTURE(form);
    CHECK(redactor.mask("before " + form + " after") == "before ‹s› after");
  }
}

TEST_CASE("a registered secret is masked as base64url, with and without padding") {
  const std::string secret = "\x3e\x3f\x3e~?~?~?>>>>~?>~-secret-of-many-bytes-~?~?";
  Redactor redactor;
  redactor.add(base64_encode(secret), "‹s›");
  auto url = replaced_all(replaced_all(base64_encode(secret), "+", "-"), "/", "_");
  REQUIRE(url != base64_encode(secret));
  CHECK(redactor.mask(url) == "‹s›");
  Redactor of_token;
  redact(of_token, secret);
  while (url.back() == '=') url.pop_back();
  CHECK(hides(of_token, url, url.substr(0, 30)));
}

TEST_CASE("a short secret is found like a long one, and names win over shapes") {
  Redactor redactor;
  redactor.add("hunter2hunter2", "‹password›");
  CHECK(redactor.mask(R"({"password": "hunter2hunter2"})") == R"({"password": "‹password›"})");
  CHECK(redactor.mask("xhunter2hunter2x") == "x‹password›x");
  redact(redactor, jwt);
  CHECK(redactor.mask("Bearer " + jwt).starts_with("Bearer ‹token sha256:"));
}

TEST_CASE("what has a secret's shape is masked though nobody registered it") {
  const Redactor redactor;
  const auto encoded = base64_encode(jwt);
  const std::string opaque = "kubeconfig-u-7x2kp:p9mlq7t4w2zx5v8bnr6c";
  const std::string pem =
      "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7\nq8v2m\n"
      "-----END RSA PRIVATE KEY-----";
  struct Case {
    std::string text;
    std::string secret;
  };
  const std::vector<Case> cases{
      {"x " + jwt + " y", jwt.substr(0, 20)},
      {"cut off: " + jwt.substr(0, 60), jwt.substr(0, 20)},
      {"(" + jwt + ").", jwt.substr(40, 20)},
      {"data: " + encoded, encoded.substr(0, 20)},
      {base64_encode("." + jwt), base64_encode("." + jwt).substr(8, 30)},
      {base64_encode("token: " + jwt), base64_encode("token: " + jwt).substr(20, 30)},
      {"Authorization: Bearer " + opaque, opaque},
      {"authorization: basic YWRtaW46c2VjcmV0MQ==", "YWRtaW46"},
      {R"({"token": ")" + opaque + R"("})", opaque},
      {R"(body: "{\"token\":\")" + opaque + R"(\",\"x\":1}")", opaque},
      {R"({"serviceAccountToken":")" + opaque, opaque},
      {R"("password": "correct horse battery")", "horse"},
      {"    client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlFb3dJQkFBS0M",
       "PpNSUlFb3d"},
      {"--client-secret=Zx8~secretvalue", "Zx8~"},
      {"token = Zx8~secretvalue", "Zx8~"},
      {"https://host/path?access_token=abcdefgh12345678&x=y", "abcdefgh"},
      {"dial https://admin:pa55word@10.0.0.1:6443/api", "pa55word"},
      {pem, "MIIEow"},
      {replaced_all(pem, "\n", "\\n"), "MIIEow"},
      {pem.substr(0, 50), "MIIEow"},
      {base64_encode(pem), base64_encode(pem).substr(60, 20)},
      {"got ya29.a0AfB_byC-1234567890abcdefgh", "a0AfB_"},
      {"got k8s-aws-v1.aHR0cHM6Ly9zdHMuYW1hem9uYXdz", "aHR0cHM6"},
      {"[glpat-x7k2p9mlq7t4w2zx5v8b]", "x7k2p9"},
      {"ghp_x7k2p9mlq7t4w2zx5v8bnr6cq7t4w2zx5v8b", "x7k2p9"},
      {"[[kubeconfig-u-7x2kp:p9mlq7t4w2zx5v8bnr6cp9mlq7t4w2zx5v8bnr6cq7t4w2zx5v8b]]", "p9mlq7"},
      {"kubeconfig-user-mtrk8.c-vckqj:p9mlq7t4w2zx5v8bnr6cp9mlq7t4w2zx5v8bnr6cq7t4w2zx5v8b",
       "p9mlq7"},
      {"token-7x2kp:p9mlq7t4w2zx5v8bnr6cp9mlq7t4w2zx5v8bnr6cq7t4w2zx5v8b", "p9mlq7"},
  };
  for (const auto& [text, secret] : cases) {
    CAPTURE(text);
    CHECK(hides(redactor, text, secret));
    CHECK(redactor.mask(text).find("‹") != std::string::npos);
    // Once more leaves what is there.
    CHECK(redactor.mask(redactor.mask(text)) == redactor.mask(text));
  }
}

TEST_CASE("base64 of a token is masked over the lines that a program wraps it into") {
  const Redactor redactor;
  const auto encoded = base64_encode(jwt);
  const auto wrapped = encoded.substr(0, 76) + "\n" + encoded.substr(76) + "\nnext line";
  CHECK(redactor.mask(wrapped) == "‹token›\nnext line");
}

TEST_CASE("nothing that retrust prints itself has a secret's shape") {
  const Redactor redactor;
  const auto ca = test::make_certificate();
  const std::vector<std::string> plain{
      "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
      "‹token sha256:1a2b3c4d5e6f›",
      R"("token": "‹token sha256:1a2b3c4d5e6f›")",
      "token: ‹token sha256:1a2b3c4d5e6f›",
      "token       sha256:1a2b3c4d5e6f, of the account cattle",
      "1 rejected token was left: fleet-agent-token-z5kfs (cattle-fleet-system)",
      "rejected token: cattle-impersonation-user-abcde-token-x7k2p",
      "kubectl -n cattle-system delete secret cattle-token-jg8ss --ignore-not-found --wait=false",
      "kubectl get secrets --field-selector=type=kubernetes.io/service-account-token -o json",
      R"(jsonpath={.status.serviceAccountToken})",
      "kubectl --token= --client-certificate= --client-key= --password= get secrets --raw=",
      "token=$(kubectl get secret cattle-token-x7k2p -o jsonpath={.data.token})",
      "the server does not accept bearer authentication of this kind",
      "the bearer token of a service account; basic authentication is gone",
      "https://10.0.0.1:6443/k8s/clusters/c-x7k2p?limit=500&continue=abc",
      "rancher/rancher@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
      "ada@bastion, see https://ranchermanager.docs.rancher.com/ or mail ops@example.com",
      "the token of system:serviceaccount:cattle-system:cattle was issued 2026-01-10T08:00:00Z",
      ca,
      base64_encode(ca),
      base64_encode(base64_encode(ca)),
  };
  for (const auto& text : plain) {
    CAPTURE(text);
    CHECK(redactor.mask(text) == text);
  }
}

TEST_CASE("secrets that are alike are all hidden, each in no more time than another") {
  constexpr int count = 20'000;
  const std::string same(450, 'p');
  const auto in_the_middle = [&](int i) { return fmt::format("{}{:08}{}", same, i, same); };
  const auto at_the_end = [&](int i) { return fmt::format("{}{:08}", same, i); };
  const auto at_the_beginning = [&](int i) { return fmt::format("{:08}{}", i, same); };
  Redactor redactor;
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    redactor.add(in_the_middle(i), "‹s›");
    redactor.add(at_the_end(i), "‹s›");
    redactor.add(at_the_beginning(i), "‹s›");
  }
  for (const int i : {0, 1, 77, count - 1}) {
    CHECK(redactor.mask("a " + in_the_middle(i) + " b") == "a ‹s› b");
    CHECK(redactor.mask("a " + at_the_end(i) + " b") == "a ‹s› b");
    CHECK(redactor.mask("a " + at_the_beginning(i) + " b") == "a ‹s› b");
  }
  // 0.3 s without optimisation; comparing each with each took minutes.
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds{10});
}

TEST_CASE("secrets that end alike and differ in size are all hidden") {
  Redactor redactor;
  const std::string tail(300, 's');
  std::string all;
  for (std::size_t size = 8; size < 300; ++size) {
    const auto secret = fmt::format("{:07}-{}", size, tail.substr(0, size));
    redactor.add(secret, "‹s›");
    all += secret + " ";
  }
  CHECK(redactor.mask(all).find("-s") == std::string::npos);
  CHECK(redactor.mask(all).find("sss") == std::string::npos);
}

TEST_CASE("half of a short secret is a word, and half of a long one is hidden") {
  Redactor redactor;
  redactor.add("kubernetes-is-mine", "‹password›");
  redactor.add(jwt, "‹token›");
  CHECK(redactor.mask("kubernetes-is not mine") == "kubernetes-is not mine");
  const auto cut = jwt.substr(jwt.size() - 70);
  CHECK(hides(redactor, "…" + cut, cut.substr(10)));
}

TEST_CASE("more secrets than can be kept are refused rather than shown") {
  Redactor redactor(100);
  for (int i = 0; i < 100; ++i) redactor.add(fmt::format("secret-number-{:06}", i), "‹s›");
  // The same again are no more.
  for (int i = 0; i < 100; ++i) redactor.add(fmt::format("secret-number-{:06}", i), "‹s›");
  CHECK_THROWS_AS(redactor.add("secret-number-000100", "‹s›"), Failure);
}

TEST_CASE("a token that ends with a fingerprint hides no fingerprint") {
  Redactor redactor;
  const std::string sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
  const auto token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0." + std::string(40, 'A') + sha256;
  redactor.add(token, "‹token›");
  CHECK(redactor.mask("sha256 " + sha256) == "sha256 " + sha256);
  CHECK(redactor.mask(token) == "‹token›");
}

TEST_CASE("values are masked before they become JSON, so that JSON stays JSON") {
  Redactor redactor;
  // A cluster may call anything a token.
  redactor.add(R"(":{"a":")", "‹s›");
  redactor.add("kubectl --kubeconfig", "‹s›");
  boost::json::value value =
      boost::json::parse(R"({"sections":{"a":"x"},"list":["kubectl --kubeconfig=x", 7, null]})");
  mask_values(value, redactor);
  CHECK(boost::json::serialize(value) == R"({"sections":{"a":"x"},"list":["‹s›=x",7,null]})");
}

TEST_CASE("the time a text takes grows with its length alone") {
  std::vector<std::string> hostile{"token=",
                                   "token=$",
                                   "\"token\":\"",
                                   "eyJ",
                                   "eyJ.",
                                   "ZXlK",
                                   "Bearer ",
                                   "-----BEGIN ",
                                   "://@",
                                   "%25",
                                   "\\\\",
                                   "\\u005c",
                                   "token:'\"",
                                   " :",
                                   "-----END ",
                                   "bearer=",
                                   "eyJaaaaaaaaaaaaaaaaaaaa.aaaaaaaaa",
                                   "\"",
                                   "'"};
  Redactor redactor;
  for (int i = 0; i < 2000; ++i) {
    redactor.add(fmt::format("{:06}-registered-secret-of-a-cluster", i), "‹s›");
    redactor.add(fmt::format("{:06}-short", i), "‹s›");
  }
  for (const auto& piece : hostile) {
    CAPTURE(piece);
    std::string text;
    while (text.size() < 256 * 1024) text += piece;
    const auto begun = std::chrono::steady_clock::now();
    const auto masked = redactor.mask(text);
    CHECK(masked.size() <= 2 * text.size());
    // Some 50 ms without optimisation; quadratic time would take minutes.
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds{5});
  }
}

}  // namespace
}  // namespace retrust
