#pragma once

#include <set>
#include <string>

#include "sandbox.h"

namespace retrust::e2e {

/// Every token that the clusters hold now, in the forms in which they could show.
std::set<std::string> secrets(Sandbox& sandbox);

/// Checks that none of them is in a text, without printing one where it is; `where` names the text.
void check_hidden(const std::set<std::string>& tokens, const std::string& where,
                  const std::string& content);

}  // namespace retrust::e2e
