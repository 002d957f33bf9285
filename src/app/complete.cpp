#include "app/complete.h"

#include <chrono>
#include <csignal>
#include <exception>
#include <map>
#include <optional>
#include <sstream>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/program_options.hpp>

#include "base/failure.h"
#include "base/pod_account.h"
#include "base/trust.h"
#include "cli/completion.h"
#include "observe/commands.h"
#include "process/executable.h"
#include "process/process.h"
#include "tools/kubectl.h"

namespace retrust {
namespace {

using boost::asio::awaitable;
using Values = std::map<std::string, std::string>;

constexpr std::chrono::seconds patience{2};
/// Beyond that, for what was begun in a container to be ended there.
constexpr std::chrono::seconds limit{3};

/// The values of the line; a shell hands `~/` over as it was typed.
Values values_of_line(const std::vector<std::string>& words, const Environment& environment) {
  auto values = values_before_last(words);
  const auto home = environment("HOME").value_or("");
  for (auto& [name, value] : values) {
    if (value.starts_with("~/") && !home.empty()) value.replace(0, 1, home);
  }
  return values;
}

void add_environment(Values& values, const Environment& environment) {
  for (const auto& info : all_options()) {
    const auto variable = variable_of(info);
    if (variable.empty()) continue;
    const auto value = environment(variable).value_or("");
    if (!value.empty()) values.emplace(info.name, value);
  }
}

void add_file(Values& values, const Environment& environment) {
  namespace po = boost::program_options;
  auto path = values["config"];
  if (path.empty()) path = standard_config(environment);
  if (path.empty()) return;
  // Throws where it is no regular file (somebody may be typing the name of a pipe), or another
  // user's.
  constexpr std::size_t most_bytes = 1024UL * 1024;
  std::istringstream file(read_all(open_trusted(path), path, most_bytes));
  const po::options_description none;
  const auto parsed = po::parse_config_file(file, none, /*allow_unregistered=*/true);
  for (const auto& option : parsed.options) {
    if (!option.value.empty()) values.emplace(option.string_key, option.value.front());
  }
}

/// How the local cluster is reached, as by the program itself; nothing where it cannot be.
std::optional<KubectlTarget> local_cluster(const std::vector<std::string>& words,
                                           const Environment& environment) {
  auto values = values_of_line(words, environment);
  add_environment(values, environment);
  try {
    add_file(values, environment);
  } catch (const boost::program_options::error&) {
    // Wrong lines: what the others say is enough, or not.
  } catch (const Failure&) {
    // The same of a file that cannot be read or trusted.
  }
  // What run refuses is not done for a completion either.
  if (::geteuid() == 0 && relative_entry(search_path())) return std::nullopt;
  KubectlTarget target;
  target.side = Side::local;
  target.command_timeout = patience;
  target.kubeconfig = values["local-kubeconfig"];
  target.context = values["local-context"];
  if (!values["kubectl"].empty()) target.program = values["kubectl"];
  const auto& container = values["rancher-container"];
  if (target.kubeconfig.empty() && container.empty() && runs_in_pod(environment)) {
    target.kubeconfig = pod_kubeconfig;
  }
  if (is_of_pod(target.kubeconfig) && runs_in_pod(environment)) return target;
  if (!target.kubeconfig.empty()) {
    open_trusted(target.kubeconfig);
    return target;
  }
  if (!ContainerNameRule::allows(container)) return std::nullopt;
  target.container = container;
  if (!values["docker"].empty()) target.docker = values["docker"];
  return target;
}

awaitable<std::string> ask(Kubectl kubectl) {
  auto answer = co_await kubectl.ask(commands::cluster_names(), "");
  co_return answer;
}

/// What the local cluster says; empty where it says nothing in time.
std::string ask_clusters(KubectlTarget target) {
  boost::asio::io_context io{1};
  Runner runner(io.get_executor());
  Redactor redactor;
  Events nobody(redactor);
  boost::asio::signal_set signals(io, SIGINT, SIGTERM, SIGHUP);
  signals.async_wait([&](boost::system::error_code cancelled, int signal) {
    if (!cancelled) runner.interrupt(signal);
  });
  std::string answer;
  boost::asio::co_spawn(io, ask(Kubectl(runner, nobody, std::move(target))),
                        [&](const std::exception_ptr& error, std::string said) {
                          if (!error) answer = std::move(said);
                          signals.cancel();
                        });
  io.run_for(limit);
  return redactor.mask(answer);
}

}  // namespace

std::string complete(const std::vector<std::string>& words, Insertion insertion,
                     const Environment& environment) {
  auto completion = complete_words(words);
  try {
    if (completion.cluster) {
      if (auto target = local_cluster(words, environment)) {
        const auto answer = ask_clusters(std::move(*target));
        completion.candidates = clusters_that_begin(*completion.cluster, answer);
      }
    }
  } catch (...) {
    // Nothing is offered.
  }
  if (insertion == Insertion::verbatim) {
    std::erase_if(completion.candidates,
                  [](const Candidate& candidate) { return !is_plain(candidate.word); });
  }
  return completion_text(completion);
}

}  // namespace retrust
