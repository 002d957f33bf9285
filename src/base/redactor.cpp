#include "base/redactor.h"

#include <algorithm>
#include <bit>
#include <random>
#include <vector>

#include <fmt/format.h>

#include "base/escapes.h"
#include "base/failure.h"
#include "base/secret_shapes.h"

namespace retrust {
namespace {

/// The shortest secret.
constexpr std::size_t least_size = 8;
/// From here on a secret is found by two pieces.
constexpr std::size_t least_divided = 64;
/// Replaces what is part of a secret, though not of which one is known.
constexpr std::string_view piece_label = "‹secret›";

std::uint64_t byte(char c) {
  return static_cast<unsigned char>(c) + 1U;
}

/// How large the pieces are by which a secret of that size is found.
std::size_t piece_size(std::size_t size) {
  return size < least_divided ? size : std::bit_floor(size);
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
  enum class By { piece, shape, secret } by;
};

/// Adds a match to matches in order. Overlapping matches with one label become one: a text of one
/// letter would have a match at every byte.
void add_match(std::vector<Match>& matches, const Match& match) {
  if (!matches.empty()) {
    auto& last = matches.back();
    if (last.by == match.by && last.label == match.label && last.begin <= match.begin &&
        match.begin < last.end) {
      last.end = std::max(last.end, match.end);
      return;
    }
  }
  matches.push_back(match);
}

/// The label that says more: a registered secret's, then a shape's, then that of the larger match.
bool says_more(const Match& a, const Match& b) {
  if (a.by != b.by) return a.by > b.by;
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

/// Goes over a text and finds pieces of one size.
class Redactor::Search {
 public:
  Search(const Redactor& redactor, std::size_t size, const Pieces& pieces)
      : redactor_(redactor), size_(size), pieces_(pieces), leaving_weight_(1) {
    for (std::size_t i = 1; i < size; ++i) leaving_weight_ *= redactor.base_;
  }

  void run(std::string_view text, std::vector<Match>& matches) {
    if (text.size() < size_) return;
    auto digest = redactor_.digest(text.substr(0, size_));
    for (std::size_t begin = 0;; ++begin) {
      look(text, begin, digest, matches);
      const auto end = begin + size_;
      if (end == text.size()) return;
      digest -= byte(text[begin]) * leaving_weight_;
      digest = digest * redactor_.base_ + byte(text[end]);
    }
  }

 private:
  void look(std::string_view text, std::size_t begin, std::uint64_t digest,
            std::vector<Match>& matches) const {
    const auto end = begin + size_;
    const auto add_piece = [&] {
      // A cluster could have a token that ends with a fingerprint, which is not to be hidden.
      const auto other = text.substr(begin, size_).find_first_not_of("0123456789abcdef");
      if (other == std::string_view::npos) return;
      add_match(matches, {begin, end, piece_label, Match::By::piece});
    };
    if (pieces_.first.contains(digest)) add_piece();
    const auto known = pieces_.last.find(digest);
    if (known == pieces_.last.end()) return;
    const auto [label, size] = known->second;
    // Others may end alike. The secret is this one if it begins where it should.
    const auto whole =
        size == size_ ||
        (size <= end && pieces_.first.contains(redactor_.digest(text.substr(end - size, size_))));
    if (whole) {
      add_match(matches, {end - size, end, redactor_.labels_.c_str() + label, Match::By::secret});
    } else {
      add_piece();
    }
  }

  const Redactor& redactor_;
  std::size_t size_;
  const Pieces& pieces_;
  std::uint64_t leaving_weight_;  ///< of the byte that leaves the window
};

Redactor::Redactor(std::size_t most) : most_(most) {
  std::random_device random;
  base_ = (std::uint64_t{random()} << 32U) | random() | 1U;
}

std::uint64_t Redactor::digest(std::string_view text) const {
  std::uint64_t digest = 0;
  for (const char c : text) digest = digest * base_ + byte(c);
  return digest;
}

// The forms of one token come one after another, under one label.
std::uint32_t Redactor::offset_of(std::string_view label) {
  if (labels_.empty() || label != labels_.c_str() + last_label_) {
    last_label_ = labels_.size();
    labels_.append(label).push_back('\0');
  }
  return static_cast<std::uint32_t>(last_label_);
}

void Redactor::add(std::string_view secret, std::string_view label) {
  if (secret.size() < least_size) return;
  const auto form = canonical(secret);
  const auto size = piece_size(form.size());
  auto& pieces = by_size_[size];
  const std::string_view text(form);
  const auto last = digest(text.substr(form.size() - size));
  auto news = !pieces.last.contains(last);
  if (news) {
    pieces.last.emplace(last, Known{offset_of(label), static_cast<std::uint32_t>(form.size())});
  }
  if (size >= least_divided)
    news = pieces.first.insert(digest(text.substr(0, size))).second || news;
  if (news && ++count_ > most_) {
    throw Failure(
        FailureCode::bad_answer,
        fmt::format("the clusters sent more secrets than retrust can hide: {} and more", most_),
        "no cluster is known to have so many. Find out what answers at the cluster's address");
  }
}

std::string Redactor::mask(std::string_view text) const {
  std::vector<Match> matches;
  for (auto layer = Unescaped::as_it_is(text);; layer = layer.unescaped()) {
    std::vector<Match> found;
    const auto form = canonical(layer.text());
    for (const auto& [size, pieces] : by_size_) Search(*this, size, pieces).run(form, found);
    for (const auto& shape : secret_shapes(layer.text())) {
      found.push_back({shape.begin, shape.begin + shape.size, shape.label, Match::By::shape});
    }
    for (const auto& match : found) {
      matches.push_back(
          {layer.origin(match.begin), layer.origin(match.end), match.label, match.by});
    }
    if (!layer.has_escapes()) break;
  }
  return matches.empty() ? std::string(text) : replaced(text, std::move(matches));
}

}  // namespace retrust
