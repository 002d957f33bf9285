#pragma once

#include <cstddef>
#include <string>

#include "sandbox.h"

namespace retrust::e2e {

/// What a kubectl does instead of its work, or after it.
struct Trouble {
  std::string words;  ///< of a shell
  enum class Effect { none, taken } effect = Effect::none;
};

/// The words of a shell that prints a message on standard error, and fails.
inline std::string refused(const std::string& message) {
  return "echo '" + message + "' >&2; exit 1";
}

namespace troubles {

inline const std::string too_many = refused(
    "Error from server (TooManyRequests): the server has received too many requests and has asked "
    "us to try again later");
inline const std::string internal = refused(
    "Error from server (InternalError): an error on the server (\"unknown\") has prevented the "
    "request from succeeding");
inline const std::string unavailable = refused(
    "Error from server (ServiceUnavailable): the server is currently unable to handle the request");
inline const std::string too_late = refused(
    "Error from server (Timeout): the server was unable to return a response in the time "
    "allotted, but may still be processing the request");
inline const std::string reset = refused(
    "Unable to connect to the server: read tcp 10.0.0.1:1->10.0.0.2:6443: read: connection reset "
    "by peer");
inline const std::string killed = "kill -KILL $$";
inline const std::string hangs = "exec sleep 1000";
inline const std::string silent = "exit 0";

}  // namespace troubles

/// A kubectl that is in trouble the first `times` times that its command fits a pattern of the
/// shell.
std::string troubled_kubectl(const Sandbox& sandbox, const std::string& commands,
                             const Trouble& trouble, int times = 2);

/// How often the command of that kubectl came.
std::size_t attempts(const Sandbox& sandbox);

}  // namespace retrust::e2e
