#include "transcript/redactor.h"

#include <algorithm>
#include <functional>

namespace retrust {
namespace {

/// What a longer secret is found by: so many of its last bytes. The parts of a JWT are longer.
constexpr std::size_t window = 32;
constexpr std::uint64_t base = 0x9E3779B97F4A7C15U;

std::uint64_t byte(char c) {
  return static_cast<unsigned char>(c) + 1U;
}

/// base to the power of window - 1: the weight of the byte that leaves the window.
constexpr std::uint64_t leaving_weight() {
  std::uint64_t weight = 1;
  for (std::size_t i = 1; i < window; ++i) weight *= base;
  return weight;
}

std::uint64_t window_hash(std::string_view text) {
  std::uint64_t hash = 0;
  for (const char c : text) hash = hash * base + byte(c);
  return hash;
}

std::size_t whole_hash(std::string_view text) {
  return std::hash<std::string_view>{}(text);
}

}  // namespace

// The forms of one token come one after another, under one label.
std::uint32_t Redactor::index_of(std::string_view label) {
  if (labels_.empty() || labels_.back() != label) labels_.emplace_back(label);
  return static_cast<std::uint32_t>(labels_.size() - 1);
}

void Redactor::add(std::string_view secret, std::string_view label) {
  if (secret.size() < 8) return;
  if (secret.size() < window) {
    const auto known = std::any_of(short_.begin(), short_.end(),
                                   [&](const Entry& entry) { return entry.secret == secret; });
    if (!known) short_.push_back({std::string(secret), index_of(label)});
    return;
  }
  const auto end = window_hash(secret.substr(secret.size() - window));
  const auto hash = whole_hash(secret);
  const auto [first, last] = long_.equal_range(end);
  const auto known = std::any_of(first, last, [&](const auto& entry) {
    return entry.second.size == secret.size() && entry.second.hash == hash;
  });
  if (known) return;
  long_.emplace(end, Digest{static_cast<std::uint32_t>(secret.size()), index_of(label), hash});
}

void Redactor::find_long(std::string_view text, std::vector<Match>& found) const {
  if (long_.empty() || text.size() < window) return;
  auto hash = window_hash(text.substr(0, window));
  for (std::size_t end = window;; ++end) {
    const auto [first, last] = long_.equal_range(hash);
    for (auto entry = first; entry != last; ++entry) {
      const auto& digest = entry->second;
      if (digest.size > end) continue;
      const auto begin = end - digest.size;
      if (whole_hash(text.substr(begin, digest.size)) != digest.hash) continue;
      found.push_back({begin, digest.size, digest.label});
    }
    if (end == text.size()) return;
    hash -= byte(text[end - window]) * leaving_weight();
    hash = hash * base + byte(text[end]);
  }
}

void Redactor::find_short(std::string_view text, std::vector<Match>& found) const {
  for (const auto& entry : short_) {
    for (auto at = text.find(entry.secret); at != std::string_view::npos;
         at = text.find(entry.secret, at + entry.secret.size())) {
      found.push_back({at, entry.secret.size(), entry.label});
    }
  }
}

std::string Redactor::mask(std::string_view text) const {
  std::vector<Match> found;
  find_long(text, found);
  find_short(text, found);
  std::sort(found.begin(), found.end(),
            [](const Match& a, const Match& b) { return a.begin < b.begin; });
  std::string result;
  std::size_t done = 0;
  for (auto match = found.begin(); match != found.end();) {
    // What overlaps is one: a whole has its parts within it, and goes by its own label.
    const auto begin = match->begin;
    auto end = begin + match->size;
    auto largest = match;
    for (; match != found.end() && match->begin < end; ++match) {
      end = std::max(end, match->begin + match->size);
      if (match->size > largest->size) largest = match;
    }
    result += text.substr(done, begin - done);
    result += labels_[largest->label];
    done = end;
  }
  result += text.substr(done);
  return result;
}

}  // namespace retrust
