#include <type_traits>

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

TEST_CASE("a secret is masked from the moment when it is there") {
  Redactor redactor;
  const Secret secret(redactor, "a-token-that-nobody-sees");
  CHECK(secret.reveal() == "a-token-that-nobody-sees");
  CHECK(redactor.mask("says a-token-that-nobody-sees!").find("nobody") == std::string::npos);
}

TEST_CASE("what is no token is none, and hides no word of a plan") {
  for (const std::string& text :
       {std::string(), std::string("kubectl --kubeconfig"), std::string("fifteen-letters"),
        std::string("with\nan end of a line"), std::string("tabs\tare no better"),
        std::string("g\xc3\xbcnstige-gelegenheit"), std::string(8193, 'x'),
        std::string("null\0byte-in-a-token", 20)}) {
    CAPTURE(text.size());
    Redactor redactor;
    CHECK(Secret(redactor, text).empty());
    const auto line = "kubectl --kubeconfig=x delete secret/y fifteen-letters";
    CHECK(redactor.mask(line) == line);
  }
  Redactor redactor;
  CHECK(Secret(redactor, "--kubeconfig=prod.yaml").empty());
  const Secret words(redactor, "aaaaaaaaaaaaaaaa.not-needed-at-all.kubectl-delete-secret");
  CHECK(redactor.mask("kubectl-delete-secret: not-needed-at-all") ==
        "kubectl-delete-secret: not-needed-at-all");
  CHECK(Secret(redactor, std::string(8192, 'x')).size() == 8192);
  CHECK(Secret(redactor, "sixteen-letters!").size() == 16);
}

TEST_CASE("a copy is equal, and what was moved from holds nothing") {
  auto secret = test::secret_of("a-token-that-nobody-sees");
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
