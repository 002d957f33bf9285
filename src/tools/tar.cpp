#include "tools/tar.h"

#include <cerrno>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/lines.h"
#include "base/text.h"
#include "base/words.h"
#include "tools/announced.h"

namespace retrust {

using boost::asio::awaitable;

Arguments Tar::list_args() {
  return {"-tzf", "-"};
}

awaitable<Outcome> Tar::start(Arguments args, std::string section, Command command,
                              OutputReader reader) const {
  Announcement announcement;
  announcement.section = std::move(section);
  announcement.line = shell_line({"tar"}, args);
  announcement.name = "tar " + args.list().front();
  announcement.about.program = program_;
  announcement.output = Output::public_text;
  announcement.weight = Weight::routine;
  command.program = program_;
  command.args = args.list();
  command.on_parent_death = OnParentDeath::ends_child;
  // TAR_OPTIONS for the operator's own archives must not change this command.
  command.environment = {{"TAR_OPTIONS", ""}, {"LC_ALL", "C"}};
  return run_announced(*runner_, *events_, std::move(announcement), std::move(command),
                       std::move(reader));
}

awaitable<DisplayText> Tar::version() const {
  Arguments args{"--version"};
  Command command;
  command.deadline = command_timeout_;
  command.output_limit = std::size_t{64} << 10U;
  const auto outcome =
      co_await start(std::move(args), std::string(), std::move(command), OutputReader());
  if (!outcome.succeeded()) {
    throw Failure(FailureCode::no_program,
                  "cannot run tar, which reads the backup of Rancher's data",
                  "install tar and gzip, then run again", own_words(outcome));
  }
  co_return first_line(outcome.out);
}

awaitable<void> Tar::list(const Descriptor& file, std::chrono::milliseconds limit,
                          OutputReader reader) const {
  if (::lseek(file.get(), 0, SEEK_SET) != 0) {
    throw std::system_error(errno, std::generic_category(), "lseek");
  }
  Command command;
  command.input_descriptor = file.get();
  command.deadline = limit;
  // GNU tar keeps the long names of headers in memory, however long they say that they are. Its
  // gzip inherits the limit, and needs little.
  command.most_memory = std::uint64_t{256} << 20U;
  const auto outcome = co_await start(list_args(), "1.1", std::move(command), std::move(reader));
  if (outcome.succeeded()) co_return;
  const auto late = outcome.ending == Ending::timed_out;
  throw Failure(FailureCode::backup_failed,
                late ? fmt::format("the backup of Rancher cannot be relied on: tar did not come to "
                                   "its end within {}",
                                   duration_text(limit))
                     : fmt::format("the backup of Rancher cannot be relied on: tar cannot read it "
                                   "({})",
                                   ending_text(outcome)),
                "nothing was changed; run again, or back Rancher up by hand and give "
                "--no-rancher-backup",
                own_words(outcome));
}

}  // namespace retrust
