#include "observe/kubeconfig_registration.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "base/json.h"
#include "observe/kubeconfig.h"
#include "tools/session.h"

namespace retrust {

boost::asio::awaitable<boost::json::value> register_kubeconfig(Kubectl kubectl,
                                                               Redactor& redactor) {
  const auto& session = kubectl.session();
  if (const auto* known = session ? session->kubeconfig() : nullptr) co_return *known;
  auto config = co_await kubectl.config();
  const auto& target = kubectl.target();
  if (!target.container.empty()) {
    keep_users(redactor, config, std::nullopt);
    co_return nullptr;
  }
  keep_users(redactor, config, std::filesystem::path(target.kubeconfig).parent_path());
  // A token in a file of its own changes by itself.
  const auto lasts = find_at(config, "/users/0/user/tokenFile") == nullptr;
  if (session && lasts) session->remember_kubeconfig(without_secrets(config));
  co_return config;
}

boost::asio::awaitable<void> KubeconfigRegistration::read(Kubectl kubectl,
                                                          boost::json::value& answer) {
  std::exception_ptr failure;
  try {
    answer = co_await register_kubeconfig(std::move(kubectl), redactor_);
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
