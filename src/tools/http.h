#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "process/outcome.h"

namespace retrust {

/// One request over a unix socket: GET, or POST where there is a body.
struct HttpRequest {
  std::string target;     ///< path and query, as they stand in the request
  std::string body = {};  ///< JSON
};

/// How a request ended.
struct HttpAnswer {
  enum class Ending {
    answered,       ///< the answer is whole; `status` is its HTTP status
    stopped,        ///< by us, because the reader had what it wanted
    too_much,       ///< by us, because the reader could not hold more, or its headers were too long
    timed_out,      ///< by us, at the deadline
    silent,         ///< by us, because no byte of an answer came in time
    broken,         ///< the connection ended early, or what came is no HTTP; `why` has the reason
    not_connected,  ///< nobody listens at the socket; `why` has the reason
  };
  Ending ending = Ending::answered;
  int status = 0;
  /// What the server wants us to wait before the next request.
  std::optional<std::chrono::seconds> retry_after = {};
  /// The body of a refusal (every status but 2xx): at most its first 64 KiB. The reader gets none
  /// of a refusal.
  std::string refusal = {};
  std::string why = {};
  std::chrono::milliseconds wall{0};

  bool succeeded() const { return ending == Ending::answered && status / 100 == 2; }
};

/// Time that an exchange may take.
struct HttpLimits {
  std::chrono::milliseconds whole;    ///< from its beginning to the end of the answer
  std::chrono::milliseconds silence;  ///< from its beginning to the first byte of the answer
};

/// Sends one request and reads its answer as it comes, in a bounded amount of memory: headers and
/// chunk headers of at most 16 KiB; the reader bounds the body. What the reader throws comes out.
/// Throws boost::system::system_error (operation_aborted) where it is cancelled. The connection is
/// closed at the end, which ends the request at the other side, too.
boost::asio::awaitable<HttpAnswer> http_ask(std::string socket, HttpRequest request,
                                            OutputReader reader, HttpLimits limits);

}  // namespace retrust
