#include "tools/docker.h"

#include <string_view>

#include <fmt/format.h>

#include "base/lines.h"
#include "base/text.h"
#include "base/words.h"
#include "process/executable.h"
#include "tools/json_answer.h"

namespace retrust {
namespace {

using boost::asio::awaitable;

/// Memory limit in bytes for `docker inspect` of one container.
constexpr std::size_t most_inspected = std::size_t{8} << 20U;

/// A script that prints the size of "$1" in bytes every second, from its creation to its removal.
constexpr const char* size_script =
    "n=0; until [ -e \"$1\" ] || [ $((n += 1)) -gt 60 ]; do sleep 1; done; "
    "while stat -c %s \"$1\" 2>/dev/null; do sleep 1; done";

/// A script that ends each process with "$1" among its arguments, except its own shell, and removes
/// the file.
constexpr const char* remove_script =
    "for p in /proc/[0-9]*; do [ \"${p#/proc/}\" = $$ ] && continue; "
    "case \"$(tr '\\0' ' ' <\"$p/cmdline\" 2>/dev/null)\" in "
    "*\"$1\"*) kill \"${p#/proc/}\" 2>/dev/null;; esac; done; rm -f -- \"$1\"";

/// A script that removes the archives of earlier runs, whose names begin with "$1", and prints the
/// name of each. Beside an archive on which a tar still works, the script prints `used` first.
constexpr const char* left_script =
    "for f in \"$1\"*-20[0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z.tar.gz; do "
    "[ -f \"$f\" ] || continue; used=; for p in /proc/[0-9]*; do "
    "case \"$(tr '\\0' ' ' <\"$p/cmdline\" 2>/dev/null)\" in \"tar \"*\"$f\"*) used=1;; esac; "
    "done; "
    "if [ \"$used\" ]; then echo \"used $f\"; else rm -f -- \"$f\" && echo \"$f\"; fi; done; :";

/// A script that ends each process with "$1" in its environment, at last by SIGKILL. Not every
/// sleep takes a part of a second.
constexpr const char* end_script =
    "for s in TERM KILL; do n=; for p in /proc/[0-9]*; do "
    "case \" $(tr '\\0' ' ' <\"$p/environ\" 2>/dev/null) \" in "
    "*\" $1 \"*) kill -$s \"${p#/proc/}\" 2>/dev/null && n=1;; esac; done; "
    "[ $s$n = TERM1 ] || break; sleep 0.3 2>/dev/null || sleep 1; done; :";

/// The arguments of `sh -c SCRIPT` in a container. The next argument becomes "$1".
Arguments script_args(const ContainerName& container, Word script) {
  return Arguments{"exec"}.container(container).words({"sh", "-c"}).words({script}).words({"sh"});
}

}  // namespace

std::string Docker::shown() const {
  return shell_line({target_.named});
}

Docker Docker::in_section(std::string section) const {
  auto copy = *this;
  copy.section_ = std::move(section);
  return copy;
}

Arguments Docker::restart_args(const ContainerName& container) {
  return Arguments{"restart"}.container(container);
}

Arguments Docker::archive_args(const ContainerName& container, std::string_view file,
                               std::string_view folder) {
  return Arguments{"exec"}
      .container(container)
      .words({"tar", "zcvf"})
      .absolute_path(file)
      .absolute_path(folder);
}

Arguments Docker::copy_args(const ContainerName& container, std::string_view file,
                            std::string_view folder) {
  return Arguments{"cp"}.container_path(container, file).path(folder);
}

awaitable<Outcome> Docker::start(Call call, OutputReader reader) const {
  Announcement announcement;
  announcement.section = section_;
  announcement.line = call.shown.empty() ? shell_line({target_.named}, call.args) : call.shown;
  announcement.name = "docker " + call.args.list().front();
  announcement.about.program = absolute_program(target_.program);
  announcement.output = call.output;
  announcement.weight = call.weight;
  Command command;
  command.program = target_.program;
  command.args = call.args.list();
  command.deadline = call.deadline;
  command.output_limit = call.output_limit;
  command.largest_file = call.largest_file;
  command.watch = std::move(call.watch);
  const auto acts = call.weight == Weight::documented || call.purpose == Purpose::cleanup;
  command.excess = acts ? Excess::is_dropped : Excess::ends_child;
  command.on_parent_death = acts ? OnParentDeath::goes_on : OnParentDeath::ends_child;
  command.purpose = call.purpose;
  return run_announced(*runner_, *events_, std::move(announcement), std::move(command),
                       std::move(reader));
}

awaitable<DisplayText> Docker::version() const {
  Call call{.args = {"--version"}, .deadline = target_.command_timeout};
  const auto outcome = co_await start(std::move(call));
  co_return outcome.succeeded() ? first_line(outcome.out) : std::string_view();
}

awaitable<boost::json::value> Docker::inspect(ContainerName container) const {
  Call call{.args = Arguments{"inspect", "--type", "container"}.container(container),
            .output = Output::secret,
            .deadline = target_.command_timeout};
  JsonAnswer answer({}, most_inspected);
  const auto outcome = co_await start(std::move(call), answer.reader());
  if (!outcome.succeeded()) throw explain_docker(outcome, target_.named, "docker inspect");
  Asked asked;
  asked.program = target_.program;
  asked.command = "docker inspect";
  co_return answer.document(asked);
}

awaitable<Outcome> Docker::look(ContainerName container, Arguments args) const {
  auto words = Arguments{"exec"}.container(container).append(args);
  Call call{.args = std::move(words), .deadline = target_.command_timeout};
  auto outcome = co_await start(std::move(call));
  if (!outcome.succeeded() && is_dockers_own(outcome)) {
    throw explain_docker(outcome, target_.named, "docker exec " + args.list().front());
  }
  co_return outcome;
}

awaitable<Outcome> Docker::archive(ContainerName container, std::string file,
                                   std::string folder) const {
  Call call{.args = archive_args(container, file, folder), .weight = Weight::documented};
  // tar prints a line for each file; nobody needs them all.
  auto outcome = co_await start(std::move(call), [](std::string_view) { return Flow::go_on; });
  const auto changed_meanwhile =
      outcome.ending == Ending::exited && outcome.code == 1 && !is_dockers_own(outcome);
  if (!outcome.succeeded() && !changed_meanwhile) {
    throw explain_docker(outcome, target_.named, "docker exec tar");
  }
  co_return outcome;
}

awaitable<void> Docker::follow_size(ContainerName container, std::string file,
                                    std::function<void(std::uint64_t)> on_size) const {
  Call call{.args = script_args(container, size_script).absolute_path(file),
            .shown = fmt::format("{} exec {} stat -c %s {}", shown(), container, file)};
  LineSplitter lines([&on_size](std::string_view line) {
    if (const auto size = whole_number(line)) on_size(*size);
  });
  co_await start(std::move(call), [&lines](std::string_view piece) {
    lines.feed(piece);
    return Flow::go_on;
  });
}

awaitable<void> Docker::copy_out(ContainerName container, std::string file, std::string folder,
                                 std::uint64_t largest, std::function<void()> watch) const {
  Call call{.args = copy_args(container, file, folder),
            .weight = Weight::documented,
            .largest_file = largest,
            .watch = std::move(watch)};
  const auto outcome = co_await start(std::move(call));
  if (!outcome.succeeded()) throw explain_docker(outcome, target_.named, "docker cp");
}

awaitable<void> Docker::remove(ContainerName container, std::string file) const {
  constexpr std::chrono::seconds limit{10};
  Call call{.args = script_args(container, remove_script).absolute_path(file),
            .shown = fmt::format("{} exec {} rm -f {}", shown(), container, file),
            .deadline = limit,
            .purpose = Purpose::cleanup};
  const auto outcome = co_await start(std::move(call));
  if (!outcome.succeeded()) throw explain_docker(outcome, target_.named, "docker exec rm");
}

awaitable<LeftArchives> Docker::remove_left(ContainerName container, std::string begin) const {
  Call call{.args = script_args(container, left_script).absolute_path(begin),
            .shown = fmt::format("{} exec {} rm -f {}*-DATE.tar.gz (of earlier runs)", shown(),
                                 container, begin),
            .deadline = target_.command_timeout};
  const auto outcome = co_await start(std::move(call));
  if (!outcome.succeeded()) throw explain_docker(outcome, target_.named, "docker exec rm");
  LeftArchives left;
  constexpr std::string_view used = "used ";
  // The container is not trusted, and its words are shown in a command to paste.
  const auto is_path = [&](std::string_view text) {
    return text.starts_with(begin) && shell_line({std::string(text)}) == text;
  };
  for_each_line(outcome.out, [&](std::string_view line) {
    const auto in_use = line.starts_with(used);
    if (in_use) line.remove_prefix(used.size());
    if (is_path(line)) (in_use ? left.used : left.removed).emplace_back(line);
  });
  co_return left;
}

awaitable<void> Docker::restart(ContainerName container, std::chrono::milliseconds deadline) const {
  Call call{.args = restart_args(container), .weight = Weight::documented, .deadline = deadline};
  const auto outcome = co_await start(std::move(call));
  if (!outcome.succeeded()) throw explain_docker(outcome, target_.named, "docker restart");
}

awaitable<void> Docker::end_marked(ContainerName container, std::string mark) const {
  constexpr std::chrono::seconds limit{10};
  Call call{
      .args = script_args(container, end_script).joined(mark_name, mark),
      .shown = fmt::format("{} exec {} kill PID (of what was begun there)", shown(), container),
      .deadline = limit,
      .purpose = Purpose::cleanup};
  const auto outcome = co_await start(std::move(call));
  if (!outcome.succeeded()) throw explain_docker(outcome, target_.named, "docker exec kill");
}

}  // namespace retrust
