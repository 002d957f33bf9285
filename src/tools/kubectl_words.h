#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace retrust {

/// The sorted standard error of a kubectl with secret output. The standard error is secret too:
/// `kubectl -v=9` prints complete answers there.
struct KubectlWords {
  /// Known lines of kubectl and docker, each once: kubectl repeats a line for every request that
  /// fails alike.
  std::string known;
  /// The other lines, e.g. of a login plugin, each once: kubectl runs a plugin several times.
  std::string others;
  std::size_t withheld = 0;  ///< number of the other lines
};

/// Sorts the lines of standard error, and drops lines of kubectl's log (klog). Pure.
KubectlWords kubectl_words(std::string_view err);

/// Whether a login plugin failed: the operator then needs its words.
bool plugin_failed(std::string_view known);

/// The text without a last word that may be incomplete.
std::string_view whole_words(std::string_view text);

}  // namespace retrust
