#include "observe/redeployment.h"

#include <cctype>

#include <fmt/format.h>

#include "base/encoding.h"

namespace retrust {
namespace {

/// The first ten letters of the SHA-256 in base32, in lower case.
std::string short_hash(std::string_view text) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz234567";
  constexpr std::size_t digits = 13;
  constexpr int bits_over = 2;
  constexpr int bits = 5;
  constexpr int last = 45;
  const auto head = std::stoull(sha256_hex(text).substr(0, digits), nullptr, 16) >> bits_over;
  std::string hash;
  for (auto shift = last; shift >= 0; shift -= bits) {
    hash += letters.at((head >> static_cast<unsigned>(shift)) % letters.size());
  }
  return hash;
}

}  // namespace

ObjectName system_account(const ClusterId& id) {
  return "cattle-impersonation-u-" + short_hash("system://" + id.text());
}

bool rancher_redeploys(const Observation& seen) {
  const auto& version = seen.local.rancher.version;
  const auto& cluster = seen.local.cluster;
  const auto knows = !version || *version >= Version{2, 4, 0};
  return knows && seen.registration.keeps_out() && cluster.connected.status != "False";
}

bool is_cut_off(const Observation& seen) {
  return seen.registration.keeps_out() && seen.local.cluster.connected.status == "False";
}

}  // namespace retrust
