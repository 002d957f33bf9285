// The login of Kubectl on a terminal.
#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/text.h"
#include "tools/kubectl.h"
#include "tools/kubectl_errors.h"

namespace retrust {
namespace {

using std::chrono::milliseconds;

/// Time limit of a login: a person opens a browser and types a code.
constexpr std::chrono::minutes login_limit{5};
/// A login that took less has asked nobody: a person reads the question, and types or pastes.
constexpr std::chrono::seconds fastest_answer{2};
/// The time that a plugin gets in addition to the login's if nobody can answer it.
constexpr std::chrono::seconds more_time{10};

}  // namespace

// client-go runs the plugin for each request without an Authorization header, so also for /version,
// which anybody may read. client-go keeps the credentials in its own process; only the plugin can
// keep them for the next. kubernetes/client-go kubernetes-1.35.0,
// plugin/pkg/client/auth/exec/exec.go: roundTripper.RoundTrip, getCreds. Before 1.22 the plugin
// gets the terminal's input only if kubectl's standard output is a terminal as well:
// newAuthenticator.
boost::asio::awaitable<void> Kubectl::log_in(std::string base, std::size_t follow) const {
  // Unlike `kubectl version`, this prints no warning about versions on the terminal.
  const auto version = Arguments{"get", "--raw"}.absolute_path(base + "/version");
  const auto about = asked(version);
  // The words of the plugin stay alone on the terminal.
  Call asks{.args = version, .terminal = Terminal::lent, .life = Life::lasting};
  const auto login = co_await start(std::move(asks), OutputReader(), login_limit);
  if (login.ending == Ending::timed_out) {
    throw Failure(
        FailureCode::unauthorized,
        fmt::format("kubectl did not end within {}: nobody logged in to the {}, or its API "
                    "server does not answer",
                    duration_text(login_limit), name_of(target_.side)),
        {"see which of both it is", shown(version)});
  }
  if (!login.succeeded() && is_away(explain(login, about).kind)) co_return;
  if (login.succeeded() && login.wall < fastest_answer) co_return;
  Call silent{.args = version};
  const auto limit = std::min<milliseconds>(target_.command_timeout, login.wall + more_time);
  const auto next = co_await start(std::move(silent), OutputReader(), limit);
  if (next.succeeded()) co_return;
  const auto failure = explain(next, about);
  if (failure.kind != KubectlError::no_login && failure.kind != KubectlError::hung) co_return;
  if (!login.succeeded() || failure.kind == KubectlError::hung) throw KubectlFailure(failure);
  throw Failure(
      ExitStatus::refused,
      fmt::format("the login plugin of {} does not keep the login: it would ask again for "
                  "each kubectl of this command, at least {}",
                  about.kubeconfig, counted(follow, "more time")),
      "retrust can let it ask only once: let the plugin keep its token (a cache), or give "
      "a kubeconfig with a token",
      failure.detail);
}

}  // namespace retrust
