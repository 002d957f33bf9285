#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

namespace retrust {

/// The text of a member, for what an event brings; empty where there is none, or it is no text.
std::string text_in(const boost::json::object& object, std::string_view key);

/// The texts of a member that is a list of them; none where it is not.
std::vector<std::string> texts_in(const boost::json::object& object, std::string_view key);

}  // namespace retrust
