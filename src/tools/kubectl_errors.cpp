#include "tools/kubectl_errors.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

#include <fmt/format.h>

#include "base/display_text.h"
#include "base/lines.h"
#include "base/near.h"
#include "base/text.h"
#include "tools/certificate_errors.h"
#include "tools/docker_errors.h"
#include "tools/endings.h"
#include "tools/server_refusal.h"

namespace retrust {
namespace {

struct Pattern {
  std::string_view text;
  KubectlError kind;
};

/// The message about a kubeconfig without a current context. kubernetes/client-go,
/// tools/clientcmd/api/helpers.go: MinifyConfig.
constexpr std::string_view no_current_context = "must exist in order to minify";

/// Messages of kubectl itself. The match that begins first in a line counts: what follows may quote
/// a server, a certificate or a file.
constexpr std::array patterns{
    // kubectl uses this address without a context: never the intended cluster.
    Pattern{"//localhost:8080", KubectlError::bad_kubeconfig},
    Pattern{"server localhost:8080 was refused", KubectlError::bad_kubeconfig},
    // client-go begins a plugin's failure so: plugin/pkg/client/auth/exec/exec.go.
    Pattern{"getting credentials: ", KubectlError::no_login},
    // golang/go go1.24, src/net/http/transport.go: dialConn; socks_bundle.go: Dialer.
    Pattern{"proxyconnect tcp: ", KubectlError::proxy_failed},
    Pattern{"socks connect tcp ", KubectlError::proxy_failed},
    // A proxy's status, which is all that Go tells of a refused CONNECT.
    Pattern{"Unable to connect to the server: Proxy Authentication Required",
            KubectlError::proxy_failed},
    Pattern{"Unable to connect to the server: Forbidden", KubectlError::proxy_failed},
    Pattern{"Unable to connect to the server: Bad Gateway", KubectlError::proxy_failed},
    Pattern{"Unable to connect to the server: Service Unavailable", KubectlError::proxy_failed},
    Pattern{"Unable to connect to the server: Gateway Timeout", KubectlError::proxy_failed},
    Pattern{"x509:", KubectlError::untrusted},
    Pattern{"tls: failed to verify certificate", KubectlError::untrusted},
    // A server rejects the client's certificate: golang/go go1.24, src/crypto/tls/alert.go.
    Pattern{"remote error: tls: bad certificate", KubectlError::unauthorized},
    Pattern{"remote error: tls: expired certificate", KubectlError::unauthorized},
    Pattern{"remote error: tls: unknown certificate", KubectlError::unauthorized},
    Pattern{"remote error: tls: certificate required", KubectlError::unauthorized},
    Pattern{"provide credentials", KubectlError::unauthorized},
    Pattern{"the server doesn't have a resource type", KubectlError::no_such_type},
    Pattern{"no matches for kind", KubectlError::no_such_type},
    Pattern{"error loading config file", KubectlError::bad_kubeconfig},
    Pattern{"invalid configuration:", KubectlError::bad_kubeconfig},
    Pattern{"couldn't get version/kind", KubectlError::bad_kubeconfig},
    // kubernetes/kubectl kubernetes-1.20.0 and 1.36.1, pkg/cmd/util/helpers.go: checkErr;
    // kubernetes/client-go of the same, tools/clientcmd/validation.go and rest/url_utils.go.
    Pattern{"Error in configuration: context was not found", KubectlError::no_context},
    Pattern{"Error in configuration", KubectlError::bad_kubeconfig},
    Pattern{"invalid 'proxy-url'", KubectlError::bad_kubeconfig},
    Pattern{"host must be a URL or a host:port pair", KubectlError::bad_kubeconfig},
    // A client certificate in the kubeconfig that is no PEM: golang/go go1.24,
    // src/crypto/tls/tls.go.
    Pattern{"tls: failed to find any PEM data", KubectlError::bad_kubeconfig},
    Pattern{no_current_context, KubectlError::no_context},
    Pattern{"cannot locate context", KubectlError::no_context},
    Pattern{"context \"", KubectlError::no_context},
    Pattern{"connection refused", KubectlError::unreachable},
    Pattern{"connection reset", KubectlError::unreachable},
    Pattern{"no route to host", KubectlError::unreachable},
    Pattern{"no such host", KubectlError::unreachable},
    Pattern{"network is unreachable", KubectlError::unreachable},
    Pattern{"unexpected EOF", KubectlError::unreachable},
    Pattern{": EOF", KubectlError::unreachable},
    Pattern{"client connection lost", KubectlError::unreachable},
    Pattern{"GOAWAY", KubectlError::unreachable},
    Pattern{"was refused - did you specify the right host", KubectlError::unreachable},
    Pattern{"i/o timeout", KubectlError::timed_out},
    Pattern{"TLS handshake timeout", KubectlError::timed_out},
    Pattern{"deadline exceeded", KubectlError::timed_out},
    Pattern{"Client.Timeout", KubectlError::timed_out},
};

constexpr std::string_view option_of(Side side) {
  return side == Side::downstream ? "--kubeconfig" : "--local-kubeconfig";
}

constexpr std::string_view context_option_of(Side side) {
  return side == Side::downstream ? "--context" : "--local-context";
}

/// Whether kubectl prints a message of a server. Such a message may hold anything, also lines of
/// kubectl and of docker.
bool is_of_server(const Outcome& outcome) {
  auto found = false;
  for_each_line(outcome.err, [&](std::string_view line) {
    found = found || kind_of_server_line(line).has_value();
  });
  return found;
}

/// The kind of a line that kubectl itself prints; nothing if it is of no kind.
std::optional<KubectlError> kind_of_line(std::string_view line) {
  auto first = std::string_view::npos;
  std::optional<KubectlError> kind;
  for (const auto& pattern : patterns) {
    const auto at = line.find(pattern.text);
    if (at >= first) continue;
    first = at;
    kind = pattern.kind;
  }
  return kind == KubectlError::untrusted ? kind_of_x509(line.substr(first)) : kind;
}

Failure ended_badly(const Outcome& outcome, const Asked& asked) {
  const auto seconds = duration_text(outcome.wall);
  switch (outcome.ending) {
    case Ending::not_found:
      return {FailureCode::no_program, fmt::format("cannot find {}", asked.program),
              "install kubectl (Debian: apt install kubernetes-client), or name it with --kubectl"};
    case Ending::not_executable:
      return {FailureCode::no_program, fmt::format("cannot run {}", asked.program),
              "name a kubectl that can be run with --kubectl", own_words(outcome)};
    case Ending::timed_out:
      return {FailureCode::unreachable,
              fmt::format("no answer from the {} within {}: {} was ended", name_of(asked.side),
                          seconds, asked.command),
              {"check the network to the API server, or allow more time with --command-timeout",
               asked.reaching + " get --raw /readyz"},
              own_words(outcome)};
    case Ending::signalled:
      return {
          ExitStatus::failed,
          fmt::format("{} was killed by signal {} after {}", asked.command, outcome.code, seconds),
          "find out who killed it (out of memory?), then run again", own_words(outcome)};
    case Ending::output_limit:
      return bad_answer(asked, "printed more than can be taken in, and was ended");
    default:
      break;
  }
  return {ExitStatus::failed,
          fmt::format("{} ended with exit status {}", asked.command, outcome.code),
          {"see whether kubectl works by itself", asked.reaching + " version"},
          own_words(outcome)};
}

/// The failure if the container caused it, rather than the cluster of its kubectl.
std::optional<KubectlFailure> explain_container(const Outcome& outcome, const Asked& asked) {
  const auto because = [&](KubectlError kind, std::string happened) {
    return KubectlFailure(
        kind, Failure(ExitStatus::refused, std::move(happened),
                      "is this really Rancher's container? Otherwise give the kubeconfig of "
                      "Rancher's own cluster with --local-kubeconfig",
                      own_words(outcome)));
  };
  if (const auto docker = is_of_server(outcome) ? std::nullopt : docker_itself(outcome)) {
    if (*docker == DockerError::no_program) {
      return because(KubectlError::not_started,
                     fmt::format("there is no kubectl in the container {}", asked.container));
    }
    const auto kind = *docker == DockerError::not_running   ? KubectlError::unreachable
                      : *docker == DockerError::not_started ? KubectlError::not_started
                                                            : KubectlError::other;
    const auto failure = explain_docker(outcome, asked.named, asked.command);
    if (*docker != DockerError::not_running) return KubectlFailure(kind, failure);
    return KubectlFailure(
        kind, Failure(FailureCode::unreachable, failure.what(), failure.advice, failure.detail));
  }
  constexpr int killed = 128 + 9;
  if (outcome.ending == Ending::exited && outcome.code == killed) {
    return KubectlFailure(
        KubectlError::unreachable,
        Failure(FailureCode::unreachable,
                fmt::format("{} was ended with the container {}", asked.command, asked.container),
                {"see whether it runs", shell_line({asked.named}) + " ps -a"}, own_words(outcome)));
  }
  const auto kind = classify(outcome);
  if (kind == KubectlError::bad_kubeconfig || kind == KubectlError::no_context) {
    return because(kind, fmt::format("kubectl in the container {} has no cluster to speak to",
                                     asked.container));
  }
  return std::nullopt;
}

/// Whether the server refused the client's certificate in the TLS handshake, as after a renewal of
/// the CA that issued the certificate. This is no answer with status 401.
bool is_of_tls(const Outcome& outcome) {
  return !is_of_server(outcome) && outcome.err.find("remote error: tls: ") != std::string::npos;
}

/// A command that shows whether and which server answers.
std::string look_at(const Asked& asked) {
  return asked.reaching + " cluster-info";
}

}  // namespace

Failure bad_answer(const Asked& asked, std::string_view what) {
  if (asked.kubeconfig.empty()) {  // docker
    return {FailureCode::bad_answer, fmt::format("{} {}", asked.command, what),
            fmt::format("check that {} is {} itself, and no wrapper that prints more",
                        asked.program, asked.command.substr(0, asked.command.find(' ')))};
  }
  return {FailureCode::bad_answer,
          fmt::format("asking the {}, {} {}", name_of(asked.side), asked.command, what),
          {"this may be an attack, and retrust uses nothing of that answer. Find out whether the "
           "program or the cluster sends it",
           look_at(asked)}};
}

std::string_view name_of(Side side) {
  return side == Side::downstream ? "downstream cluster" : "local cluster";
}

KubectlError classify(const Outcome& outcome) {
  switch (outcome.ending) {
    case Ending::not_found:
    case Ending::not_executable:
      return KubectlError::not_started;
    case Ending::timed_out:
      return KubectlError::hung;
    case Ending::signalled:
      return KubectlError::killed;
    case Ending::exited:
      break;
    default:
      return KubectlError::other;
  }
  std::optional<KubectlError> kind;
  auto of_server = false;
  for_each_line(outcome.err, [&](std::string_view line) {
    // The lines after a server's are the server's too.
    if (kind || of_server || line.starts_with("Warning: ")) return;
    kind = kind_of_server_line(line);
    of_server = kind.has_value();
    if (!kind) kind = kind_of_line(line);
  });
  return kind.value_or(KubectlError::other);
}

bool is_expired(const KubectlFailure& failure) {
  return failure.detail.find("(Expired)") != std::string::npos ||
         failure.detail.find("continue parameter is too old") != std::string::npos;
}

bool is_away(KubectlError kind) {
  return kind == KubectlError::unreachable || kind == KubectlError::proxy_failed ||
         kind == KubectlError::timed_out || kind == KubectlError::hung;
}

bool is_transient(KubectlError kind) {
  return is_away(kind) || kind == KubectlError::busy || kind == KubectlError::server_error ||
         kind == KubectlError::killed;
}

namespace {

/// Whether such a failure is one of an action on a cluster, rather than of a kubeconfig, a
/// certificate or a program.
bool is_of_action(KubectlError kind) {
  switch (kind) {
    case KubectlError::denied:
    case KubectlError::webhook_failed:
    case KubectlError::not_found:
    case KubectlError::already_exists:
    case KubectlError::conflict:
    case KubectlError::unreachable:
    case KubectlError::busy:
    case KubectlError::server_error:
    case KubectlError::proxy_failed:
    case KubectlError::timed_out:
    case KubectlError::hung:
    case KubectlError::killed:
    case KubectlError::forbidden:
    case KubectlError::other:
      return true;
    default:
      return false;
  }
}

KubectlFailure explain_kind(const Outcome& outcome, const Asked& asked,
                            std::optional<KubectlError> known) {
  if (!asked.container.empty()) {
    if (auto failure = explain_container(outcome, asked)) return std::move(*failure);
  }
  const auto kind = known.value_or(classify(outcome));
  const auto where = fmt::format("the {} ({})", name_of(asked.side), asked.kubeconfig);
  const auto option = option_of(asked.side);
  const auto because = [&](FailureCode code, std::string happened, Advice advice) {
    return KubectlFailure(
        kind, Failure(code, std::move(happened), std::move(advice), own_words(outcome)));
  };
  if ((kind == KubectlError::bad_kubeconfig || kind == KubectlError::no_context) &&
      asked.kubeconfig == kubeconfig_in_memory) {
    return because(FailureCode::failed,
                   fmt::format("{} got no temporary kubeconfig on its standard input", asked.named),
                   {"is this kubectl a script that does not pass on its standard input? Name the "
                    "program itself with --kubectl; look for it",
                    "type -a kubectl"});
  }
  switch (kind) {
    case KubectlError::untrusted:
    case KubectlError::wrong_name:
    case KubectlError::expired:
    case KubectlError::not_yet_valid:
    case KubectlError::bad_certificate:
      return {kind, explain_certificate(kind, outcome, asked)};
    case KubectlError::denied:
    case KubectlError::webhook_failed:
      return {kind, explain_refusal(kind, outcome, asked)};
    case KubectlError::proxy_failed:
      return because(
          FailureCode::unreachable,
          fmt::format("a proxy on the way to the API server of {} does not connect", where),
          {"check the proxy that the kubeconfig (proxy-url) or this shell (HTTPS_PROXY) "
           "names; then see whether the server answers",
           asked.reaching + " get --raw /readyz"});
    case KubectlError::unauthorized:
      return because(is_of_tls(outcome) ? FailureCode::stale_kubeconfig : FailureCode::unauthorized,
                     fmt::format("{} does not accept the credentials of this kubeconfig", where),
                     asked.side == Side::downstream
                         ? "if it was made before the renewal, fetch a fresh one from a control "
                           "plane node"
                         : "its token may have expired: fetch a fresh one");
    case KubectlError::forbidden:
      // A sentence without the server's words would not say which permission.
      return {kind, Failure(FailureCode::forbidden,
                            fmt::format("the user of {} lacks a permission: {}", asked.kubeconfig,
                                        DisplayText(own_words(outcome))),
                            {fmt::format("use an administrator's kubeconfig with {}; this one may "
                                         "do what this lists",
                                         option),
                             asked.reaching + " auth can-i --list"})};
    case KubectlError::no_such_type:
      return because(asked.side == Side::local ? FailureCode::wrong_cluster : FailureCode::refused,
                     fmt::format("{} does not know a resource type that was asked for", where),
                     asked.side == Side::local ? Advice("is this really the cluster that Rancher "
                                                        "itself runs in? (not a downstream one)")
                                               : Advice("see whether its API server is complete",
                                                        asked.reaching + " api-resources"));
    case KubectlError::conflict:
      return because(FailureCode::changed_meanwhile,
                     fmt::format("somebody else changed the object before {} could", asked.command),
                     "run again: retrust reads from the clusters what is left to do");
    case KubectlError::not_found:
      return because(FailureCode::failed, fmt::format("{} does not have what was asked for", where),
                     "run again: retrust reads from the clusters what is left to do");
    case KubectlError::already_exists:
      return because(FailureCode::failed, fmt::format("{} has another object of that name", where),
                     "run again: retrust chooses another name");
    case KubectlError::busy:
      return because(FailureCode::server_error,
                     fmt::format("the API server of {} has too many requests", where),
                     {"find out who sends them, then run again; see whether the server is healthy",
                      asked.reaching + " get --raw /readyz"});
    case KubectlError::server_error:
      return because(FailureCode::server_error,
                     fmt::format("the API server of {} reports an error of its own", where),
                     {"see whether the server is healthy", asked.reaching + " get --raw /readyz"});
    case KubectlError::unreachable:
      return because(FailureCode::unreachable,
                     fmt::format("the API server of {} cannot be reached", where),
                     {"check the address in the kubeconfig, and that the server is up",
                      asked.reaching + " get --raw /readyz"});
    case KubectlError::no_context:
      return because(
          FailureCode::bad_kubeconfig,
          fmt::format("the kubeconfig {} {}", asked.kubeconfig,
                      outcome.err.find(no_current_context) == std::string::npos
                          ? "has no such context"
                          : "names no current context"),
          {"list its contexts", shell_line({asked.named, "--kubeconfig=" + asked.kubeconfig,
                                            "config", "get-contexts"})});
    case KubectlError::bad_kubeconfig:
      return because(FailureCode::bad_kubeconfig,
                     fmt::format("kubectl cannot read the kubeconfig {}", asked.kubeconfig),
                     fmt::format("give a complete one with {}", option));
    case KubectlError::timed_out:
      return because(
          FailureCode::unreachable, fmt::format("{} did not answer in time", where),
          {"check the network to the API server", asked.reaching + " get --raw /readyz"});
    case KubectlError::no_login:
      return because(
          FailureCode::unauthorized,
          fmt::format("the login plugin of {} gave no credentials", asked.kubeconfig),
          {"log in again, and see whether the login works", asked.reaching + " version"});
    case KubectlError::hung:
    case KubectlError::killed:
    case KubectlError::not_started:
    case KubectlError::other:
      break;
  }
  return {kind, ended_badly(outcome, asked)};
}

}  // namespace

KubectlFailure explain(const Outcome& outcome, const Asked& asked,
                       std::optional<KubectlError> known) {
  auto failure = explain_kind(outcome, asked, known);
  if (asked.action.empty() || !is_of_action(failure.kind)) return failure;
  auto text = fmt::format("{} failed: {}", asked.action, failure.what());
  return {failure, Failure(failure.code, std::move(text), failure.advice, failure.detail)};
}

KubectlFailure with_contexts(const KubectlFailure& failure, const Asked& asked,
                             const std::vector<std::string>& all, std::string_view wanted) {
  constexpr std::size_t most = 8;
  constexpr std::size_t most_bytes = 64;
  auto contexts = wanted.empty() ? std::vector<std::string>{} : near_ones(wanted, all);
  const auto near = contexts;
  std::copy_if(all.begin(), all.end(), std::back_inserter(contexts), [&](const auto& name) {
    return std::find(near.begin(), near.end(), name) == near.end();
  });
  if (contexts.empty()) {
    return {
        failure.kind,
        Failure(failure.code, fmt::format("the kubeconfig {} has no context", asked.kubeconfig),
                fmt::format("give a complete one with {}", option_of(asked.side)), failure.detail)};
  }
  std::vector<std::string> shown;
  std::string example;
  for (const auto& name : contexts) {
    if (name.find_first_not_of(' ') == std::string::npos) continue;
    if (shown.size() == most) {
      shown.push_back(fmt::format("{} more", contexts.size() - most));
      break;
    }
    shown.push_back(DisplayText(name, most_bytes));
    const auto fits_a_shell =
        shown.back() == name && shell_line({name}) == name && !name.starts_with('-');
    if (example.empty() && fits_a_shell) example = name;
  }
  const auto option = context_option_of(asked.side);
  auto advice = failure.advice;
  if (example.empty()) {
    advice.sentence = fmt::format("choose one with {}; {}", option, advice.sentence);
  } else {
    advice = Advice::retrust(fmt::format("choose one with {}, for example", option), "status",
                             fmt::format("{}={}", option, example));
  }
  return {
      failure.kind,
      Failure(failure.code, fmt::format("{}; its contexts: {}", failure.what(), enumerated(shown)),
              std::move(advice), failure.detail)};
}

}  // namespace retrust
