#pragma once

#include <optional>
#include <string_view>

#include <boost/json/value.hpp>

namespace retrust::sandbox {

/// A SelfSubjectAccessReview that came as application/vnd.kubernetes.protobuf, which is how
/// `kubectl auth can-i` sends it from 1.32 on, as the JSON that it would be. Nothing for any other
/// text.
std::optional<boost::json::value> access_review_of_protobuf(std::string_view bytes);

}  // namespace retrust::sandbox
