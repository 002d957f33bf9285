#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/names.h"

namespace retrust {

/// The prefix and 5 random characters, as API servers complete a generateName. A name that is
/// known before the first attempt tells later whether an attempt without an answer took effect.
/// kubernetes/apiserver, pkg/storage/names/generate.go; kubernetes/apimachinery,
/// pkg/util/rand/rand.go: the alphabet.
ObjectName new_name(std::string_view prefix);

/// Another name with the same prefix.
ObjectName renewed_name(const ObjectName& name);

/// Whether an object that was read holds everything that was sent: the server adds fields, and
/// controllers add labels, annotations and data. Pure.
bool holds(const boost::json::value& read, const boost::json::value& sent);

}  // namespace retrust
