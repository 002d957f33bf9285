// `retrust list`: all clusters of Rancher, by the local kubeconfig alone, or with live credentials.
#include <cstdlib>
#include <map>
#include <regex>
#include <sstream>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "base/encoding.h"
#include "sandbox.h"
#include "secrets.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;
using Texts = std::vector<std::string>;

Sandbox::Call list(Texts args = {}) {
  args.insert(args.begin(), "list");
  return {.args = std::move(args), .without = {"--kubeconfig", "--cluster"}};
}

Texts cells(const std::string& line) {
  std::istringstream stream(line);
  Texts found;
  for (std::string cell; stream >> cell;) found.push_back(cell);
  return found;
}

/// The rows of a table by the name of the cluster.
std::map<std::string, Texts> rows(const std::string& table) {
  std::map<std::string, Texts> found;
  for (const auto& line : lines_of(table)) {
    auto row = cells(line);
    REQUIRE(row.size() >= 7);
    auto name = row[1];
    found[name] = std::move(row);
  }
  return found;
}

/// The clusters of -o json by name.
std::map<std::string, json::value> reported(const std::string& out) {
  std::map<std::string, json::value> found;
  const auto report = json::parse(out);
  for (const auto& each : report.at("clusters").as_array()) {
    found[text(each, "/displayName")] = each;
  }
  return found;
}

void replace_cluster(Sandbox& sandbox, const json::value& object) {
  auto changed = object;
  changed.at("metadata").as_object().erase("resourceVersion");
  const auto path = sandbox.directory() / "object.json";
  write_file(path, json::serialize(changed));
  const auto done = sandbox.kubectl("local", {"replace", "--validate=false", "-f", path.string()});
  CAPTURE(done.err);
  REQUIRE(done.status == 0);
}

json::value cluster(Sandbox& sandbox, const std::string& id) {
  return sandbox.get("local", {"clusters.management.cattle.io", id});
}

void remove_cluster(Sandbox& sandbox, const std::string& id) {
  REQUIRE(sandbox.kubectl("local", {"delete", "clusters.management.cattle.io", id}).status == 0);
}

TEST_CASE("clusters in every state are listed, the most urgent first") {
  Sandbox sandbox({"--rancher", "2.15", "--kubernetes", "1.30", "--records", "20"});
  const auto before = sandbox.versions();
  const auto listed = sandbox.retrust(list());
  CAPTURE(listed.all());
  CHECK(listed.status == 3);
  const auto lines = lines_of(listed.out);
  REQUIRE(lines.size() == 24);
  CHECK(cells(lines.front()) ==
        Texts{"ID", "NAME", "STATE", "CA-ENDS", "LEFT", "COMPLETE", "DRIVER"});
  for (const auto& line : lines) CHECK(line.size() <= 80);
  const auto found = rows(listed.out);
  const std::map<std::string, std::string> states{
      {"prod-0001", "ok"},           {"prod-0002", "x509"},  {"prod-0004", "unauthorized"},
      {"prod-0006", "disconnected"}, {"prod-0013", "other"}, {"production", "x509"},
      {"prod-0010", "disconnected"}, {"local", "ok,own"}};
  for (const auto& [name, state] : states) {
    CAPTURE(name);
    CHECK(found.at(name)[2] == state);
  }
  CHECK(found.at("prod-0002")[4] == "-2d");
  CHECK(found.at("prod-0001")[5] == "yes");
  CHECK(found.at("prod-0015")[5] == "no");
  // First what Rancher cannot reach, in the middle what will be, last its own cluster.
  const auto place = [&](const std::string& name) {
    return std::find_if(lines.begin(), lines.end(),
                        [&](const std::string& line) { return cells(line)[1] == name; }) -
           lines.begin();
  };
  CHECK(place("production") < place("prod-0006"));
  CHECK(place("prod-0006") < place("prod-0009"));
  CHECK(place("prod-0009") < place("prod-0003"));
  CHECK(place("prod-0003") < place("prod-0001"));
  CHECK(place("local") == 23);
  // The next action stands beside the table, which stays whole for a program.
  CHECK(has(listed.err, "retrust status --cluster=" + cells(lines[1])[0] + " "));
  CHECK(has(listed.err, "--kubeconfig=FILE"));
  CHECK_FALSE(has(listed.out, "Next"));
  CHECK(sandbox.retrust(list({"-q"})).err.empty());

  const auto by_processes = list({"--no-session"});
  // A day may end between the two.
  const auto without_days = [](const std::string& text) {
    return std::regex_replace(text, std::regex(" +-?[0-9]+[dh] +"), " ");
  };
  CHECK(without_days(sandbox.retrust(by_processes).out) == without_days(listed.out));
  CHECK(sandbox.versions() == before);
  CHECK(sandbox.changes().empty());
}

TEST_CASE("more columns, names and JSON of the same clusters") {
  Sandbox sandbox({"--rancher", "2.15", "--kubernetes", "1.30", "--records", "20"});
  const auto table = sandbox.retrust(list());
  const auto wide = sandbox.retrust(list({"-o", "wide"}));
  CHECK(wide.status == 3);
  const auto found = rows(wide.out);
  CHECK(found.at("prod-0003").at(7) == "v1.29.9+k3s1");
  CHECK(found.at("prod-0003").at(9).starts_with("secret/cluster-serviceaccounttoken-"));
  CHECK(found.at("prod-0018").at(10) == "CA");
  CHECK(found.at("prod-0015").at(10) == "token");
  CHECK(has(found.at("prod-0001").at(8), "-"));

  const auto names = sandbox.retrust(list({"-o", "name"}));
  CHECK(names.status == 3);
  CHECK(names.err.empty());
  auto expected = lines_of(table.out);
  expected.erase(expected.begin());
  expected.pop_back();  // Rancher's own
  for (auto& line : expected) line = "clusters.management.cattle.io/" + cells(line)[0];
  CHECK(lines_of(names.out) == expected);
  // kubectl takes them as they are.
  CHECK(sandbox.kubectl("local", {"get", lines_of(names.out).front()}).status == 0);

  const auto report = sandbox.retrust(list({"-o", "json"}));
  CHECK(report.status == 3);
  CHECK(report.err.empty());
  const auto all = reported(report.out);
  CHECK(all.size() == 23);
  CHECK(json::parse(report.out).at("needsAttention").as_bool());
  const auto& broken = all.at("prod-0002");
  CHECK(text(broken, "/state") == "x509");
  CHECK(has(text(broken, "/ready/message"), "x509: certificate signed by unknown authority"));
  CHECK(broken.at_pointer("/stored/caDaysLeft").as_int64() < 0);
  CHECK(text(broken, "/registration/state") == "limited");
  CHECK(all.at("local").at("own").as_bool());
  CHECK(all.at("local").at("attention").as_array().empty());
  CHECK(text(all.at("prod-0015"), "/stored/missing/0") == "token");
}

TEST_CASE("no token shows, wherever Rancher keeps it") {
  for (const std::string rancher : {"2.4", "2.12", "2.15"}) {
    CAPTURE(rancher);
    Sandbox sandbox({"--rancher", rancher, "--records", "20"});
    auto tokens = secrets(sandbox);
    const auto registrations = sandbox.get(
        "local", {"clusterregistrationtokens.management.cattle.io", "--all-namespaces"});
    for (const auto& each : registrations.at("items").as_array()) {
      const auto token = text(each, "/status/token");
      if (!token.empty()) tokens.insert(token);
    }
    for (const Texts& args : {Texts{}, Texts{"-v"}, Texts{"-o", "wide", "--no-session"},
                              Texts{"-o", "json", "-v"}, Texts{"-o", "name"}}) {
      const auto listed = sandbox.retrust(list(args));
      CHECK(listed.status == 3);
      check_hidden(tokens, "the output", listed.all());
    }
    const auto place = rows(sandbox.retrust(list({"-o", "wide"})).out).at("prod-0001").at(9);
    CHECK(place.starts_with("secret/") == (rancher != "2.4"));
    CHECK((place == "record") == (rancher == "2.4"));
  }
}

TEST_CASE("the exit status is 0 if no cluster needs attention, and days decide") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--scenario", "healthy"});
  // A cluster of which Rancher has no token.
  remove_cluster(sandbox, "c-m4q9d");
  const auto listed = sandbox.retrust(list({"--warn-days", "0"}));
  CAPTURE(listed.all());
  CHECK(listed.status == 0);
  CHECK(listed.err.empty());
  CHECK(rows(listed.out).at("production")[2] == "ok");
  auto wary = list();
  wary.environment = {{"RETRUST_WARN_DAYS", "36500"}};
  const auto warned = sandbox.retrust(wary);
  CHECK(warned.status == 3);
  CHECK(has(warned.err, "retrust status --cluster=c-x7k2p"));
  const auto file = sandbox.directory() / "retrust.conf";
  write_file(file, "warn-days = 36500\n");
  CHECK(sandbox.retrust(list({"--config", file.string()})).status == 3);
  CHECK(sandbox.retrust(list({"--config", file.string(), "--warn-days=0"})).status == 0);
  for (const std::string days : {"soon", "-1", "36501"}) {
    CHECK(sandbox.retrust(list({"--warn-days=" + days})).status == 2);
  }
  CHECK(sandbox.retrust({"status", "-o", "wide"}).status == 2);
  auto another = list();
  another.without = {"--kubeconfig"};
  CHECK(has(sandbox.retrust(another).err, "--cluster has no meaning for list"));
}

TEST_CASE("a Rancher without clusters but its own says so") {
  Sandbox sandbox({"--rancher", "2.12", "--hostile", "local none"});
  remove_cluster(sandbox, "c-m4q9d");
  // The sandbox needs its cluster: the answer alone lacks it.
  sandbox.tell(R"(hostile local clusters.management.cattle.io/metadata/name json="local")");
  const auto none = sandbox.retrust(list());
  CAPTURE(none.all());
  CHECK(none.status == 0);
  CHECK(has(none.err, "No clusters"));
  CHECK(rows(none.out).contains("local"));
  const auto names = sandbox.retrust(list({"-o", "name"}));
  CHECK(names.status == 0);
  CHECK(names.out.empty());
}

TEST_CASE("a cluster that Rancher deletes is marked, and needs no attention") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
  remove_cluster(sandbox, "c-m4q9d");
  auto resource = cluster(sandbox, "c-x7k2p");
  resource.at("metadata").as_object()["deletionTimestamp"] = "2026-11-26T03:00:00Z";
  resource.at("metadata").as_object()["finalizers"] = json::array{"example.com/waits"};
  replace_cluster(sandbox, resource);
  const auto listed = sandbox.retrust(list());
  CAPTURE(listed.all());
  CHECK(listed.status == 0);
  CHECK(rows(listed.out).at("production")[2] == "x509,deleting");
  const auto report = reported(sandbox.retrust(list({"-o", "json"})).out);
  CHECK(text(report.at("production"), "/deletedAt") == "2026-11-26T03:00:00Z");
}

TEST_CASE("what the user may not read is unknown, and told once") {
  Sandbox sandbox({"--rancher", "2.15", "--kubernetes", "1.30", "--records", "5", "--fault",
                   "forbidden-local=secrets,clusterregistrationtokens.management.cattle.io"});
  const auto listed = sandbox.retrust(list({"-o", "wide"}));
  CAPTURE(listed.all());
  CHECK(listed.status == 3);
  const auto found = rows(listed.out);
  CHECK(found.at("prod-0001").at(2) == "ok");
  CHECK(found.at("prod-0001").at(5) == "unknown");
  CHECK(found.at("prod-0001").at(8) == "unknown");
  CHECK(times(listed.err, "whether Rancher has the clusters' tokens is unknown") == 1);
  CHECK(times(listed.err, "the end of the registration tokens is unknown") == 1);
  const auto report = sandbox.retrust(list({"-o", "json"}));
  const auto unread = json::parse(report.out).at("unread").as_array();
  CHECK(unread.size() == 2);
  CHECK(reported(report.out).at("prod-0001").at_pointer("/stored/complete").is_null());
}

TEST_CASE("who may not list clusters is told which permission is missing") {
  Sandbox sandbox({"--fault", "forbidden-local=clusters.management.cattle.io"});
  const auto calls = {list(), list({"--no-session"}), list({"-o", "json"})};
  const auto& json = *std::prev(calls.end());
  for (const auto& call : calls) {
    const auto refused = sandbox.retrust(call);
    CAPTURE(refused.all());
    CHECK(refused.status == 6);
    CHECK(has(refused.out, R"({"code":"forbidden","status":6,"message":")") == (&call == &json));
    CHECK(refused.out.empty() == (&call != &json));
    CHECK(has(refused.err, "clusters.management.cattle.io"));
    CHECK(has(refused.err, "lacks a permission"));
  }
}

TEST_CASE("the kubeconfig of a downstream cluster, and a server that is away, are told apart") {
  Sandbox sandbox({"--rancher", "2.12"});
  auto swapped = list();
  swapped.local_kubeconfig = sandbox.file("downstream.kubeconfig");
  const auto refused = sandbox.retrust(swapped);
  CAPTURE(refused.all());
  CHECK(refused.status == 4);
  CHECK(has(refused.err, "no clusters.management.cattle.io: Rancher does not run there"));
  CHECK(has(refused.err, "not one of a downstream cluster"));
  sandbox.tell("stop local");
  const auto away = sandbox.retrust(list());
  CAPTURE(away.all());
  CHECK(away.status == 6);
  CHECK(away.out.empty());
  CHECK(has(away.err, "the API server of the local cluster"));
  CHECK(times(away.err, "retrust: ") == 1);
}

TEST_CASE("a terminal gets colours, and a pipe none") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
  const auto shown = [&](const Sandbox::Call& call) {
    const auto child = sandbox.start_on_terminal(call);
    child->wait();
    return child->out();
  };
  const std::string red = "\x1b[31mc-x7k2p";
  CHECK(has(shown(list()), red));
  auto plain = list();
  plain.environment = {{"NO_COLOR", "1"}};
  const auto without = shown(plain);
  CHECK(has(without, "c-x7k2p"));
  CHECK_FALSE(has(without, red));
  CHECK_FALSE(has(sandbox.retrust(list()).all(), "\x1b"));
  CHECK(has(sandbox.retrust(list({"--color=always"})).out, red));
}

TEST_CASE("Rancher in a container needs no kubeconfig") {
  Sandbox sandbox({"--rancher", "2.12"});
  auto call =
      list({"--rancher-container", "rancher", "--docker", std::getenv("RETRUST_TEST_DOCKER")});
  call.without.insert("--local-kubeconfig");
  const auto folder = sandbox.directory() / "docker";
  std::filesystem::create_directories(folder);
  call.environment = {{"RETRUST_TEST_DOCKER_FOLDER", folder.string()},
                      {"RETRUST_TEST_DOCKER_KUBECONFIG", sandbox.file("local.kubeconfig")}};
  const auto listed = sandbox.retrust(call);
  CAPTURE(listed.all());
  CHECK(listed.status == 3);
  CHECK(rows(listed.out).at("production")[2] == "x509");
  CHECK(has(listed.err, "--rancher-container rancher"));
}

TEST_CASE("hostile records stay on their line, and become no part of a command") {
  Sandbox sandbox({"--rancher", "2.12", "--hostile", "local none"});
  sandbox.tell(R"x(hostile local clusters.management.cattle.io/spec/displayName )x"
               R"x(json="a\nb\u001b[31m$(reboot)")x");
  const auto odd = sandbox.retrust(list());
  CAPTURE(odd.all());
  CHECK(odd.status == 3);
  CHECK(lines_of(odd.out).size() == 4);
  CHECK_FALSE(has(odd.all(), "\x1b"));
  for (const auto& line : lines_of(odd.err)) {
    const auto command = line.find("retrust status");
    if (command != std::string::npos) CHECK_FALSE(has(line.substr(command), "reboot"));
  }
  sandbox.tell(R"(hostile local clusters.management.cattle.io/metadata/name json="--all")");
  const auto refused = sandbox.retrust(list());
  CAPTURE(refused.all());
  CHECK(refused.status == 4);
  CHECK(refused.out.empty());
}

TEST_CASE("a list without an end is refused") {
  Sandbox sandbox(
      {"--rancher", "2.12", "--hostile", "local clusters.management.cattle.io bare=200000"});
  const auto refused = sandbox.retrust(list());
  CAPTURE(refused.err);
  CHECK(refused.status == 4);
  CHECK(refused.out.empty());
  CHECK(has(refused.err, "more than can be taken in"));
}

Sandbox::Call list_with(const std::string& kubeconfig, Texts args = {}) {
  args.insert(args.begin(), "list");
  return {.args = std::move(args), .kubeconfig = kubeconfig, .without = {"--cluster"}};
}

/// The column LIVE by the name of the cluster.
std::map<std::string, std::string> live(const std::string& table) {
  std::map<std::string, std::string> found;
  const auto lines = lines_of(table);
  REQUIRE_FALSE(lines.empty());
  const auto begin = lines.front().find("LIVE");
  REQUIRE(begin != std::string::npos);
  for (const auto& line : lines) found[cells(line)[1]] = line.substr(begin);
  return found;
}

/// Requests to other servers than Rancher's, but those of Rancher and of agents.
std::vector<std::string> asked_downstream(const Sandbox& sandbox) {
  std::vector<std::string> found;
  for (const auto& request : sandbox.requests()) {
    if (text(request, "/server") == "local" || text(request, "/user") != "admin") continue;
    found.push_back(text(request, "/verb") + " " + text(request, "/resource"));
  }
  return found;
}

/// A kubectl that does this by words of a shell instead of reading live credentials.
std::string odd_kubectl(const Sandbox& sandbox, const std::string& words) {
  const auto path = sandbox.directory() / "odd-kubectl";
  write_file(path, "#!/bin/sh\ncase \" $* \" in *configmap/kube-root-ca.crt*) " + words +
                       " ;; esac\nexec \"${RETRUST_TEST_KUBECTL:-kubectl}\" \"$@\"\n");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path.string();
}

TEST_CASE("with kubeconfigs the live credentials are compared with the stored ones") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--clusters", "8"});
  wait_until("Rancher has said what it sees", [&] {
    return rows(sandbox.retrust(list()).out).at("store-008")[2] == "disconnected";
  });
  // The token secret of a healthy cluster.
  const auto gone =
      sandbox.kubectl("local", {"--kubeconfig=" + sandbox.file("kubeconfigs/store-003.yaml"),
                                "delete", "secret", "-n", "cattle-system", "--field-selector",
                                "type=kubernetes.io/service-account-token"});
  REQUIRE(gone.status == 0);
  const auto tokens = secrets(sandbox);
  const auto before = sandbox.changes();
  const auto folder = sandbox.file("kubeconfigs");
  const auto listed = sandbox.retrust(list_with(folder));
  CAPTURE(listed.all());
  CHECK(listed.status == 3);
  auto found = live(listed.out);
  for (const auto& name : {"production", "store-002", "store-004", "store-007", "store-008"}) {
    CAPTURE(name);
    CHECK(found.at(name) == "differs: CA");
  }
  CHECK(found.at("store-003") == "differs: token");
  // Neither the one that another cluster's file is named after, nor the one that is away.
  for (const auto& name : {"store-005", "store-006", "staging", "local"}) {
    CHECK(found.at(name) == "-");
  }
  const auto lines = lines_of(listed.out);
  CHECK(has(listed.err, "store-005.yaml, context store-005: neither its service accounts"));
  CHECK(has(listed.err, "store-006.yaml, context store-006: "));
  CHECK(has(listed.err, "cannot be reached"));
  CHECK(has(listed.err, "--kubeconfig=" + folder + "/" + cells(lines[1])[1] +
                            ".yaml --context=" + cells(lines[1])[1]));

  const auto json = sandbox.retrust(list_with(folder, {"-o", "json", "-v"}));
  CHECK(json.status == 3);
  const auto all = reported(json.out);
  const auto& hosted = all.at("store-007");
  CHECK(text(hosted, "/live/result") == "differs");
  CHECK(text(hosted, "/live/token") == "same");
  CHECK(text(hosted, "/live/ca") == "differs");
  CHECK(text(hosted, "/live/kubeconfig") == folder + "/store-007.yaml");
  CHECK(text(hosted, "/live/context") == "store-007");
  CHECK(all.at("store-005").at("live").is_null());
  CHECK(json::parse(json.out).at("unusedContexts").as_array().size() == 2);
  for (const auto& result : {listed, json}) {
    check_hidden(tokens, "the output", result.all());
    for (const auto& token : tokens) CHECK_FALSE(has(result.out, sha256_hex(token).substr(0, 12)));
  }
  // Nothing is written, and no token is reviewed.
  CHECK(sandbox.changes() == before);
  for (const auto& request : asked_downstream(sandbox)) CHECK_FALSE(has(request, "reviews"));
  CHECK(sandbox.retrust(list_with(folder, {"-o", "name"})).status == 3);
}

TEST_CASE("downstream clusters are asked only by kubeconfigs that were given to the list") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--scenario", "healthy"});
  remove_cluster(sandbox, "c-m4q9d");
  auto call = list({"--warn-days=0"});
  call.environment = {{"KUBECONFIG", sandbox.file("downstream.kubeconfig")}};
  const auto without = sandbox.retrust(call);
  CHECK(without.status == 0);
  CHECK_FALSE(has(without.out, "LIVE"));
  CHECK(asked_downstream(sandbox).empty());
  call.environment = {{"RETRUST_KUBECONFIG", sandbox.file("downstream.kubeconfig")}};
  const auto with = sandbox.retrust(call);
  CAPTURE(with.all());
  CHECK(with.status == 0);
  CHECK(with.err.empty());
  CHECK(live(with.out).at("production") == "same");
  const auto merged = sandbox.merged_kubeconfig();
  const auto all = sandbox.retrust(list_with(merged, {"--all-contexts", "--warn-days=0"}));
  CHECK(all.status == 0);
  CHECK(live(all.out).at("production") == "same");
  CHECK(has(all.err, "leads to the cluster that Rancher itself runs in"));
  const auto one = sandbox.retrust(list_with(merged, {"--context=local", "--warn-days=0"}));
  CHECK(live(one.out).at("production") == "-");
  CHECK(sandbox.retrust(list_with("/nowhere")).status == 2);
}

TEST_CASE("every Rancher and kind of account is compared alike") {
  const Texts hosted{"--rancher", "2.12",    "--kubernetes",  "1.23",      "--driver",
                     "EKS",       "--fault", "additional-ca", "--scenario"};
  const Texts early{"--rancher", "2.4", "--kubernetes", "1.20", "--scenario"};
  for (const auto& options : {hosted, early}) {
    for (const std::string scenario : {"healthy", "ca-only"}) {
      CAPTURE(scenario);
      auto words = options;
      words.push_back(scenario);
      Sandbox sandbox(words);
      const auto listed = sandbox.retrust(list_with(sandbox.file("downstream.kubeconfig")));
      CAPTURE(listed.all());
      CHECK(live(listed.out).at("production") == (scenario == "healthy" ? "same" : "differs: CA"));
    }
  }
}

TEST_CASE("what is not certain is no difference") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30", "--scenario", "healthy"});
  remove_cluster(sandbox, "c-m4q9d");
  sandbox.tell("gain-ca");
  const auto call = list_with(sandbox.file("downstream.kubeconfig"), {"--warn-days=0"});
  const auto gained = sandbox.retrust(call);
  CAPTURE(gained.all());
  CHECK(gained.status == 0);
  CHECK(live(gained.out).at("production") == "unclear: CA");

  auto hanging = call;
  hanging.kubectl = odd_kubectl(sandbox, "exec sleep 60");
  const auto late = sandbox.retrust(hanging);
  CAPTURE(late.all());
  CHECK(late.status == 0);
  CHECK(live(late.out).at("production") == "no answer");
  CHECK(has(late.err, "production (c-x7k2p) by "));
  auto denied = call;
  denied.kubectl = odd_kubectl(sandbox, "echo 'error: You must be logged in' >&2; exit 1");
  CHECK(live(sandbox.retrust(denied).out).at("production") == "no answer");

  const auto swapped = sandbox.directory() / "swapped.kubeconfig";
  write_file(swapped, read_file(sandbox.file("downstream.kubeconfig")));
  std::filesystem::permissions(
      swapped, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const Sandbox other;
  auto another = list_with(swapped.string(), {"--warn-days=0"});
  another.kubectl = odd_kubectl(
      sandbox, "cp '" + other.file("downstream.kubeconfig") + "' '" + swapped.string() + "'");
  const auto swap = sandbox.retrust(another);
  CAPTURE(swap.all());
  CHECK(swap.status == 0);
  CHECK(live(swap.out).at("production") == "no answer");
  CHECK(has(swap.err, "another cluster than a moment ago"));
}

TEST_CASE("a list that cannot be written ends with 1") {
  Sandbox sandbox;
  for (const std::string format : {"text", "wide", "json", "name"}) {
    auto call = list({"-o", format});
    call.shell = R"(exec "$@" >/dev/full)";
    CHECK(sandbox.retrust(call).status == 1);
  }
}

TEST_CASE("a name that holds a token of the kubeconfig shows it nowhere") {
  Sandbox sandbox;
  const auto token =
      text(boost::json::parse(read_file(sandbox.file("local.kubeconfig"))), "/users/0/user/token");
  const auto named =
      sandbox.kubectl("local", {"patch", "clusters.management.cattle.io", "c-x7k2p", "--type=merge",
                                "-p", R"({"spec":{"displayName":"X)" + token + R"("}})"});
  CAPTURE(named.all());
  REQUIRE(named.status == 0);
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"list"},
        {"list", "-o", "json"},
        {"plan", "--all-clusters"},
        {"run", "--all-clusters", "--yes", "--no-rancher-backup"}}) {
    Sandbox::Call call{.args = args, .without = {"--cluster"}};
    if (args.front() == "list") call.without.insert("--kubeconfig");
    const auto shown = sandbox.retrust(call);
    CAPTURE(shown.all());
    CHECK_FALSE(shown.all().find(token) != std::string::npos);
    CHECK(shown.status == (args.front() == "run" ? 0 : 3));
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(sandbox.run_folder())) {
    CAPTURE(entry.path().string());
    CHECK_FALSE(entry.path().string().find(token) != std::string::npos);
  }
}

}  // namespace
}  // namespace retrust::e2e
