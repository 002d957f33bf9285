#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include <boost/json/object.hpp>

namespace retrust::e2e {

/// Performs the first `most` items, each in one of as many processes as there are processors, in
/// their order, until it is time to end. What each brought, in no order.
std::vector<boost::json::value> side_by_side(
    std::size_t most, std::chrono::steady_clock::time_point end,
    const std::function<boost::json::object(std::size_t)>& perform);

}  // namespace retrust::e2e
