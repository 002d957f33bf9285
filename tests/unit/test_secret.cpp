#include <string>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "credentials/secret.h"
#include "secrets.h"

namespace retrust {
namespace {

// What would not compile: fmt::format("{}", token), and any assignment to a text.
static_assert(!fmt::is_formattable<Secret>::value);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_constructible_v<std::string, Secret>);
// Each is registered: there is no constructor without a redactor.
static_assert(!std::is_constructible_v<Secret, std::string>);
static_assert(!std::is_constructible_v<Secret, const char*>);
// Nor one that does not say what it must look like.
static_assert(!std::is_constructible_v<Secret, Redactor&, std::string>);

TEST_CASE("a secret is masked from the moment when it is there") {
  Redactor redactor;
  const auto token = test::jwt_of("system:serviceaccount:cattle-system:cattle");
  const Secret secret(redactor, Secret::Kind::account, token);
  CHECK(secret.reveal() == token);
  CHECK(redactor.mask("says " + token + "!").find(token.substr(20)) == std::string::npos);
  const std::string registration(54, 'x');
  CHECK(Secret(redactor, Secret::Kind::registration, registration).reveal() == registration);
  CHECK(redactor.mask(registration).find("xxx") == std::string::npos);
}

TEST_CASE("what is no token of its kind is none, and hides no word of ours") {
  const auto token = test::jwt_of("cattle");
  const auto unsigned_part = token.substr(0, token.rfind('.') + 1);
  const std::vector<std::string> texts{
      "", "retrust-run-folder", "serviceaccount/cattle", "repair-impersonation",
      "kubectl --kubeconfig", "--kubeconfig=prod.yaml",
      "aaaaaaaaaaaaaaaa.not-needed-at-all.kubectl-delete-secret",
      // What looks like a signature may be a word as well.
      unsigned_part + "retrust-run-folder", unsigned_part + "serviceaccount-cattle-and-more-of-it",
      token + "\nwith an end of a line", token + "." + std::string(16, 'x'),
      test::jwt("{}", R"({"sub":")" + std::string(8192, 'x') + R"("})"),
      "g\xc3\xbcnstige-gelegenheit", std::string("null\0byte-in-a-token", 20)};
  for (const auto kind : {Secret::Kind::account, Secret::Kind::registration}) {
    for (const auto& text : texts) {
      CAPTURE(text);
      Redactor redactor;
      CHECK(Secret(redactor, kind, text).empty());
      const auto line =
          "kubectl --kubeconfig=prod.yaml retrust-run-folder serviceaccount/cattle "
          "repair-impersonation not-needed-at-all kubectl-delete-secret "
          "serviceaccount-cattle-and-more-of-it";
      CHECK(redactor.mask(line) == line);
    }
  }
  Redactor redactor;
  CHECK(Secret(redactor, Secret::Kind::registration, token).empty());
  CHECK(Secret(redactor, Secret::Kind::account, std::string(54, 'x')).empty());
  CHECK(Secret(redactor, Secret::Kind::registration, std::string(54, 'a')).empty());
}

TEST_CASE("a copy is equal, and what was moved from holds nothing") {
  auto secret = test::secret_of("nobody");
  auto copy = secret;
  CHECK(copy == secret);
  const auto moved = std::move(copy);
  CHECK(moved == secret);
  CHECK(copy.empty());  // NOLINT(bugprone-use-after-move): that is what is promised
  secret.clear();
  CHECK(secret.empty());
  CHECK_FALSE(moved == secret);
}

}  // namespace
}  // namespace retrust
