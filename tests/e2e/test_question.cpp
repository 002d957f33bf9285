// What somebody else does while a question waits for its answer, or just before a deletion.
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <string>

#include <doctest/doctest.h>

#include "others_token.h"
#include "sandbox.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

constexpr const char* question = "Do this to cluster";

TEST_CASE("a cluster that a colleague repaired while the question stood is left alone") {
  Sandbox sandbox;
  const auto child = sandbox.start_on_terminal({.args = {"run", "--no-rancher-backup"}});
  const auto folder = sandbox.run_folder();
  wait_until("the question", [&] { return has(unwrapped(child->out()), question); });
  REQUIRE(sandbox.run().status == 0);
  const auto changes = sandbox.changes().size();
  child->write("yes\n");
  CHECK(child->wait() == 0);
  CAPTURE(child->out());
  CHECK(has(unwrapped(child->out()), "Nothing is needed any more"));
  CHECK(sandbox.changes().size() == changes);
  CHECK(has(document_words(folder), "Nothing is needed any more"));
}

TEST_CASE("a plan that changed while the question stood is shown, and asked about again") {
  Sandbox sandbox;
  const auto child = sandbox.start_on_terminal({.args = {"run", "--no-rancher-backup"}});
  wait_until("the question", [&] { return has(unwrapped(child->out()), question); });
  replace_token(sandbox);
  const auto changes = sandbox.changes().size();
  child->write("yes\n");
  wait_until("the second question", [&] { return times(unwrapped(child->out()), question) == 2; });
  CAPTURE(child->out());
  CHECK(has(unwrapped(child->out()),
            "the plan changed meanwhile: 2.1 delete-token is not needed any more"));
  SUBCASE("no") {
    child->write("no\n");
    CHECK(child->wait() == 7);
    CHECK(sandbox.changes().size() == changes);
  }
  SUBCASE("yes") {
    child->write("yes\n");
    CHECK(child->wait() == 0);
    CHECK(sandbox.ready() == "True");
  }
}

/// A kubectl that runs these words of a shell before a command that has those words.
std::string preceded_kubectl(Sandbox& sandbox, const std::string& words, const std::string& first) {
  const char* named = std::getenv("RETRUST_TEST_KUBECTL");
  const std::string real = named == nullptr ? "kubectl" : named;
  const auto path = sandbox.directory() / "colleagues-kubectl";
  const auto theirs = "'" + real + "' --kubeconfig='" + sandbox.file("downstream.kubeconfig") +
                      "' -n cattle-system ";
  write_file(path, "#!/bin/sh\ncolleague() { " + theirs + "\"$@\" >&2; }\ncase \" $* \" in " +
                       words + ") " + first + " ;; esac\nexec '" + real + "' \"$@\"\n");
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

TEST_CASE("what somebody else deleted first is not told as done") {
  Sandbox sandbox;
  const auto name = name_of_token(sandbox);
  const auto run =
      sandbox.retrust({.args = {"run", "--yes", "--no-rancher-backup"},
                       .kubectl = preceded_kubectl(sandbox, "*' delete secret/'*",
                                                   "colleague delete secret " + name)});
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(has(run.out, name + " was already gone"));
  const auto document = document_words(sandbox.run_folder());
  CAPTURE(document);
  CHECK(std::regex_search(document, std::regex("delete-token +\\| already gone")));
  CHECK(std::regex_search(document, std::regex("recreate-agents +\\| done")));
}

constexpr const char* extra_secret = R"({"apiVersion": "v1", "kind": "Secret",
  "metadata": {"name": "cattle-extra", "annotations": {"kubernetes.io/service-account.name": "cattle"}},
  "type": "kubernetes.io/service-account-token"})";
constexpr const char* of_extra = "/api/v1/namespaces/cattle-system/secrets/cattle-extra";

/// A cluster whose CA and key are renewed, with a token secret of a name that a person chose.
void add_named_secret(Sandbox& sandbox) {
  const auto file = sandbox.directory() / "extra.json";
  write_file(file, extra_secret);
  REQUIRE(sandbox.kubectl("downstream", {"-n", "cattle-system", "create", "-f", file.string()})
              .status == 0);
  const auto token = [&] {
    return text(sandbox.get("downstream", {"-n", "cattle-system", "secret", "cattle-extra"}),
                "/data/token");
  };
  wait_until("its token", [&] { return !token().empty(); });
  sandbox.renew();
}

TEST_CASE("a secret whose name is not random is deleted by its uid") {
  Sandbox sandbox({"--scenario", "healthy"});
  add_named_secret(sandbox);
  const auto find = [&] {
    return sandbox.kubectl("downstream",
                           {"-n", "cattle-system", "get", "secret", "cattle-extra", "-o", "name"});
  };
  SUBCASE("and is gone then") {
    const auto plan = sandbox.retrust({"plan", "--no-rancher-backup"});
    CHECK(has(plan.out, std::string(" delete --raw ") + of_extra + " -f -"));
    const auto run = sandbox.run();
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(has(run.out, std::string(" delete --raw ") + of_extra + " -f -"));
    CHECK(has(find().err, "NotFound"));
  }
  SUBCASE("and stays where somebody put another in its place") {
    const auto kubectl =
        preceded_kubectl(sandbox, "*' delete --raw " + std::string(of_extra) + " '*",
                         "colleague delete secret cattle-extra; colleague create -f '" +
                             (sandbox.directory() / "extra.json").string() + "'");
    const auto run = sandbox.retrust(
        {.args = {"run", "--yes", "--no-rancher-backup", "--timeout", "5s"}, .kubectl = kubectl});
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK(has(run.out, "cattle-extra was already gone"));
    CHECK(find().status == 0);
  }
}

}  // namespace
}  // namespace retrust::e2e
