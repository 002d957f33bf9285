#include "report/failure_report.h"

#include <utility>

namespace retrust {

boost::json::object failure_report(const FailureTold& failure, std::string_view message) {
  boost::json::object error{{"code", failure.code},
                            {"status", failure.status},
                            {"message", message},
                            {"detail", failure.detail},
                            {"next", failure.advice.text()}};
  return {{"version", 1}, {"error", std::move(error)}};
}

}  // namespace retrust
