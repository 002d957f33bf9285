#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tools/kubectl_errors.h"

namespace retrust {

/// What an API server refuses a request with.
struct ApiRefusal {
  KubectlError kind = KubectlError::other;
  std::string words;     ///< as kubectl prints it
  bool expired = false;  ///< of a page, or a watch: the list has to be begun again
};

/// By the HTTP status, and the Status object in the body (apimachinery, pkg/apis/meta/v1/types.go).
/// Nothing where the body is none: the answer need not be from an API server, and kubectl proxy
/// answers with its own words where it cannot reach one; kubectl itself tells more then. Nothing
/// for a path that the server does not know either, as kubectl looks whether it knows the kind of
/// object. Pure.
std::optional<ApiRefusal> api_refusal(int http_status, std::string_view body);

}  // namespace retrust
