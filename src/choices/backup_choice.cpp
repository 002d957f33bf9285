#include "choices/backup_choice.h"

namespace retrust {

std::string_view name_of(Distribution distribution) {
  return distribution == Distribution::k3s ? "k3s" : "rke2";
}

bool is_snapshot_name(std::string_view name) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (name.empty() || name.size() > 200 || name.front() == '-' || name.front() == '.') return false;
  return name.find_first_not_of(allowed) == std::string_view::npos && !name.starts_with("c-");
}

}  // namespace retrust
