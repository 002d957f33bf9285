#include "app/application.h"

#include <csignal>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/complete.h"
#include "app/fleet.h"
#include "app/missing_choice.h"
#include "app/rehearse.h"
#include "app/selection.h"
#include "app/usage.h"
#include "app/version.h"
#include "base/folder.h"
#include "base/text.h"
#include "base/trust.h"
#include "cli/completion.h"
#include "credentials/certificate.h"
#include "report/failure_report.h"
#include "run/saved_plan.h"

namespace retrust {
namespace {

boost::asio::awaitable<ExitStatus> checked_command(Invocation& app) {
  if (app.options.command == CommandName::rehearse) {
    co_return co_await rehearse_command(app, checked_command);
  }
  check_usage(app.options);
  if (!app.options.plan_out.empty()) check_replaceable(app.options.plan_out);
  if (lacks_choice(app.options)) co_await refuse_without_backup(app);
  if (app.options.command == CommandName::rollback) {
    auto members = saved_members(app.options.rollback_folder, app.options.name_space, app.redactor);
    if (members) co_return co_await fleet_rollback(app, std::move(*members));
  } else if (app.options.command != CommandName::list) {
    auto selection = co_await select_clusters(app);
    if (selection.local) co_return co_await fleet_command(app, std::move(selection));
  }
  switch (app.options.command) {
    case CommandName::plan:
      co_return co_await plan_command(app);
    case CommandName::run:
      co_return co_await run_command(app);
    case CommandName::step:
      co_return co_await step_command(app);
    case CommandName::rollback:
      co_return co_await rollback_command(app);
    case CommandName::list:
      co_return co_await list_command(app);
    default:
      co_return co_await status_command(app);
  }
}

/// The form in which a failure is shown.
enum class Shown { for_people, as_json_too };

/// Help, version and completion: a text for standard output.
int print_result(std::string_view text) {
  Console output;
  output.write(Stream::out, text);
  return static_cast<int>(status_of_output(output, ExitStatus::done));
}

/// Whoever started us may have held back signals; of a child's end only SIGCHLD tells on old
/// kernels.
void let_signals_in() {
  sigset_t ours;
  ::sigemptyset(&ours);
  for (const auto signal : {SIGCHLD, SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&ours, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &ours, nullptr);
}

/// Whether the arguments and the environment ask for JSON, also if they are wrong.
bool wants_json(const std::vector<std::string>& args, const Environment& environment) {
  auto format = environment("RETRUST_OUTPUT").value_or("");
  for (std::size_t i = 0; i < args.size(); ++i) {
    const auto& arg = args[i];
    const auto apart = arg == "-o" || arg == "--output";
    if (apart && i + 1 < args.size()) format = args[i + 1];
    if (arg.starts_with("--output=")) format = arg.substr(arg.find('=') + 1);
    if (arg.starts_with("-o") && !apart) format = arg.substr(2);
  }
  return format == "json";
}

int print_failure(const Failure& failure, Shown shown) {
  if (shown == Shown::as_json_too) {
    const FailureTold told{static_cast<int>(failure.status), failure.detail, failure.advice,
                           std::string(info_of(failure.code).name)};
    Console output;
    print_json(output, failure_report(told, one_line(failure.what())));
  }
  auto text = fmt::format("retrust: {}\n", one_line(failure.what()));
  if (!failure.advice.empty()) text += fmt::format("  {}\n", one_line(failure.advice.text()));
  Console().write(Stream::err, text);
  return static_cast<int>(failure.status);
}

}  // namespace

int run_application(std::string_view path, const std::vector<std::string>& args,
                    const Environment& environment) {
  // A reader of our output that went away must not stop a change half-way.
  std::signal(SIGPIPE, SIG_IGN);
  // A file that may not grow is an error to tell, not an end without a word.
  std::signal(SIGXFSZ, SIG_IGN);
  hold_standard_descriptors();
  let_signals_in();
  forgo_openssl_configuration();
  if (std::filesystem::path(path).filename() == "kubectl_complete-retrust") {
    return print_result(complete(args, Insertion::verbatim, environment));
  }
  if (!args.empty() && args.front() == complete_command) {
    return print_result(complete({args.begin() + 1, args.end()}, Insertion::quoted, environment));
  }
  const auto shown = wants_json(args, environment) ? Shown::as_json_too : Shown::for_people;
  try {
    std::optional<SavedPlan> saved_plan;
    auto options = parse_options(args, environment, [&](const std::string& file) {
      return saved_plan.emplace(read_saved_plan(file)).words();
    });
    if (options.command == CommandName::help) {
      return print_result(help_text(program_name(path), options.explained));
    }
    if (options.command == CommandName::version) {
      return print_result(fmt::format("retrust {}{}\n", program_version, built_from()));
    }
    if (options.command == CommandName::completion) {
      return print_result(completion_script(options.shell));
    }
    Host host(environment);
    host.saved_plan = std::move(saved_plan);
    return Invocation(host, std::move(options), {program_name(path), args}, environment)
        .run(checked_command);
  } catch (const Failure& failure) {
    return print_failure(failure, shown);
  } catch (const std::exception& error) {
    return print_failure(unexpected(error), shown);
  }
}

}  // namespace retrust
