#include "base/failure.h"

#include <boost/system/system_error.hpp>
#include <fmt/format.h>

namespace retrust {

std::string reason_of(const std::exception& error) {
  const auto* failed = dynamic_cast<const boost::system::system_error*>(&error);
  return failed == nullptr ? error.what() : failed->code().message();
}

Failure unexpected(const std::exception& error) {
  return {ExitStatus::failed, fmt::format("unexpected: {}", reason_of(error)),
          "this is a defect of retrust: please report it"};
}

}  // namespace retrust
