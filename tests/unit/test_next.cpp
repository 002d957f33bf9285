#include <doctest/doctest.h>

#include "cli/next.h"

namespace retrust {
namespace {

/// A cluster of which nothing is known: something has to be done.
std::vector<std::string> next(CommandName command, std::vector<std::string> args) {
  Options options;
  options.command = command;
  Observation seen;
  seen.local.cluster.id = "c-x7k2p";
  return next_after_look({"kubectl retrust", std::move(args)}, options, seen,
                         make_plan(seen, PlanOptions{}));
}

TEST_CASE("what comes next is the same command line with another command") {
  CHECK(next(CommandName::status, {"status", "--cluster", "c-x7k2p"}).front() ==
        "see what would be done: kubectl retrust plan --cluster c-x7k2p");
  // A value may be called like the command.
  CHECK(next(CommandName::plan, {"--cluster", "plan", "-o", "text", "--all", "plan"}).front() ==
        "do it: kubectl retrust --cluster plan -o text --all run --no-rancher-backup");
  CHECK(next(CommandName::plan, {"--cluster=plan", "plan"}).front().find("--cluster=plan run") !=
        std::string::npos);
}

TEST_CASE("after a failure the record is told of, and how to go on") {
  const auto next = next_after_failure({"retrust", {}}, "folder");
  REQUIRE(next.size() == 2);
  CHECK(next[0].find("run the same again") != std::string::npos);
  CHECK(next[1].find("folder/backup") == 0);
  CHECK(next[1].find("retrust rollback folder") != std::string::npos);
}

}  // namespace
}  // namespace retrust
