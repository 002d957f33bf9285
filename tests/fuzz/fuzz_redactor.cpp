#include <string>
#include <vector>

#include "credentials/encoding.h"
#include "fuzz/checks.h"
#include "fuzz/target.h"
#include "runbook/parse.h"
#include "transcript/redactor.h"
#include "transcript/text.h"

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
  keep_secret(redactor, token);
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

}  // namespace retrust::fuzz
