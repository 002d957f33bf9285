#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace retrust {

/// Standard error of a kubectl whose output is secret, which makes its standard error secret too:
/// `kubectl -v=9` prints whole answers there.
struct KubectlWords {
  /// The lines that kubectl and docker are known to print themselves, each once: kubectl repeats
  /// one for every request that fails alike.
  std::string known;
  std::string others;        ///< the other lines: a login plugin's, or anybody's
  std::size_t withheld = 0;  ///< number of the other lines
};

/// Sorts the lines of standard error. Lines of kubectl's log (klog) are dropped. Pure.
KubectlWords kubectl_words(std::string_view err);

/// Whether a login plugin failed: its words are what the operator has to read then.
bool plugin_failed(std::string_view known);

/// The text without its last word where that may be cut off.
std::string_view whole_words(std::string_view text);

}  // namespace retrust
