#include "runbook/kubeconfig_registration.h"

#include <exception>
#include <filesystem>

#include "runbook/kubeconfig.h"

namespace retrust {

boost::asio::awaitable<void> KubeconfigRegistration::read(Kubectl kubectl,
                                                          boost::json::value& answer) {
  std::exception_ptr failure;
  try {
    answer = co_await kubectl.config();
    const std::filesystem::path path(kubectl.target().kubeconfig);
    keep_users(redactor_, answer, path.parent_path());
  } catch (...) {
    failure = std::current_exception();
  }
  if (--left_ == 0) gate_.open();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace retrust
