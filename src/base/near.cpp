#include "base/near.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace retrust {
namespace {

/// Insertions, deletions and replacements between two words (Levenshtein).
std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0U : 1U)});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> near_ones(std::string_view word, const std::vector<std::string>& known) {
  struct Ranked {
    std::size_t distance;
    std::size_t edits;  ///< decides between words of one distance
    std::string candidate;
  };
  std::vector<Ranked> ranked;
  for (const auto& candidate : known) {
    const auto typed = edits(word, candidate);
    auto distance = typed;
    const auto within = word.size() >= 3 && candidate.size() >= 3 &&
                        (candidate.find(word) != std::string::npos ||
                         word.find(candidate) != std::string_view::npos);
    if (within) distance = std::min<std::size_t>(distance, 1);
    if (distance <= std::max<std::size_t>(2, word.size() / 3))
      ranked.push_back({distance, typed, candidate});
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    return std::pair(a.distance, a.edits) < std::pair(b.distance, b.edits);
  });
  std::vector<std::string> words;
  for (const auto& each : ranked) {
    if (words.size() < 3) words.push_back(each.candidate);
  }
  return words;
}

}  // namespace retrust
