#include "base/near.h"

#include <algorithm>
#include <numeric>

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
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const auto& candidate : known) {
    auto distance = edits(word, candidate);
    const auto within = word.size() >= 3 && candidate.size() >= 3 &&
                        (candidate.find(word) != std::string::npos ||
                         word.find(candidate) != std::string_view::npos);
    if (within) distance = std::min<std::size_t>(distance, 1);
    if (distance <= std::max<std::size_t>(2, word.size() / 3))
      ranked.emplace_back(distance, candidate);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> words;
  for (const auto& [distance, candidate] : ranked) {
    if (words.size() < 3) words.push_back(candidate);
  }
  return words;
}

}  // namespace retrust
