#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "process/outcome.h"
#include "tools/kubectl.h"

namespace retrust {

/// Bytes of memory for a page of a list.
inline constexpr std::size_t most_in_page = std::size_t{8} << 20U;

/// A request to a session.
struct Kubectl::Request {
  enum class Form {
    single,   ///< told of by itself
    of_many,  ///< told of together with others, by whoever sends it
    lasting,  ///< a watch, which ends at its deadline
  };
  std::string path;
  std::string body = {};
  Form form = Form::single;
};

/// An answer of an API server.
struct Kubectl::Told {
  Outcome outcome;
  std::string how = {};  ///< of a request that is told of with others
  std::optional<KubectlError> refused = {};
  bool expired = false;
  std::optional<std::chrono::seconds> retry_after = {};
  int http_status = 0;
  bool unknown = false;  ///< nobody knows what it means: a process has to ask again
};

}  // namespace retrust
