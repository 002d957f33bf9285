#include "base/failure.h"

#include <boost/system/system_error.hpp>
#include <fmt/format.h>

namespace retrust {

void after_change(Failure& failure) {
  if (!says_unchanged(failure.status)) return;
  failure.status = ExitStatus::failed;
  const auto general = failure.code == FailureCode::usage || failure.code == FailureCode::refused;
  if (general) failure.code = FailureCode::failed;
}

std::string reason_of(const std::exception& error) {
  const auto* failed = dynamic_cast<const boost::system::system_error*>(&error);
  return failed == nullptr ? error.what() : failed->code().message();
}

bool is_shortage(const std::error_code& error) {
  return error == std::errc::too_many_files_open ||
         error == std::errc::too_many_files_open_in_system ||
         error == std::errc::resource_unavailable_try_again ||
         error == std::errc::not_enough_memory || error == std::errc::no_space_on_device;
}

namespace {

Advice against(const std::error_code& error) {
  if (error == std::errc::too_many_files_open) {
    return {"allow retrust more open files, then run again", "ulimit -n 1024"};
  }
  if (error == std::errc::too_many_files_open_in_system) {
    return {
        "all programs together have too many files open: end some, then run again; see the "
        "number and the limit",
        "cat /proc/sys/fs/file-nr"};
  }
  if (error == std::errc::not_enough_memory) {
    return {"free memory, then run again; see what is used", "free -m; ulimit -v"};
  }
  if (error == std::errc::no_space_on_device) {
    return {"make room, then run again; see where there is none", "df -h; df -i"};
  }
  return {"end other processes, or allow more, then run again; see the limit, and how many run",
          "ulimit -u; ps -L -u \"$(id -u)\" | wc -l"};
}

}  // namespace

Failure shortage(std::string happened, const std::error_code& error) {
  return {FailureCode::no_resources, std::move(happened), against(error)};
}

Failure unexpected(const std::exception& error) {
  std::error_code code;
  if (const auto* of_std = dynamic_cast<const std::system_error*>(&error)) code = of_std->code();
  if (const auto* of_boost = dynamic_cast<const boost::system::system_error*>(&error)) {
    code = of_boost->code();
  }
  if (is_shortage(code)) return shortage(fmt::format("cannot go on: {}", code.message()), code);
  return {FailureCode::internal_error, fmt::format("unexpected: {}", reason_of(error)),
          "this is a defect of retrust: please report it"};
}

}  // namespace retrust
