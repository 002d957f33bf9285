#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace retrust {

/// Knows every secret that was read in this run and takes it out of any text. The second net: what
/// is known to be secret is not written in the first place. A cluster can hold tens of thousands of
/// tokens: the time that a text takes does not depend on how many are known, and of all but short
/// ones a digest alone is kept.
class Redactor {
 public:
  /// From now on `label` stands wherever `secret` would. Texts under 8 bytes are not taken: they
  /// would tear holes into everything.
  void add(std::string_view secret, std::string_view label);

  std::string mask(std::string_view text) const;

 private:
  /// A secret is looked for by its last bytes, and then told by its whole.
  struct Digest {
    std::uint32_t size;
    std::uint32_t label;  ///< index into labels_
    std::size_t hash;
  };
  struct Entry {
    std::string secret;
    std::uint32_t label;
  };
  struct Match {
    std::size_t begin;
    std::size_t size;
    std::uint32_t label;
  };
  void find_long(std::string_view text, std::vector<Match>& found) const;
  void find_short(std::string_view text, std::vector<Match>& found) const;
  std::uint32_t index_of(std::string_view label);

  std::unordered_multimap<std::uint64_t, Digest> long_;
  std::vector<Entry> short_;
  std::vector<std::string> labels_;
};

}  // namespace retrust
