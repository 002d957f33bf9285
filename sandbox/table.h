#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "resources.h"

namespace retrust::sandbox {

/// What people see: a list or a single object as the metav1.Table that a `kubectl get` without
/// `-o` asks for.
boost::json::object table(const Resource& resource, const boost::json::value& document);

}  // namespace retrust::sandbox
