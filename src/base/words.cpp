#include "base/words.h"

namespace retrust {

std::vector<std::string> with_more(std::vector<std::string> words,
                                   const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace retrust
