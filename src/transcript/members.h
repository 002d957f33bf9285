#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace retrust {

/// The text of a member, for what an event brings; empty where there is none, or it is no text.
std::string text_in(const boost::json::object& object, std::string_view key);

}  // namespace retrust
