#include "credentials/secret.h"

#include <algorithm>
#include <string.h>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "credentials/token.h"

namespace retrust {
namespace {

/// The shortest part of a JWT that is worth hiding by itself.
constexpr std::size_t shortest_part = 16;

std::string label_of(std::string_view text, std::string_view kind) {
  return fmt::format("‹{} sha256:{}›", kind, fingerprint(text));
}

/// The text itself, as base64, and the parts of a JWT.
void keep_plain(Redactor& redactor, std::string_view text, std::string_view label) {
  redactor.add(text, label);
  redactor.add(base64_encode(text), label);
  // The parts of what is no JWT are words that a cluster could have hidden from the operator.
  if (!parse_token(text)) return;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('.', begin), text.size());
    if (end - begin >= shortest_part) redactor.add(text.substr(begin, end - begin), label);
    begin = end + 1;
  }
}

/// Within something that is base64 as a whole it begins at any of three places, and what is next to
/// it shares the digits at its ends.
void keep_within_base64(Redactor& redactor, std::string_view text, std::string_view label) {
  for (const std::size_t before : {0U, 1U, 2U}) {
    const auto encoded = base64_encode(std::string(before, '.') + std::string(text));
    const std::size_t shared_first = before == 0 ? 0 : before + 1;
    const std::size_t tail = (before + text.size()) % 3;
    const std::size_t shared_last = tail == 0 ? 0 : 4 - tail;
    redactor.add(
        std::string_view(encoded).substr(shared_first, encoded.size() - shared_first - shared_last),
        label);
  }
}

/// As base64 and openssl wrap it.
void keep_wrapped(Redactor& redactor, std::string_view text, std::string_view label) {
  const auto encoded = base64_encode(text);
  for (const std::size_t columns : {76U, 64U}) {
    for (std::size_t begin = 0; begin < encoded.size(); begin += columns) {
      redactor.add(std::string_view(encoded).substr(begin, columns), label);
    }
  }
}

/// A signature is at least that of ES256, which is the shortest that Kubernetes makes
/// (commit 023feb4a, pkg/serviceaccount/jwt.go): a shorter one could be a word of ours.
bool is_account_token(std::string_view text) {
  constexpr std::size_t longest = 8192;
  constexpr std::size_t shortest_signature = 64;
  if (text.size() > longest || !parse_token(text)) return false;
  const auto signature = base64url_decode(text.substr(text.rfind('.') + 1));
  return signature && signature->size() >= shortest_signature;
}

/// Rancher makes 54 of these characters (2.0.0 to 2.4.17, pkg/randomtoken/token.go; since then from
/// wrangler), of which no word can be made.
bool is_registration_token(std::string_view text) {
  constexpr std::string_view alphabet = "bcdfghjklmnpqrstvwxz2456789";
  constexpr std::size_t shortest = 32;
  constexpr std::size_t longest = 256;
  return text.size() >= shortest && text.size() <= longest &&
         text.find_first_not_of(alphabet) == std::string_view::npos;
}

bool is_token(std::string_view text, Secret::Kind kind) {
  return kind == Secret::Kind::account ? is_account_token(text) : is_registration_token(text);
}

}  // namespace

void redact(Redactor& redactor, std::string_view text, std::string_view kind) {
  if (text.empty()) return;
  const auto label = label_of(text, kind);
  keep_plain(redactor, text, label);
  keep_within_base64(redactor, text, label);
  keep_wrapped(redactor, text, label);
}

Secret::Secret(Redactor& redactor, Kind kind, std::string_view text, Forms forms) {
  if (!is_token(text, kind)) return;
  if (forms == Forms::all) {
    redact(redactor, text);
  } else {
    keep_plain(redactor, text, label_of(text, "token"));
  }
  text_ = text;
}

Secret::Secret(Secret&& other) noexcept : text_(std::move(other.text_)) {
  // Short texts are copied by a move.
  other.clear();
}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    clear();
    text_ = other.text_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    clear();
    text_ = std::move(other.text_);
    other.clear();
  }
  return *this;
}

void Secret::clear() noexcept {
  if (!text_.empty()) ::explicit_bzero(text_.data(), text_.size());
  text_.clear();
}

}  // namespace retrust
