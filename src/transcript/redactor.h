#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace retrust {

/// Takes out of any text each secret that this run has read, and each word of a secret's shape.
///
/// The redactor is the second net: known secrets are not written in the first place. A secret is
/// also found where JSON or a URL escapes it, and where base64url stands for base64. A cluster can
/// hold tens of thousands of tokens: the time for a text does not depend on their number, and the
/// redactor keeps digests only.
class Redactor {
 public:
  /// Registers a secret: from now on `label` replaces it. Texts under 8 bytes are ignored, because
  /// they would tear holes into ordinary words.
  void add(std::string_view secret, std::string_view label);

  std::string mask(std::string_view text) const;

 private:
  /// Finds secrets by their last bytes, and then compares the whole.
  class Index {
   public:
    explicit Index(std::size_t window);
    void add(std::string_view secret, std::uint32_t label);
    bool knows(std::string_view secret) const;
    /// Calls `found(begin, size, label)` for each secret in the text.
    template <typename Found>
    void find(std::string_view text, const Found& found) const;

   private:
    struct Digest {
      std::uint32_t size;
      std::uint32_t label;  ///< index into labels_
      std::size_t hash;
    };
    std::size_t window_;
    std::uint64_t leaving_weight_;  ///< of the byte that leaves the window
    std::unordered_multimap<std::uint64_t, Digest> digests_;
  };
  std::uint32_t index_of(std::string_view label);

  Index long_{32};
  Index short_{8};
  std::vector<std::string> labels_;
};

}  // namespace retrust
