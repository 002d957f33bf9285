#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

namespace retrust {

/// Takes out of any text each secret that this run has read, and each word of a secret's shape.
///
/// The redactor is the second net: known secrets are not written in the first place. A secret is
/// also found where JSON or a URL escapes it, and where base64url stands for base64. A cluster can
/// hold tens of thousands of tokens: the time for a text depends neither on their number nor on how
/// alike they are, and the redactor keeps digests only.
class Redactor {
 public:
  /// Texts that are registered at most, several for each token: 125,000 tokens of Rancher's users.
  static constexpr std::size_t most_secrets = 500'000;

  explicit Redactor(std::size_t most = most_secrets);

  /// Registers a secret: from now on `label` replaces it. Texts under 8 bytes are ignored, because
  /// they would tear holes into ordinary words. Throws Failure (refused) beyond the limit, as what
  /// is not registered could show.
  void add(std::string_view secret, std::string_view label);

  std::string mask(std::string_view text) const;

 private:
  struct Known {
    std::uint32_t label;  ///< offset in labels_
    std::uint32_t size;   ///< bytes of the secret
  };
  /// Digests of pieces of one size. A secret of 64 bytes or more is found by two pieces: its first
  /// and its last bytes. The size of a piece is the largest power of two within the secret, so the
  /// pieces overlap and cover the secret, and there are few sizes. A shorter secret is one piece,
  /// as half of a password may be a word.
  struct Pieces {
    boost::unordered_flat_set<std::uint64_t> first;  ///< empty where a piece is the whole secret
    boost::unordered_flat_map<std::uint64_t, Known> last;
  };
  class Search;

  std::uint64_t digest(std::string_view text) const;
  std::uint32_t offset_of(std::string_view label);

  /// Random base of the digests, so that no cluster can choose secrets with equal digests.
  std::uint64_t base_;
  std::map<std::size_t, Pieces> by_size_;
  std::size_t most_;
  std::size_t count_ = 0;
  std::string labels_;  ///< one after another, each ended by a NUL
  std::size_t last_label_ = 0;
};

}  // namespace retrust
