// Which kubeconfig leads to which cluster.
#include <filesystem>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/trust.h"
#include "children.h"
#include "fleet/contexts.h"
#include "fleet/kubeconfig_files.h"
#include "fleet/match.h"
#include "fleet/observe_live.h"
#include "observe/cluster_choice.h"
#include "process/tasks.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr auto private_file = fs::perms::owner_read | fs::perms::owner_write;
constexpr std::string_view content = "apiVersion: v1\n";

std::vector<std::string> names(const std::vector<KubeconfigFile>& files) {
  std::vector<std::string> found;
  for (const auto& file : files) {
    auto name = fs::path(file.path).filename().string();
    if (file.contexts == ContextChoice::all) name += " all";
    if (!file.trouble.empty()) name += " (" + file.trouble + ")";
    found.push_back(std::move(name));
  }
  return found;
}

using Names = std::vector<std::string>;

TEST_CASE("a kubeconfig is a file, a folder, or a list as in KUBECONFIG") {
  const test::Folder folder;
  const auto one = folder.file("one", content, private_file);
  const auto two = folder.file("two", content, private_file);
  folder.file(".hidden", content, private_file);
  folder.file("nothing", "", private_file);
  fs::create_directory(folder.path("below"));
  constexpr auto current = ContextChoice::current;

  CHECK(names(kubeconfig_files({two, one}, current)) == Names{"two", "one"});
  CHECK(names(kubeconfig_files({two}, ContextChoice::all)) == Names{"two all"});
  CHECK(names(kubeconfig_files({two + "::" + one}, current)) == Names{"two", "one"});
  CHECK(names(kubeconfig_files({folder.path("")}, current)) ==
        Names{"nothing all (the file is empty)", "one all", "two all"});
  // A file counts once, as it was named first.
  CHECK(names(kubeconfig_files({two, folder.path(""), folder.path("./one")}, current)) ==
        Names{"two", "nothing all (the file is empty)", "one all"});
  const auto colon = folder.file("a:b", content, private_file);
  CHECK(names(kubeconfig_files({colon}, current)) == Names{"a:b"});
}

TEST_CASE("a kubeconfig that cannot be used is named before anything else happens") {
  const test::Folder folder;
  const auto one = folder.file("one", content, private_file);
  const auto empty = folder.file("empty", "", private_file);
  const auto loose = folder.file("loose", content, private_file | fs::perms::others_write);
  fs::create_directory(folder.path("below"));
  for (const auto& [value, words] :
       std::vector<std::pair<std::string, std::string>>{{folder.path("gone"), "No such file"},
                                                        {one + ":" + folder.path("gone"), "gone"},
                                                        {empty, "the file is empty"},
                                                        {folder.path("below"), "holds no file"}}) {
    CAPTURE(value);
    std::string said;
    try {
      kubeconfig_files({value}, ContextChoice::current);
    } catch (const Failure& failure) {
      CHECK(failure.status == ExitStatus::usage);
      said = failure.what();
    }
    CHECK(said.find(words) != std::string::npos);
  }
  CHECK_THROWS_AS(kubeconfig_files({loose}, ContextChoice::current), Untrusted);
  CHECK_THROWS_AS(kubeconfig_files({folder.path("")}, ContextChoice::current), Untrusted);
}

const json::value config = json::parse(R"({
  "kind": "Config", "current-context": "two",
  "clusters": [
    {"name": "a", "cluster": {"server": "https://user:pass@10.0.0.1:6443"}},
    {"name": "b", "cluster": {"server": "https://rancher.example/k8s/clusters/c-abcde"}}],
  "contexts": [
    {"name": "one", "context": {"cluster": "a", "user": "u"}},
    {"name": "two", "context": {"cluster": "b", "user": "u"}},
    {"name": "three", "context": {"cluster": "gone", "user": "u"}}]})");

TEST_CASE("of a single file the current context counts, of a folder's files all") {
  const auto current = contexts_of({"f", ContextChoice::current}, config);
  REQUIRE(current.size() == 1);
  CHECK(current.front().name == "two");
  CHECK(current.front().through == "c-abcde");

  const auto all = contexts_of({"f", ContextChoice::all}, config);
  REQUIRE(all.size() == 3);
  CHECK(all[0].server == "https://10.0.0.1:6443");
  CHECK(all[0].through.empty());
  CHECK(all[2].trouble == "the context names no cluster with an address");

  // A name counts in every file.
  for (const auto choice : {ContextChoice::current, ContextChoice::all}) {
    const auto named = contexts_of({"f", choice, "one"}, config);
    REQUIRE(named.size() == 1);
    CHECK(named.front().name == "one");
    const auto none = contexts_of({"f", choice, "four"}, config);
    REQUIRE(none.size() == 1);
    CHECK(none.front().trouble == "the file has no context of that name");
  }
}

TEST_CASE("a file without a context that counts says so, of every form") {
  for (const auto* text :
       {"null", "{}", "[]", "7", R"({"contexts": 7, "clusters": "x"})",
        R"({"contexts": [7, null, "x"], "clusters": [[]]})",
        R"({"contexts": [{"name": 7}], "clusters": [{"cluster": {"server": {}}}]})",
        R"({"current-context": "x", "contexts": [{"name": "y"}]})"}) {
    CAPTURE(text);
    for (const auto choice : {ContextChoice::current, ContextChoice::all}) {
      const auto found = contexts_of({"f", choice}, json::parse(text));
      REQUIRE_FALSE(found.empty());
      for (const auto& context : found) CHECK_FALSE(context.trouble.empty());
    }
  }
}

Match proven(const std::string& context, const std::string& cluster) {
  Match match;
  match.context = {"f", context, {}};
  match.result = Match::Result::proven;
  match.clusters = {ClusterId(cluster)};
  return match;
}

TEST_CASE("clusters are selected by ID, by name and by pattern, each once") {
  const std::vector<NamedCluster> known{{"c-one", "prod-eu"}, {"c-two", "prod-us"},
                                        {"c-three", "test"},  {"c-four", "test"},
                                        {{}, "prod-odd"},     {"c-five", "c-one"}};
  using Ids = std::vector<ClusterId>;
  const auto of = [&](const Names& words) { return selected_clusters(words, known, "list"); };
  CHECK(of({"prod-us", "c-three"}) == Ids{"c-two", "c-three"});
  CHECK(of({"prod-*"}) == Ids{"c-one", "c-two"});
  CHECK(of({"prod-us", "prod-*"}) == Ids{"c-two", "c-one"});
  CHECK(of({"c-t[wh]*"}) == Ids{"c-two", "c-three"});
  CHECK(of({"test*"}) == Ids{"c-three", "c-four"});
  // An ID is meant before another cluster's name.
  CHECK(of({"c-one"}) == Ids{"c-one"});
  const std::vector<NamedCluster> odd{{"c-six", "prod [eu]"}, {"c-seven", "prod e"}};
  CHECK(selected_clusters({"prod [eu]"}, odd, "list") == Ids{"c-six"});
  CHECK_THROWS_WITH(of({"test"}), "2 clusters are called test: c-three and c-four");
  CHECK_THROWS_WITH(of({"stage-*"}), "Rancher knows no cluster stage-*");
  CHECK_THROWS_WITH(of({"prod-odd"}), "Rancher knows no cluster prod-odd");
  CHECK_THROWS_WITH(of({"prod-su"}), "Rancher knows no cluster prod-su; near: prod-eu and prod-us");
}

TEST_CASE("an account's uid proves a cluster, and its name alone does not") {
  const std::vector<StoredAccount> stored{{"c-one", "cattle", "uid-1"},
                                          {"c-two", "cattle", "uid-2"},
                                          {"c-none", "cattle", ""},
                                          {"c-hosted", "kontainer-engine", "uid-3"},
                                          {"c-again", "cattle", "uid-2"}};
  using Ids = std::vector<ClusterId>;
  const auto of = [&](std::map<ObjectName, Uid> accounts) {
    return clusters_by_account({{}, std::move(accounts), {}}, stored);
  };
  CHECK(of({{"cattle", "uid-1"}}) == Ids{"c-one"});
  CHECK(of({{"cattle", "uid-9"}, {"kontainer-engine", "uid-3"}}) == Ids{"c-hosted"});
  CHECK(of({{"cattle", "uid-2"}}) == Ids{"c-two", "c-again"});
  // Another account of that uid, no uid, and no account.
  CHECK(of({{"default", "uid-1"}}).empty());
  CHECK(of({{"cattle", ""}}).empty());
  CHECK(of({}).empty());
}

TEST_CASE("what the agents claim is a hint: clusters of Rancher, each once, and few") {
  ContextFacts facts;
  std::vector<StoredAccount> stored{{"c-one", {}, {}}, {"c-two", {}, {}}};
  const auto claim = [&](const std::string& id) {
    AgentCredentials agent;
    agent.cluster = id;
    facts.agents.push_back(std::move(agent));
  };
  for (const auto* id : {"c-two", "c-one", "c-two", "", "c-unknown"}) claim(id);
  CHECK(claimed_clusters(facts, stored) == std::vector<ClusterId>{"c-one", "c-two"});
  for (int i = 0; i < 5000; ++i) {
    const auto id = fmt::format("c-{}", i);
    claim(id);
    stored.push_back({id, {}, {}});
  }
  CHECK(claimed_clusters(facts, stored).size() == most_claims);
}

TEST_CASE("of two contexts of one cluster the first counts, and the other says so") {
  std::vector<Match> matches{proven("a", "c-one"), proven("b", "c-two"), proven("c", "c-one")};
  mark_repeated(matches);
  CHECK(matches[0].result == Match::Result::proven);
  CHECK(matches[1].result == Match::Result::proven);
  CHECK(matches[2].result == Match::Result::repeated);
  CHECK(why_unused(matches[0], matches).empty());
  CHECK(why_unused(matches[2], matches) ==
        "leads to c-one, as f, context a does (at the same address), which is used");
}

TEST_CASE("each listed cluster has one way, and another cluster with its evidence contradicts it") {
  std::vector<ListedCluster> listed(4);
  listed[0].id = "c-one";
  listed[1].id = "c-two";
  listed[2].id = "c-three";
  listed[3].id = "c-four";
  auto twice = proven("b", "c-two");
  twice.result = Match::Result::several;
  twice.clusters = {ClusterId("c-two"), ClusterId("c-three"), ClusterId("c-one")};
  auto through = proven("c", "c-four");
  through.result = Match::Result::through;
  std::vector<Match> matches{proven("a", "c-one"), twice, through, proven("d", "c-gone"),
                             proven("e", "c-one")};
  for (auto& match : matches) match.kube_system_uid = "uid-1";
  mark_repeated(matches);
  const auto ways = live_ways(matches, listed);
  REQUIRE(ways.size() == 3);
  CHECK(ways[0].cluster == 0);
  CHECK(ways[0].match == 0);
  CHECK(ways[1].match == 1);
  CHECK(ways[2].match == 1);
  for (const auto& way : ways) CHECK_FALSE(way.contradicted_by);
  matches[4].kube_system_uid = "uid-2";
  CHECK(live_ways(matches, listed)[0].contradicted_by == 4);
}

TEST_CASE("some tasks at once: never more, all of them, and none after a failure") {
  boost::asio::io_context io;
  std::size_t running = 0;
  std::size_t most = 0;
  std::vector<std::size_t> done;
  const std::function<boost::asio::awaitable<void>(std::size_t)> task =
      [&](std::size_t index) -> boost::asio::awaitable<void> {
    most = std::max(most, ++running);
    co_await pause(std::chrono::milliseconds(1));
    --running;
    done.push_back(index);
    if (index == 20) throw std::runtime_error("the twenty-first");
  };
  std::exception_ptr failure;
  const auto run = [&](std::size_t count, std::size_t at_once) {
    done.clear();
    failure = nullptr;
    boost::asio::co_spawn(io, some_at_once(count, at_once, task),
                          [&](std::exception_ptr end) { failure = std::move(end); });
    io.restart();
    io.run();
  };
  run(10, 3);
  CHECK_FALSE(failure);
  CHECK(done.size() == 10);
  CHECK(most == 3);
  run(0, 3);
  CHECK(done.empty());
  run(100, 4);
  CHECK(failure);
  CHECK(done.size() < 26);
  CHECK(running == 0);
}

}  // namespace
}  // namespace retrust
