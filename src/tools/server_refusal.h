#pragma once

#include <optional>
#include <string_view>

#include "process/outcome.h"
#include "tools/kubectl_errors.h"

namespace retrust {

/// The kind of a refusal by an API server, by the reason and the message of its Status. The message
/// may quote connections of the server itself, such as that to a webhook. Pure.
KubectlError kind_of_refusal(std::string_view reason, std::string_view message);

/// The kind of the refusal in a line that kubectl prints for a Status. Nothing if the line is
/// kubectl's own. Pure.
std::optional<KubectlError> kind_of_server_line(std::string_view line);

/// The failure for a webhook that cannot be called, or for a change that a policy, a quota or the
/// end of a namespace forbids. Pure.
Failure explain_refusal(KubectlError kind, const Outcome& outcome, const Asked& asked);

}  // namespace retrust
