#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "process/outcome.h"
#include "tools/kubectl.h"

namespace retrust {

/// Memory limit in bytes for a page of a list.
inline constexpr std::size_t most_in_page = std::size_t{8} << 20U;

/// A request to a session.
struct Kubectl::Request {
  enum class Form {
    single,   ///< has events of its own
    of_many,  ///< the sender emits events for several requests together
    lasting,  ///< a watch, which ends at its deadline
  };
  std::string path;
  std::string body = {};
  Form form = Form::single;
};

/// An answer of an API server.
struct Kubectl::Told {
  Outcome outcome;
  std::string how = {};  ///< the ending in words, for Form::of_many
  std::optional<KubectlError> refused = {};
  bool expired = false;
  std::optional<std::chrono::seconds> retry_after = {};
  int http_status = 0;
  bool unknown = false;  ///< the answer is unclear: a process must ask again
};

}  // namespace retrust
