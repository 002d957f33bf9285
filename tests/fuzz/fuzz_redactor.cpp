#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/redactor.h"
#include "base/secret_shapes.h"
#include "base/text.h"
#include "credentials/secret.h"
#include "fuzz/checks.h"
#include "fuzz/target.h"
#include "observe/parse.h"

namespace retrust::fuzz {
namespace {

/// In no secret here, so that a label makes none with what stands beside it.
constexpr std::string_view label = "\xFF";
constexpr std::size_t shortest_secret = 8;

void check_masks(const Redactor& redactor, const std::vector<std::string>& secrets,
                 const std::string& text) {
  const auto masked = redactor.mask(text);
  for (const auto& secret : secrets) {
    require(masked.find(secret) == std::string::npos, "masked text has no secret");
  }
  require(redactor.mask(masked) == masked, "masked text stays as it is");
}

/// Base64 of the token within something longer.
void check_encoded(std::string_view token, std::string_view beside) {
  constexpr std::size_t shortest = 12;
  if (token.size() < shortest) return;
  Redactor redactor;
  redact(redactor, token);
  for (std::size_t before = 0; before < 3; ++before) {
    const auto encoded =
        base64_encode(std::string(before, 'x') + std::string(token) + std::string(beside));
    // The digits at both ends hold bits of what is beside the token.
    const auto begin = (before * 8 + 5) / 6;
    const auto end = (before + token.size()) * 8 / 6;
    const auto own = encoded.substr(begin, end - begin);
    require(redactor.mask(encoded).find(own) == std::string::npos,
            "a token is masked within longer base64");
  }
}

}  // namespace

/// Every line is a secret; after an empty line comes the text.
void redactor(std::string_view input) {
  const auto [first, text] = halves(input, "\n\n");
  Redactor redactor;
  std::vector<std::string> secrets;
  for (auto& line : split_lines(first)) {
    if (line.size() < shortest_secret || line.find(label) != std::string::npos) continue;
    redactor.add(line, label);
    secrets.push_back(std::move(line));
  }
  check_masks(redactor, secrets, std::string(text));
  // All of them in a row, one within the other, and the text between them.
  std::string all;
  for (const auto& secret : secrets) all += secret + std::string(text.substr(0, 7)) + secret;
  check_masks(redactor, secrets, all);
  if (!secrets.empty()) check_encoded(secrets.front(), text);
}

/// The text as a token of that kind: made into a Secret or not.
void check_secret(Secret::Kind kind, std::string_view input) {
  const std::string_view words = "the cluster production rejects the token of its agents";
  Redactor redactor;
  const Secret secret(redactor, kind, input);
  if (secret.empty()) {
    require(redactor.mask(words) == words, "what is no token hides no words");
    return;
  }
  require(secret.reveal() == input, "a secret is the token");
  require(input.front() != '-' && is_one_line(input) && input.find(' ') == std::string_view::npos &&
              input.size() <= 8192,
          "a token is one word, and no option");
  const std::string inside = fmt::format("({})", input);
  require(redactor.mask(inside).find(input) == std::string::npos, "a token is masked");
  for (const auto* beside : {" ", "\n", "\x7f", "\x80"}) {
    const Secret longer(redactor, kind, fmt::format("{}{}", input, beside));
    require(longer.empty(), "no other character is in a token");
  }
}

void secret(std::string_view input) {
  check_secret(Secret::Kind::account, input);
  check_secret(Secret::Kind::registration, input);
}

void secret_shape(std::string_view input) {
  for (const auto& shape : secret_shapes(input)) {
    require(shape.size > 0 && !shape.label.empty() && shape.begin < input.size() &&
                shape.size <= input.size() - shape.begin,
            "a shape is a part of the text");
  }
  const Redactor redactor;
  // {"alg":"none"}.{"sub":"a-user"}.c2lnbmF0dXJl
  constexpr std::string_view jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhLXVzZXIifQ.c2lnbmF0dXJl";
  for (const std::string_view beside : {" ", "\n", "\"", "'", ","}) {
    const auto text = fmt::format("{0}{1}{2}{1}{0}", input, beside, jwt);
    require(redactor.mask(text).find(jwt) == std::string::npos, "a JWT is masked beside any text");
  }
}

}  // namespace retrust::fuzz
