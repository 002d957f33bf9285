#pragma once

#include <set>
#include <string>

#include <boost/json/value.hpp>

#include "sandbox.h"

namespace retrust::hostile {

/// The objects that both servers hold, by the sandbox's dump.
boost::json::value dump_of(e2e::Sandbox& sandbox);

/// Every secret of both clusters and of their kubeconfigs, in the forms in which they could show.
std::set<std::string> secrets_in(const boost::json::value& dump, e2e::Sandbox& sandbox);

}  // namespace retrust::hostile
