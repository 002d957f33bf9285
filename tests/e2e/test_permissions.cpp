// The roles of docs/ on real API servers: the sandbox's own clusters know no roles.
#include <filesystem>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// Applies the roles for one cluster. Older clusters lack some namespaces, which hold no objects.
void apply_roles(Sandbox& sandbox, const std::string& side) {
  const auto docs = fs::path(std::getenv("RETRUST_TEST_FIXTURES")).parent_path() / "docs";
  for (const auto* name : {"cattle-impersonation-system", "cattle-fleet-system"}) {
    if (side == "downstream") sandbox.kubectl(side, {"create", "namespace", name});
  }
  if (side == "local") sandbox.kubectl(side, {"create", "namespace", "cattle-global-data"});
  const auto file = (docs / ("permissions-" + side + ".yaml")).string();
  const auto applied = sandbox.kubectl(side, {"apply", "-f", file});
  CAPTURE(applied.all());
  REQUIRE(applied.status == 0);
}

/// A kubeconfig that acts as a member of that group alone.
std::string as_member(const Sandbox& sandbox, const std::string& side, const std::string& group) {
  auto config = json::parse(read_file(sandbox.file(side + ".kubeconfig")));
  auto& user = config.at_pointer("/users/0/user").as_object();
  user["as"] = "somebody";
  user["as-groups"] = json::array{json::string(group)};
  const auto path = sandbox.directory() / (side + "-" + group + ".kubeconfig");
  write_file(path, json::serialize(config));
  return path.string();
}

Result as(Sandbox& sandbox, const std::string& group, std::vector<std::string> args) {
  return sandbox.retrust({.args = std::move(args),
                          .kubeconfig = as_member(sandbox, "downstream", group),
                          .local_kubeconfig = as_member(sandbox, "local", group)});
}

TEST_CASE("the roles of docs/ suffice, and no more" * doctest::test_suite("anywhere")) {
  Sandbox sandbox({"--rancher", "2.12", "--fault", "agents-never-report"});
  apply_roles(sandbox, "downstream");
  apply_roles(sandbox, "local");

  const auto status = as(sandbox, "retrust-status", {"status"});
  CAPTURE(status.all());
  CHECK(status.status == 3);
  CHECK(has(status.all(), "Plan: delete "));
  CHECK_FALSE(has(status.all(), "lacks a permission"));

  const std::vector<std::string> changing{"run", "--yes", "--no-rancher-backup", "--timeout", "5s"};
  const auto refused = as(sandbox, "retrust-status", changing);
  CAPTURE(refused.all());
  CHECK(refused.status == 4);
  CHECK(has(refused.all(), "a permission is missing: "));
  CHECK(has(refused.all(), "delete secrets in cattle-system (downstream cluster)"));

  auto whole = changing;
  whole.emplace_back("--repair-impersonation");
  const auto run = as(sandbox, "retrust-run", whole);
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.all(), "retrust wrote them"));
  CHECK(has(run.all(), "token secrets deleted and gone"));
  CHECK_FALSE(has(run.all(), "lacks a permission"));
  CHECK_FALSE(has(run.all(), "only a lock file"));

  const auto folder = sandbox.run_folder().string();
  const auto back = as(sandbox, "retrust-run", {"rollback", folder, "--yes"});
  CAPTURE(back.all());
  CHECK(back.status == 0);
  CHECK_FALSE(has(back.all(), "lacks a permission"));
}

TEST_CASE("the roles of docs/ suffice for a status of its own, and for a restart" *
          doctest::test_suite("anywhere")) {
  std::vector<std::string> options;
  std::string said;
  SUBCASE("Rancher 2.15 writes the status by its own path") {
    options = {"--rancher", "2.15", "--fault", "agents-never-report"};
    said = "retrust wrote them";
  }
  SUBCASE("Rancher 2.1 is restarted") {
    options = {"--rancher", "2.1"};
    said = "Rancher's new server pods are ready";
  }
  Sandbox sandbox(options);
  apply_roles(sandbox, "downstream");
  apply_roles(sandbox, "local");
  const auto run =
      as(sandbox, "retrust-run", {"run", "--yes", "--no-rancher-backup", "--timeout", "20s"});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.all(), said));
}

}  // namespace
}  // namespace retrust::e2e
