#include "transcript/redactor.h"

#include <algorithm>

namespace retrust {

void Redactor::add(std::string_view secret, std::string_view label) {
  if (secret.size() < 8) return;
  const auto known = std::any_of(entries_.begin(), entries_.end(),
                                 [&](const Entry& entry) { return entry.secret == secret; });
  if (known) return;
  const auto place = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.secret.size() < secret.size();
  });
  entries_.insert(place, Entry{std::string(secret), std::string(label)});
}

std::string Redactor::mask(std::string_view text) const {
  std::string result(text);
  for (const auto& entry : entries_) {
    for (auto at = result.find(entry.secret); at != std::string::npos;
         at = result.find(entry.secret, at + entry.label.size())) {
      result.replace(at, entry.secret.size(), entry.label);
    }
  }
  return result;
}

}  // namespace retrust
