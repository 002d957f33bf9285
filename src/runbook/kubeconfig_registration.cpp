#include "runbook/kubeconfig_registration.h"

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
  if (failure && !failure_) failure_ = failure;
  if (--left_ == 0) {
    gate_.open(failure_ ? Gate::Secrets::unknown : Gate::Secrets::registered);
  }
  if (failure) std::rethrow_exception(failure);
}

void KubeconfigRegistration::check() const {
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace retrust
