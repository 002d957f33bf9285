#include "observe/login.h"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/text.h"
#include "observe/kubeconfig_registration.h"
#include "process/tasks.h"
#include "tools/session.h"

namespace retrust {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;

awaitable<void> store(awaitable<json::value> question, json::value& answer) {
  answer = co_await std::move(question);
}

awaitable<void> log_in_to(const Kubectl& kubectl, const json::value& view, std::size_t follow,
                          Journal journal) {
  const auto login = login_of(view);
  if (login == Login::silent) co_return;
  const auto& target = kubectl.target();
  if (login == Login::always_asks) {
    throw Failure(ExitStatus::refused,
                  fmt::format("the login plugin of {} works on a terminal alone (interactiveMode: "
                              "Always), and kubectl gives it none while it reads an object from "
                              "standard input",
                              target.kubeconfig),
                  login_advice(view, kubectl));
  }
  journal.finding(
      fmt::format("{} names a login plugin that may ask here: retrust first logs in to "
                  "the {}",
                  target.kubeconfig, name_of(target.side)));
  auto base = url_path(text_at(view, "/clusters/0/cluster/server")).value_or("");
  while (base.ends_with('/')) base.pop_back();
  co_await kubectl.log_in(std::move(base), follow);
}

/// A container has a login of its own, and a rollback need not reach the downstream cluster.
bool is_ours(const Kubectl& kubectl) {
  return kubectl.target().container.empty() && !kubectl.target().kubeconfig.empty();
}

}  // namespace

// kubernetes/client-go kubernetes-1.35.0, tools/clientcmd/api/v1/defaults.go: a v1beta1 plugin
// without a mode may ask. A kubectl before 1.22 does not show the mode. The azure provider, which
// kubectl had before 1.26, prints a device code: kubernetes-1.20.0,
// plugin/pkg/client/auth/azure/azure.go.
Login login_of(const json::value& view) {
  const auto* user = find_at(view, "/users/0/user");
  if (user == nullptr) return Login::silent;
  if (text_at(*user, "/auth-provider/name") == "azure") return Login::may_ask;
  const auto* exec = find_at(*user, "/exec");
  if (exec == nullptr || !exec->is_object()) return Login::silent;
  const auto mode = text_at(*exec, "/interactiveMode");
  if (mode == "Never") return Login::silent;
  return mode == "Always" ? Login::always_asks : Login::may_ask;
}

Advice login_advice(const json::value& view, const Kubectl& kubectl) {
  switch (login_of(view)) {
    case Login::silent:
      return {};
    case Login::may_ask:
      return {"log in on a terminal first", kubectl.shown({"version"})};
    case Login::always_asks:
      // No command: `kubectl config set-credentials` makes the plugin's path a relative one, which
      // does not work (tested: 1.32).
      return fmt::format("set interactiveMode: IfAvailable at the plugin in {}",
                         kubectl.target().kubeconfig);
  }
  return {};
}

std::exception_ptr with_login_advice(std::exception_ptr end, const json::value& view,
                                     const Kubectl& kubectl) {
  const auto advice = login_advice(view, kubectl);
  if (!end || advice.empty()) return end;
  try {
    std::rethrow_exception(end);
  } catch (KubectlFailure& failure) {
    if (failure.kind == KubectlError::no_login) failure.advice = advice;
    if (failure.kind == KubectlError::hung) {
      failure.advice = {failure.advice.sentence + "; if the login plugin asks, " + advice.sentence,
                        advice.command};
    }
    return std::make_exception_ptr(failure);
  } catch (...) {
    return end;
  }
}

awaitable<void> log_in(const Clusters& clusters, Logins follow, Journal journal) {
  json::value downstream;
  json::value local;
  std::vector<awaitable<void>> questions;
  const auto ask = [&](const Kubectl& kubectl, json::value& view) {
    if (!is_ours(kubectl)) return;
    questions.push_back(store(register_kubeconfig(kubectl, clusters.redactor), view));
  };
  // Every secret is known before a login has output.
  ask(clusters.downstream, downstream);
  ask(clusters.local, local);
  co_await wait_all(std::move(questions));
  co_await log_in_to(clusters.downstream, downstream, follow.downstream, journal);
  co_await log_in_to(clusters.local, local, follow.local, journal);
}

awaitable<void> log_in(Kubectl kubectl, Redactor& redactor, std::size_t follow, Journal journal) {
  if (!is_ours(kubectl)) co_return;
  const auto view = co_await register_kubeconfig(kubectl, redactor);
  co_await log_in_to(kubectl, view, follow, journal);
}

}  // namespace retrust
