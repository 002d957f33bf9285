// What is refused, with nothing changed, and what bad input gets for an answer.
#include <algorithm>
#include <filesystem>
#include <regex>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::vector<std::string> run_yes{"run", "--yes", "--no-rancher-backup"};

/// Refused by status 4, in these words, with nothing changed by anyone.
void check_refused(Sandbox& sandbox, Sandbox::Call call, const std::string& words) {
  call.args = run_yes;
  const auto before = sandbox.versions();
  const auto result = sandbox.retrust(call);
  CAPTURE(result.all());
  CHECK(result.status == 4);
  CHECK(has(result.err, words));
  CHECK(sandbox.changes().empty());
  CHECK(sandbox.versions() == before);
}

TEST_CASE("the same context for both clusters is a mistake in the command line") {
  Sandbox sandbox;
  const auto merged = sandbox.merged_kubeconfig();
  const auto check_usage = [&](const Sandbox::Call& call) {
    const auto result = sandbox.retrust(call);
    CAPTURE(result.all());
    CHECK(result.status == 2);
    CHECK(has(result.err, "--kubeconfig and --local-kubeconfig lead to one cluster: both are "));
  };
  const auto local = sandbox.file("local.kubeconfig");
  check_usage({.args = {"status"}, .kubeconfig = local});
  check_usage({.args = {"status"}, .local_kubeconfig = sandbox.file("downstream.kubeconfig")});
  // By a context that is named on one side, and by a link.
  check_usage({.args = {"plan", "--context=local"}, .kubeconfig = local});
  fs::create_symlink(local, sandbox.directory() / "link");
  check_usage({.args = {"plan"}, .kubeconfig = (sandbox.directory() / "link").string()});
  check_usage({.args = {"status", "--context=downstream"},
               .kubeconfig = merged,
               .local_kubeconfig = merged});
  check_usage(
      {.args = {"status"}, .environment = {{"KUBECONFIG", local}}, .without = {"--kubeconfig"}});
  const auto two = sandbox.retrust(Sandbox::Call{.args = {"status", "--local-context=local"},
                                                 .kubeconfig = merged,
                                                 .local_kubeconfig = merged});
  CAPTURE(two.all());
  CHECK(two.status == 3);
}

TEST_CASE("refused: the wrong cluster, or not the right kubeconfig" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  const auto before = sandbox.file("downstream-before-renewal.kubeconfig");
  const auto through_rancher = sandbox.file("downstream-through-rancher.kubeconfig");
  const auto limited = sandbox.file("downstream-limited.kubeconfig");
  const auto limited_local = sandbox.file("local-limited.kubeconfig");
  // The same cluster twice, by two files.
  const auto other_file = sandbox.directory() / "local-too.kubeconfig";
  fs::copy_file(sandbox.file("local.kubeconfig"), other_file);
  check_refused(sandbox, {.args = {}, .kubeconfig = other_file.string()}, "same cluster");
  // An unknown cluster ID, and an unknown display name; near ones are named.
  check_refused(sandbox, {.args = {}, .cluster = "c-x7k2q"},
                "Rancher knows no cluster c-x7k2q; near: c-x7k2p");
  check_refused(sandbox, {.args = {}, .cluster = "prodution"}, "near: production");
  check_refused(sandbox, {.args = {}, .kubeconfig = before}, "was made before the renewal");
  check_refused(sandbox, {.args = {}, .kubeconfig = through_rancher},
                "goes through Rancher itself");
  // Missing permissions.
  check_refused(sandbox, {.args = {}, .kubeconfig = limited},
                "delete secrets in cattle-system (downstream cluster)");
  check_refused(sandbox, {.args = {}, .local_kubeconfig = limited_local},
                "update clusters.management.cattle.io/c-x7k2p (local cluster)");
}

TEST_CASE("refused: a cluster that has nothing to do with it") {
  Sandbox sandbox;
  const auto other = sandbox.file("other.kubeconfig");
  check_refused(sandbox, {.args = {}, .kubeconfig = other},
                "--kubeconfig is not of the cluster production");
  check_refused(sandbox, {.args = {}, .local_kubeconfig = other},
                "is this really the cluster that Rancher itself runs in?");
}

TEST_CASE("refused: a kubeconfig whose CA is not the one that the cluster serves" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  // The local cluster's CA with the downstream address: a file that was put together by hand.
  auto mixed = read_file(sandbox.file("downstream.kubeconfig"));
  const auto local = read_file(sandbox.file("local.kubeconfig"));
  const auto value = [](const std::string& text) {
    const std::string key = "certificate-authority-data";
    auto begin = text.find(key) + key.size();
    begin = text.find_first_not_of("\": ", begin);
    return std::pair(begin, text.find_first_of("\"\n,", begin) - begin);
  };
  const auto [begin, size] = value(mixed);
  const auto [from, length] = value(local);
  mixed.replace(begin, size, local.substr(from, length));
  const auto path = sandbox.directory() / "mixed.kubeconfig";
  write_file(path, mixed);
  check_refused(sandbox, {.args = {}, .kubeconfig = path.string()},
                "does not verify the certificate");
}

TEST_CASE("refused: a display name that two clusters bear") {
  Sandbox sandbox({"--fault", "twin-name"});
  check_refused(sandbox, {.args = {}, .cluster = "production"}, "2 clusters are called production");
}

TEST_CASE("refused: a controller manager that still hands out the old CA") {
  Sandbox sandbox({"--fault", "old-ca-handed-out"});
  check_refused(sandbox, {.args = {}}, "does not verify its own API server");
  const auto status = sandbox.retrust({"status"});
  CHECK(status.status == 4);
  CHECK(has(status.err, "--root-ca-file"));
}

TEST_CASE("refused: agents whose credentials secret is gone") {
  Sandbox sandbox({"--fault", "broken-credentials"});
  check_refused(sandbox, {.args = {}}, "cattle-credentials-");
}

TEST_CASE("a display name does as well as an ID, and the local cluster through Rancher is fine") {
  Sandbox sandbox;
  const auto result =
      sandbox.retrust({.args = {"status"},
                       .cluster = "production",
                       .local_kubeconfig = sandbox.file("local-through-rancher.kubeconfig")});
  CAPTURE(result.all());
  CHECK(result.status == 3);
  CHECK(has(result.out, "cluster production (c-x7k2p)"));
}

TEST_CASE("a kubeconfig that skips verification is no proof by itself") {
  SUBCASE("the cluster hands out the right CA") {
    Sandbox sandbox;
    CHECK(sandbox
              .retrust({.args = {"status"},
                        .kubeconfig = sandbox.file("downstream-insecure.kubeconfig")})
              .status == 3);
  }
  SUBCASE("the cluster hands out the old CA") {
    Sandbox sandbox({"--fault", "old-ca-handed-out"});
    CHECK(sandbox
              .retrust({.args = {"status"},
                        .kubeconfig = sandbox.file("downstream-insecure.kubeconfig")})
              .status == 4);
  }
}

TEST_CASE("a kubeconfig that skips verification is named once, by every command") {
  Sandbox sandbox;
  const auto insecure = sandbox.file("downstream-insecure.kubeconfig");
  const auto says = "warning: kubectl does not verify the server of the downstream cluster";
  auto args = run_yes;
  args.insert(args.end(), {"--timeout", "30s"});
  for (const auto& command : {std::vector<std::string>{"status"}, {"plan"}, args}) {
    CAPTURE(command.front());
    const auto result = sandbox.retrust({.args = command, .kubeconfig = insecure});
    CAPTURE(result.all());
    const auto first = result.err.find(says);
    REQUIRE(first != std::string::npos);
    CHECK(result.err.find(says, first + 1) == std::string::npos);
    CHECK(has(result.err, insecure + " says insecure-skip-tls-verify: true"));
  }
  CHECK(sandbox.ready() == "True");
  CHECK_FALSE(has(sandbox.retrust({"status"}).err, "does not verify"));
}

/// A copy of a kubeconfig of the sandbox, changed.
template <typename Change>
std::string changed_kubeconfig(Sandbox& sandbox, const std::string& name, const Change& change) {
  auto config = boost::json::parse(read_file(sandbox.file(name + ".kubeconfig")));
  change(config);
  const auto path = sandbox.directory() / ("changed-" + name + ".kubeconfig");
  write_file(path, boost::json::serialize(config));
  return path.string();
}

/// Puts an address of this machine into the kubeconfig that the certificate does not name.
void rename_server(boost::json::value& config) {
  auto& server = config.at_pointer("/clusters/0/cluster/server");
  server =
      std::regex_replace(std::string(server.as_string()), std::regex("127\\.0\\.0\\.1"), "0.0.0.0");
}

TEST_CASE("an address that the certificate does not name says nothing about the CA") {
  Sandbox sandbox;
  SUBCASE("verified") {
    const auto path = changed_kubeconfig(sandbox, "downstream", rename_server);
    check_refused(sandbox, {.args = {}, .kubeconfig = path}, "--tls-server-name=127.0.0.1");
  }
  SUBCASE("not verified: the CA is tried with a name of the certificate") {
    const auto path = changed_kubeconfig(sandbox, "downstream-insecure", rename_server);
    auto args = run_yes;
    args.insert(args.end(), {"--timeout", "30s"});
    const auto run = sandbox.retrust({.args = args, .kubeconfig = path});
    CAPTURE(run.all());
    CHECK(run.status == 0);
    CHECK_FALSE(has(run.all(), "--root-ca-file"));
    CHECK_FALSE(has(run.all(), "not provable"));
    CHECK(has(transcripts(sandbox.run_folder()), "was reached with the stored CA"));
  }
}

TEST_CASE("mistakes in kubeconfigs are named") {
  Sandbox sandbox;
  const auto downstream = sandbox.file("downstream.kubeconfig");
  const auto local = sandbox.file("local.kubeconfig");
  const auto says = [&](Sandbox::Call call, int status, const std::string& words) {
    call.args = {"status"};
    const auto result = sandbox.retrust(call);
    CAPTURE(result.all());
    CHECK(result.status == status);
    CHECK(has(result.err, words));
  };
  SUBCASE("swapped") {
    says({.args = {}, .kubeconfig = local, .local_kubeconfig = downstream}, 4,
         "seem to be swapped");
  }
  SUBCASE("a list") {
    says({.args = {}, .local_kubeconfig = downstream + ":" + local}, 2, "config view --flatten");
  }
  SUBCASE("a user without credentials") {
    const auto path = changed_kubeconfig(sandbox, "downstream", [](boost::json::value& config) {
      config.at_pointer("/users/0/user") = boost::json::object{};
    });
    says({.args = {}, .kubeconfig = path}, 6, "has no credentials");
  }
  SUBCASE("a proxy that refuses") {
    const auto path = changed_kubeconfig(sandbox, "downstream", [](boost::json::value& config) {
      config.at_pointer("/clusters/0/cluster").as_object()["proxy-url"] = "socks5://127.0.0.1:9";
    });
    says({.args = {}, .kubeconfig = path}, 6, "through the proxy socks5://127.0.0.1:9");
  }
  SUBCASE("a context through Rancher, and another that is not") {
    const auto path = changed_kubeconfig(sandbox, "downstream", [](boost::json::value& config) {
      auto node = config.at_pointer("/clusters/0");
      node.at("name") = "node1";
      config.at_pointer("/clusters/0/cluster/server") = "https://127.0.0.1:9/k8s/clusters/c-1";
      config.at("clusters").as_array().push_back(node);
      auto context = config.at_pointer("/contexts/0");
      context.at("name") = "node1";
      context.at_pointer("/context/cluster") = "node1";
      config.at("contexts").as_array().push_back(context);
    });
    says({.args = {}, .kubeconfig = path}, 4, "retrust status --context=node1");
  }
}

TEST_CASE("a webhook that fails and a policy are named, and are no matter of CA or permission") {
  struct Case {
    std::string server;
    std::string words;
  };
  const std::vector<Case> cases{
      {"Error from server (InternalError): error when replacing \"STDIN\": Internal error "
       "occurred: "
       "failed calling webhook \"rancher.cattle.io.clusters\": failed to call webhook: Post "
       "\"https://rancher-webhook.cattle-system.svc:443/v1\": x509: certificate has expired",
       "the webhook rancher.cattle.io.clusters of the local cluster"},
      {"Error from server: error when replacing \"STDIN\": admission webhook \"deny.example.com\" "
       "denied the request: not at night",
       "the admission webhook deny.example.com of the local cluster"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.words);
    Sandbox sandbox({"--fault", "agents-never-report"});
    const auto path = sandbox.directory() / "refused-kubectl";
    write_file(path,
               "#!/bin/sh\ncase \" $* \" in *' replace '*) cat >/dev/null; echo '" + each.server +
                   "' >&2; exit 1 ;; esac\nexec \"${RETRUST_TEST_KUBECTL:-kubectl}\" \"$@\"\n");
    fs::permissions(path, fs::perms::owner_all);
    auto args = run_yes;
    args.insert(args.end(), {"--timeout", "1s"});
    const auto run = sandbox.retrust({.args = args, .kubectl = path.string()});
    CAPTURE(run.all());
    CHECK(run.status == 1);
    CHECK(has(run.err, each.words));
    CHECK_FALSE(has(run.err, "lacks a permission"));
    CHECK_FALSE(has(run.err, "before the renewal"));
  }
}

TEST_CASE("without a terminal and without --yes nothing is changed, and it says so") {
  Sandbox sandbox;
  const auto result = sandbox.retrust({"run", "--no-rancher-backup"});
  CHECK(result.status == 2);
  CHECK(has(result.err, "nothing was changed"));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("on a terminal it asks, and only yes goes on") {
  Sandbox sandbox;
  Sandbox::Call call;
  call.args = {"run", "--no-rancher-backup", "--timeout", "30s", "--color", "never"};
  SUBCASE("no") {
    const auto result = sandbox.answered(call, "no");
    CHECK(result.status == 7);
    CHECK(has(result.out,
              "Do this to cluster production (c-x7k2p): "
              "2.1 delete-token, 2.2 recreate-agents, if needed 2.5 "
              "update-cluster?"));
    CHECK(has(result.out, "nothing was changed"));
    CHECK(has(result.out,
              "2.2 restarts Rancher's agents, and Rancher shows the cluster as unavailable until "
              "the new agents connect; workloads keep running. Do this to cluster"));
    CHECK(sandbox.changes().empty());
  }
  SUBCASE("yes") {
    const auto result = sandbox.answered(call, "yes");
    CHECK(result.status == 0);
    // Waits show what they wait for while they last.
    CHECK(has(result.out, "> 2.2  recreate-agents       0 s"));
    CHECK(
        has(result.out, "       waiting for the old agents to be gone, and new ones to be ready"));
    // What was done, in the end.
    CHECK(has(result.out, "+ 2.1  delete-token"));
    CHECK(has(result.out, "+ 2.5  check-cluster"));
    CHECK(sandbox.ready() == "True");
  }
}

TEST_CASE("run insists on a choice about a backup of Rancher") {
  Sandbox sandbox;
  const auto result = sandbox.retrust({"run", "--yes"});
  CHECK(result.status == 2);
  CHECK(has(result.err, "--no-rancher-backup"));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("a run folder that is not empty is left alone") {
  Sandbox sandbox;
  const auto folder = sandbox.directory() / "taken";
  fs::create_directories(folder);
  write_file(folder / "transcript.md", "of last night");
  auto args = run_yes;
  args.insert(args.end(), {"--run-dir", folder.string()});
  Sandbox::Call call;
  call.args = args;
  const auto result = sandbox.retrust(call);
  CHECK(result.status == 2);
  CHECK(has(result.err, "exists and is not empty"));
  CHECK(read_file(folder / "transcript.md") == "of last night");
  CHECK(sandbox.changes().empty());
}

TEST_CASE("a run folder that another user could replace is not the run's") {
  Sandbox sandbox;
  const auto victim = sandbox.directory() / "victim";
  fs::create_directory(victim);
  fs::permissions(victim, fs::perms(0755));
  const auto folder = sandbox.directory() / "predicted";
  std::string said;
  SUBCASE("a symbolic link") {
    fs::create_directory_symlink(victim, folder);
    said = "predicted is a symbolic link";
  }
  SUBCASE("everybody can write it") {
    fs::create_directory(folder);
    fs::permissions(folder, fs::perms(0777));
    said = "predicted can be written by every user";
  }
  auto args = run_yes;
  args.insert(args.end(), {"--run-dir", folder.string()});
  const auto result = sandbox.retrust(args);
  CAPTURE(result.all());
  CHECK(result.status == 4);
  CHECK(has(result.err, said));
  CHECK(fs::is_empty(victim));
  CHECK((fs::status(victim).permissions() & fs::perms::mask) == fs::perms(0755));
  CHECK(sandbox.requests().empty());
}

TEST_CASE("a kubeconfig or configuration that others can write is refused before it is used") {
  Sandbox sandbox;
  Sandbox::Call call{.args = {"status"}};
  const auto file = sandbox.directory() / "a file";
  SUBCASE("--kubeconfig") {
    fs::copy_file(sandbox.file("downstream.kubeconfig"), file);
    call.kubeconfig = file.string();
  }
  SUBCASE("--local-kubeconfig, by a link") {
    fs::copy_file(sandbox.file("local.kubeconfig"), file);
    fs::create_symlink(file, sandbox.directory() / "link");
    call.local_kubeconfig = sandbox.directory() / "link";
  }
  SUBCASE("--config") {
    write_file(file, "verbose = true\n");
    call.args.insert(call.args.end(), {"--config", file.string()});
  }
  fs::permissions(file, fs::perms(0644));
  CHECK(sandbox.retrust(call).status == 3);
  const auto asked = sandbox.requests().size();
  for (const auto mode : {0666, 0664}) {
    fs::permissions(file, fs::perms(mode));
    const auto result = sandbox.retrust(call);
    CAPTURE(result.all());
    CHECK(result.status == 4);
    CHECK(has(result.err, "can be written by"));
    CHECK(has(result.err, "chmod go-w '" + file.string() + "'"));
    CHECK(sandbox.requests().size() == asked);
    // Only root's files are never those of a private group.
    if (::geteuid() != 0) break;
  }
}

TEST_CASE("a kubeconfig that is no kubeconfig: one clear line, status 2") {
  Sandbox sandbox;
  const auto file = [&](const std::string& name, const std::string& content) {
    const auto path = sandbox.directory() / name;
    write_file(path, content);
    return path.string();
  };
  struct Case {
    std::string path;
    std::string words;
  };
  const std::vector<Case> cases{
      {(sandbox.directory() / "nowhere").string(), "No such file or directory"},
      {(sandbox.directory() / "nowhere" / "x").string(), "No such file or directory"},
      {file("empty", ""), "the file is empty"},
      {file("not-yaml", "a: [\n"), "kubectl cannot read the kubeconfig"},
      {file("no-kubeconfig", "a: b\n"), "has no context"},
  };
  for (const auto& each : cases) {
    for (const bool downstream : {true, false}) {
      CAPTURE(each.path);
      CAPTURE(downstream);
      Sandbox::Call call{.args = {"status"}};
      (downstream ? call.kubeconfig : call.local_kubeconfig) = each.path;
      const auto result = sandbox.retrust(call);
      CAPTURE(result.err);
      CHECK(result.status == 2);
      CHECK(has(result.err, each.words));
      CHECK(result.out.empty());
    }
  }
}

TEST_CASE("a printed command names the kubectl that the operator named") {
  Sandbox sandbox;
  const auto folder = sandbox.directory() / "my tools";
  fs::create_directory(folder);
  const auto kubectl = folder / "k";
  const char* named = std::getenv("RETRUST_TEST_KUBECTL");
  write_file(kubectl, std::string("#!/bin/sh\nexec '") + (named == nullptr ? "kubectl" : named) +
                          "' \"$@\"\n");
  fs::permissions(kubectl, fs::perms::owner_all);
  const auto typed = "'" + kubectl.string() + "' --kubeconfig=";
  const auto plan = sandbox.retrust({.args = {"plan"}, .kubectl = kubectl.string()});
  CAPTURE(plan.all());
  CHECK(plan.status == 3);
  CHECK(has(plan.out, "       " + typed));
  CHECK_FALSE(has(plan.out, " kubectl --kubeconfig="));
  const auto wrong =
      sandbox.retrust({.args = {"status"}, .cluster = "elsewhere", .kubectl = kubectl.string()});
  CAPTURE(wrong.all());
  CHECK(has(wrong.err, ": " + typed));
}

/// The lines of a text without the digits in them.
std::vector<std::string> without_digits(const std::string& text) {
  auto lines = lines_of(text);
  for (auto& line : lines) std::erase_if(line, [](char c) { return c >= '0' && c <= '9'; });
  return lines;
}

/// The text without what the sanitizer says. It opens a file to look at an object, and takes the
/// object for none where it cannot.
std::string without_sanitizer(const std::string& text) {
  std::string rest;
  for (const auto& line : lines_of(text)) {
    if (!has(line, ": runtime error: ") && !has(line, "SUMMARY: ")) rest += line + "\n";
  }
  return rest;
}

TEST_CASE("where too few files may be open, no message names a source file of a library") {
  Sandbox sandbox;
  auto at_start = 0;
  for (int files = 5; files < 24; ++files) {
    const auto shell = fmt::format("ulimit -n {}; exec \"$@\"", files);
    const auto result = sandbox.retrust({.args = {"status"}, .shell = shell});
    CAPTURE(result.all());
    CHECK(result.status != 0);
    CHECK_FALSE(has(result.all(), "[system:"));
    CHECK_FALSE(has(without_sanitizer(result.all()), ".ipp"));
    CHECK_FALSE(has(result.err, "defect of retrust"));
    if (has(result.err, "cannot go on: Too many open files")) ++at_start;
  }
  CHECK(at_start > 0);
}

TEST_CASE("a failure is told once, and the last line tells what to do next") {
  Sandbox sandbox;
  int files = 0;
  const auto changed = [&](const std::string& name, const auto& change) {
    auto config = boost::json::parse(read_file(sandbox.file(name)));
    change(config);
    const auto path = sandbox.directory() / (std::to_string(++files) + "-" + name);
    write_file(path, boost::json::serialize(config));
    return path.string();
  };
  const auto away = [](boost::json::value& config) {
    config.at_pointer("/clusters/0/cluster").as_object()["server"] = "https://127.0.0.1:9";
  };
  const auto no_context = [](boost::json::value& config) {
    config.as_object().erase("current-context");
  };
  const auto stranger = [](boost::json::value& config) {
    config.at_pointer("/users/0/user") = {{"token", "nobody"}};
  };
  const auto plugin = sandbox.directory() / "plugin";
  write_file(plugin, "#!/bin/sh\necho session expired >&2\necho log in >&2\nexit 1\n");
  fs::permissions(plugin, fs::perms::owner_all);
  const auto logged_out = [&](boost::json::value& config) {
    config.at_pointer("/users/0/user") = {{"exec",
                                           {{"apiVersion", "client.authentication.k8s.io/v1"},
                                            {"command", plugin.string()},
                                            {"interactiveMode", "Never"}}}};
  };
  const std::string downstream = "downstream.kubeconfig";
  const std::string local = "local.kubeconfig";
  struct Case {
    Sandbox::Call call;
    std::string words;
    std::string next;
  };
  const std::vector<Case> cases{
      {{.args = {}, .kubeconfig = changed(downstream, away)},
       "the API server of the downstream cluster",
       " get --raw /readyz"},
      {{.args = {}, .local_kubeconfig = changed(local, away)},
       "the API server of the local cluster",
       " get --raw /readyz"},
      {{.args = {},
        .kubeconfig = changed(downstream, away),
        .local_kubeconfig = changed(local, away)},
       "neither cluster answers",
       "VPN"},
      {{.args = {}, .kubeconfig = changed(downstream, stranger)},
       "Unauthorized",
       "fetch a fresh one"},
      {{.args = {}, .local_kubeconfig = changed(local, stranger)},
       "logged in",
       "fetch a fresh one"},
      {{.args = {}, .kubeconfig = changed(downstream, logged_out)},
       "gave no credentials",
       "downstream.kubeconfig version"},
      {{.args = {"--context", "nowhere"}}, "its contexts: downstream", "--context=downstream"},
      {{.args = {"--local-context", "nowhere"}}, "its contexts: local", "--local-context=local"},
      {{.args = {}, .kubeconfig = changed(downstream, no_context)},
       "names no current context; its contexts: downstream",
       "retrust status --context=downstream --kubeconfig "},
      {{.args = {}, .local_kubeconfig = changed(local, no_context)},
       "names no current context; its contexts: local",
       "retrust status --local-context=local --kubeconfig "},
      {{.args = {}, .cluster = "elsewhere"},
       "Rancher knows no cluster elsewhere",
       "local.kubeconfig get clusters.management.cattle.io -o 'jsonpath="},
      {{.args = {}, .kubeconfig = sandbox.file("downstream-before-renewal.kubeconfig")},
       "was made before the renewal",
       "fetch a fresh"}};
  for (auto each : cases) {
    CAPTURE(each.words);
    each.call.args.insert(each.call.args.begin(), "status");
    const auto result = sandbox.retrust(each.call);
    CAPTURE(result.all());
    CHECK(has(result.err, each.words));
    CHECK_FALSE(has(result.err, "withheld"));
    auto lines = without_digits(result.err);
    REQUIRE_FALSE(lines.empty());
    CHECK(has(lines.back(), each.next));
    std::sort(lines.begin(), lines.end());
    CHECK(std::adjacent_find(lines.begin(), lines.end()) == lines.end());
  }
}

TEST_CASE("a kubectl that is missing, hangs, dies, or prints what is no answer") {
  Sandbox sandbox;
  const auto script = [&](const std::string& name, const std::string& body) {
    const auto path = sandbox.directory() / name;
    write_file(path, "#!/bin/sh\n" + body + "\n");
    fs::permissions(path, fs::perms::owner_all);
    return path.string();
  };
  struct Case {
    std::string kubectl;
    int status;
    std::string words;
  };
  const std::vector<Case> cases{
      {"no-such-kubectl", 2, "cannot find no-such-kubectl"},
      {sandbox.directory().string(), 2, "cannot run"},
      {script("hangs", "exec sleep 1000"), 6, "no answer"},
      {script("dies", "kill -KILL $$"), 1, "was killed by signal 9"},
      {script("fails", "echo 'the disk is full' >&2; exit 3"), 1, "the disk is full"},
      {script("broken", "echo '{\"kind\":'"), 4, "what is not JSON"},
      {script("large", "head -c 50000000 /dev/zero | tr '\\0' x"), 4, "printed more than"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.kubectl);
    const auto result =
        sandbox.retrust({.args = {"status", "--command-timeout", "2s"}, .kubectl = each.kubectl});
    CAPTURE(result.err);
    CHECK(result.status == each.status);
    CHECK(has(result.err, each.words));
  }
  CHECK(sandbox.changes().empty());
}

TEST_CASE("a kubectl without standard input asks no other server, and is told as such") {
  Sandbox sandbox;
  const auto path = sandbox.directory() / "kubectl-without-input";
  write_file(path, "#!/bin/sh\nexec \"${RETRUST_TEST_KUBECTL:-kubectl}\" \"$@\" </dev/null\n");
  fs::permissions(path, fs::perms::owner_all);
  const auto result = sandbox.retrust({.args = run_yes, .kubectl = path.string()});
  CAPTURE(result.all());
  CHECK(result.status == 1);
  CHECK(has(result.err, "got no temporary kubeconfig on its standard input"));
  CHECK_FALSE(has(result.all(), "localhost:8080"));
  CHECK_FALSE(has(result.all(), "is not good for the cluster"));
}

TEST_CASE("a limit of open files is told as such") {
  Sandbox sandbox;
  // retrust starts no child with 4 descriptors, and one or two with 24.
  for (const std::string limit : {"4", "24"}) {
    const auto result = sandbox.retrust(
        {.args = run_yes,
         .shell = "for i in /proc/self/fd/*; do i=${i##*/}; ((i < 3)) || eval \"exec $i>&-\"; "
                  "done; ulimit -n " +
                  limit + R"(; exec "$@")"});
    CAPTURE(limit);
    CAPTURE(result.all());
    CHECK(result.status == 1);
    CHECK(has(result.err, "Too many open files"));
    CHECK(has(result.err, "ulimit -n 1024"));
    CHECK_FALSE(has(result.err, "--kubectl"));
    CHECK(sandbox.changes().empty());
  }
}

TEST_CASE("an answer that cannot be trusted is refused, by status 1 after the first change") {
  Sandbox sandbox;
  const auto path = sandbox.directory() / "kubectl-and-more";
  const auto changed = (sandbox.directory() / "changed").string();
  const auto script = [&](const std::string& words) {
    write_file(path, "#!/bin/sh\nkubectl=${RETRUST_TEST_KUBECTL:-kubectl}\n" + words +
                         "\nexec \"$kubectl\" \"$@\"\n");
    fs::permissions(path, fs::perms::owner_all);
  };
  auto status = 4;
  std::string asked = "cluster, kubectl get";
  SUBCASE("before") {
    script("case \" $* \" in *' get '* | *' config '*) echo nonsense ;; esac");
    asked = "cluster, kubectl config view";
  }
  SUBCASE("after") {
    script("case \" $* \" in *' delete '*) touch '" + changed + "' ;; *' get '*) [ ! -e '" +
           changed + "' ] || echo nonsense ;; esac");
    status = 1;
  }
  const auto result = sandbox.retrust({.args = run_yes, .kubectl = path.string()});
  CAPTURE(result.all());
  CHECK(result.status == status);
  CHECK(has(result.err, asked));
  CHECK(has(result.err, "printed what is not JSON"));
  // The advice names no temporary kubeconfig, which is gone.
  const std::regex advice(
      "/sandbox/(downstream|local)[.]kubeconfig( --context=[a-z]+)? cluster-info");
  CHECK(std::regex_search(result.err, advice));
  CHECK(sandbox.changes().empty() == (status == 4));
}

}  // namespace
}  // namespace retrust::e2e
