#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "process/outcome.h"

namespace retrust {

/// One request over a unix socket: a POST if the request has a body, otherwise a GET.
struct HttpRequest {
  std::string target;     ///< path and query, encoded
  std::string body = {};  ///< JSON
};

/// The ending of a request, and the answer's facts.
struct HttpAnswer {
  enum class Ending {
    answered,       ///< the answer is complete; `status` is its HTTP status
    stopped,        ///< by retrust: the reader has enough
    too_much,       ///< by retrust: the reader is full, or the headers are too long
    timed_out,      ///< by retrust, at the deadline
    silent,         ///< by retrust: no byte, or no further one, came in time
    broken,         ///< the connection ended early, or the answer is no HTTP; `why` has the reason
    not_connected,  ///< nobody listens at the socket; `why` has the reason
  };
  Ending ending = Ending::answered;
  int status = 0;
  /// Time that the server asks for before the next request.
  std::optional<std::chrono::seconds> retry_after = {};
  /// The first 64 KiB of a refusal's body. Every status but 2xx is a refusal. The reader gets
  /// nothing of a refusal.
  std::string refusal = {};
  std::string why = {};
  std::chrono::milliseconds wall{0};

  bool succeeded() const { return ending == Ending::answered && status / 100 == 2; }
};

/// Pauses in an answer.
enum class Pauses {
  as_silence,  ///< no longer than the first silence
  any,         ///< a watch has nothing to tell for long
};

/// Time limits of an exchange.
struct HttpLimits {
  std::chrono::milliseconds whole;  ///< from the beginning to the end of the answer
  std::chrono::milliseconds
      silence;  ///< to the first byte of the answer, and between 2 pieces of it
  Pauses pauses = Pauses::as_silence;
};

/// Sends one request and reads the answer as a stream in bounded memory: headers have at most
/// 16 KiB, a chunk header has 64 KiB, and the reader bounds the body. Passes on exceptions of the
/// reader. Throws boost::system::system_error (operation_aborted) if cancelled. The connection
/// closes at the end, which also ends the request at the other side.
boost::asio::awaitable<HttpAnswer> http_ask(std::string socket, HttpRequest request,
                                            OutputReader reader, HttpLimits limits);

}  // namespace retrust
