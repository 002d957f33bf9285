#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "process/outcome.h"
#include "tools/kubectl_errors.h"

namespace retrust {

/// The kind of a failed verification of a server's certificate, by Go's text that begins with
/// "x509: ". Pure.
KubectlError kind_of_x509(std::string_view text);

/// Names for `tls-server-name` that the server's certificate may have, best first, by the text of a
/// failure of kind wrong_name. The text quotes the certificate, which a stranger may have made: the
/// result holds DNS names and IP addresses alone. Pure.
std::vector<std::string> server_names(std::string_view text);

/// The failure for a certificate that the CA does not verify, that has another name or that is out
/// of date. Pure.
Failure explain_certificate(KubectlError kind, const Outcome& outcome, const Asked& asked);

}  // namespace retrust
