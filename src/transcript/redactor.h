#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace retrust {

/// Knows every secret that was read in this run and takes it out of any text. The second net: what
/// is known to be secret is not written in the first place.
class Redactor {
 public:
  /// From now on `label` stands wherever `secret` would. Texts under 8 bytes are not taken: they
  /// would tear holes into everything.
  void add(std::string_view secret, std::string_view label);

  std::string mask(std::string_view text) const;

 private:
  struct Entry {
    std::string secret;
    std::string label;
  };
  std::vector<Entry> entries_;  // longest first, so that a whole goes before its parts
};

}  // namespace retrust
