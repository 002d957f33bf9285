#include "tools/api_status.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include <boost/json/value.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include "base/json.h"
#include "base/json_stream.h"
#include "tools/server_refusal.h"

namespace retrust {
namespace {

/// Whether a text is a word, as reasons such as NotFound are.
bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char character) {
    return std::isalpha(character) != 0;
  });
}

}  // namespace

std::optional<ApiRefusal> api_refusal(int http_status, std::string_view body) {
  boost::json::value status;
  try {
    status = parse_document(body);
  } catch (const boost::system::system_error&) {
    return std::nullopt;
  } catch (const std::length_error&) {
    return std::nullopt;
  }
  const auto reason = text_at(status, "/reason");
  if (text_at(status, "/kind") != "Status" || !is_word(reason)) return std::nullopt;
  if (http_status == 404 && text_at(status, "/details/name").empty()) return std::nullopt;
  ApiRefusal refusal;
  const auto message = text_at(status, "/message");
  // kubernetes/kubectl kubernetes-1.35.0, pkg/cmd/util/helpers.go: StandardErrorMessage.
  refusal.words = http_status == 401
                      ? fmt::format("error: You must be logged in to the server ({})", message)
                      : fmt::format("Error from server ({}): {}", reason, message);
  refusal.kind = kind_of_refusal(reason, message);
  refusal.expired = http_status == 410;
  return refusal;
}

}  // namespace retrust
