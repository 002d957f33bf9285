#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tools/kubectl_errors.h"

namespace retrust {

/// A refusal by an API server.
struct ApiRefusal {
  KubectlError kind = KubectlError::other;
  std::string words;     ///< the message as kubectl prints it
  bool expired = false;  ///< the page or watch is too old: the list must begin again
};

/// The refusal in an answer, by its HTTP status and the Status object in its body (apimachinery,
/// pkg/apis/meta/v1/types.go). Returns nothing if the body is no Status: the answer need not be
/// from an API server. kubectl proxy answers in its own words if no server can be reached, and a
/// kubectl process then tells more. Returns nothing for a path unknown to the server either:
/// kubectl checks whether the kind of object exists. Pure.
std::optional<ApiRefusal> api_refusal(int http_status, std::string_view body);

}  // namespace retrust
