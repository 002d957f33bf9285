#include "protobuf.h"

#include <array>
#include <cstdint>
#include <string>

#include <boost/json/object.hpp>

#include "json_util.h"

namespace retrust::sandbox {
namespace {

/// Takes a number of seven bits a byte off the front; nothing where it does not end.
std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80U) return value;
  }
  return std::nullopt;
}

/// The first field of that number in a message, which must be text, bytes or a message.
std::optional<std::string_view> field(std::string_view message, std::uint64_t wanted) {
  while (!message.empty()) {
    const auto tag = take_varint(message);
    if (!tag) return std::nullopt;
    const auto type = *tag & 7U;
    if (type == 0) {
      if (!take_varint(message)) return std::nullopt;
      continue;
    }
    if (type != 2) return std::nullopt;
    const auto size = take_varint(message);
    if (!size || *size > message.size()) return std::nullopt;
    if (*tag >> 3U == wanted) return message.substr(0, *size);
    message.remove_prefix(*size);
  }
  return std::nullopt;
}

}  // namespace

std::optional<boost::json::value> access_review_of_protobuf(std::string_view bytes) {
  // Kubernetes's own envelope: a magic number, then a message with the type (1) and the object (2).
  constexpr std::string_view magic("k8s\0", 4);
  if (!bytes.starts_with(magic)) return std::nullopt;
  bytes.remove_prefix(magic.size());
  const auto type = field(bytes, 1);
  const auto object = field(bytes, 2);
  if (!type || !object || field(*type, 2) != "SelfSubjectAccessReview") return std::nullopt;
  const auto spec = field(*object, 2);
  const auto attributes = spec ? field(*spec, 1) : std::nullopt;
  boost::json::value review{boost::json::object()};
  put(review, "/apiVersion", "authorization.k8s.io/v1");
  put(review, "/kind", "SelfSubjectAccessReview");
  if (!attributes) return review;
  constexpr std::array<std::string_view, 7> names{"namespace", "verb",        "group", "version",
                                                  "resource",  "subresource", "name"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto value = field(*attributes, i + 1);
    if (value && !value->empty()) {
      put(review, "/spec/resourceAttributes/" + std::string(names[i]), *value);
    }
  }
  return review;
}

}  // namespace retrust::sandbox
