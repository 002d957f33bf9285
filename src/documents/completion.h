#pragma once

#include <string>
#include <string_view>

namespace retrust::documents {

/// The completion for "bash", "zsh" or "fish", from the tables of the program. Cluster IDs are
/// asked of the local cluster where a kubeconfig of it is given, by `retrust complete-clusters`.
std::string completion(std::string_view shell);

}  // namespace retrust::documents
