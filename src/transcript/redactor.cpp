#include "transcript/redactor.h"

#include <algorithm>
#include <functional>

#include "transcript/escapes.h"
#include "transcript/secret_shapes.h"

namespace retrust {
namespace {

/// Bytes by which a long secret is found. The parts of a JWT are longer.
constexpr std::size_t long_window = 32;
/// The shortest secret, and the bytes by which a short one is found.
constexpr std::size_t least_size = 8;
constexpr std::uint64_t base = 0x9E3779B97F4A7C15U;

std::uint64_t byte(char c) {
  return static_cast<unsigned char>(c) + 1U;
}

std::uint64_t window_hash(std::string_view text) {
  std::uint64_t hash = 0;
  for (const char c : text) hash = hash * base + byte(c);
  return hash;
}

std::size_t whole_hash(std::string_view text) {
  return std::hash<std::string_view>{}(text);
}

/// Base64 and base64url as one: their two last digits differ.
std::string canonical(std::string_view text) {
  std::string result(text);
  std::replace(result.begin(), result.end(), '-', '+');
  std::replace(result.begin(), result.end(), '_', '/');
  return result;
}

/// Part of a text that is not shown.
struct Match {
  std::size_t begin;
  std::size_t end;
  std::string_view label;
  enum class By { secret, shape } by;
};

/// The label that says more: a registered secret's, then that of the larger match.
bool says_more(const Match& a, const Match& b) {
  if (a.by != b.by) return a.by == Match::By::secret;
  return a.end - a.begin > b.end - b.begin;
}

std::string replaced(std::string_view text, std::vector<Match> found) {
  std::sort(found.begin(), found.end(),
            [](const Match& a, const Match& b) { return a.begin < b.begin; });
  std::string result;
  std::size_t done = 0;
  for (auto match = found.begin(); match != found.end();) {
    // Overlapping matches are one secret: a whole token contains its parts.
    const auto begin = match->begin;
    auto end = match->end;
    auto named = match;
    for (; match != found.end() && match->begin < end; ++match) {
      end = std::max(end, match->end);
      if (says_more(*match, *named)) named = match;
    }
    result += text.substr(done, begin - done);
    result += named->label;
    done = end;
  }
  result += text.substr(done);
  return result;
}

}  // namespace

Redactor::Index::Index(std::size_t window) : window_(window), leaving_weight_(1) {
  for (std::size_t i = 1; i < window; ++i) leaving_weight_ *= base;
}

bool Redactor::Index::knows(std::string_view secret) const {
  const auto hash = whole_hash(secret);
  const auto [first, last] =
      digests_.equal_range(window_hash(secret.substr(secret.size() - window_)));
  return std::any_of(first, last, [&](const auto& entry) {
    return entry.second.size == secret.size() && entry.second.hash == hash;
  });
}

void Redactor::Index::add(std::string_view secret, std::uint32_t label) {
  digests_.emplace(window_hash(secret.substr(secret.size() - window_)),
                   Digest{static_cast<std::uint32_t>(secret.size()), label, whole_hash(secret)});
}

template <typename Found>
void Redactor::Index::find(std::string_view text, const Found& found) const {
  if (digests_.empty() || text.size() < window_) return;
  auto hash = window_hash(text.substr(0, window_));
  for (auto end = window_;; ++end) {
    const auto [first, last] = digests_.equal_range(hash);
    for (auto entry = first; entry != last; ++entry) {
      const auto& digest = entry->second;
      if (digest.size > end) continue;
      const auto begin = end - digest.size;
      if (whole_hash(text.substr(begin, digest.size)) != digest.hash) continue;
      found(begin, digest.size, digest.label);
    }
    if (end == text.size()) return;
    hash -= byte(text[end - window_]) * leaving_weight_;
    hash = hash * base + byte(text[end]);
  }
}

// The forms of one token come one after another, under one label.
std::uint32_t Redactor::index_of(std::string_view label) {
  if (labels_.empty() || labels_.back() != label) labels_.emplace_back(label);
  return static_cast<std::uint32_t>(labels_.size() - 1);
}

void Redactor::add(std::string_view secret, std::string_view label) {
  if (secret.size() < least_size) return;
  const auto form = canonical(secret);
  auto& index = form.size() < long_window ? short_ : long_;
  if (!index.knows(form)) index.add(form, index_of(label));
}

std::string Redactor::mask(std::string_view text) const {
  std::vector<Match> matches;
  for (auto layer = Unescaped::as_it_is(text);; layer = layer.unescaped()) {
    const auto found = [&](std::size_t begin, std::size_t size, std::uint32_t label) {
      matches.push_back(
          {layer.origin(begin), layer.origin(begin + size), labels_[label], Match::By::secret});
    };
    const auto form = canonical(layer.text());
    long_.find(form, found);
    short_.find(form, found);
    for (const auto& shape : secret_shapes(layer.text())) {
      matches.push_back({layer.origin(shape.begin), layer.origin(shape.begin + shape.size),
                         shape.label, Match::By::shape});
    }
    if (!layer.has_escapes()) break;
  }
  return matches.empty() ? std::string(text) : replaced(text, std::move(matches));
}

}  // namespace retrust
