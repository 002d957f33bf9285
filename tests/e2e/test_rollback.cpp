// The way back from a run: `retrust rollback DIR`.
#include <cstdlib>
#include <filesystem>
#include <signal.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "sandbox.h"
#include "secrets.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

json::value cluster(Sandbox& sandbox) {
  return sandbox.get("local", {"clusters.management.cattle.io", "c-x7k2p"});
}

/// A resource to be compared. No text comes of it where a check fails: there is a token in it.
struct Whole {
  json::value object;
  bool operator==(const Whole&) const = default;
};

/// The clusters resource apart from what the API server and Rancher write while it is used.
Whole stored(Sandbox& sandbox) {
  auto now = cluster(sandbox);
  for (const char* each : {"resourceVersion", "generation", "managedFields"}) {
    now.at("metadata").as_object().erase(each);
  }
  now.at("status").as_object().erase("conditions");
  return {now};
}

/// With a mark that somebody else set meanwhile.
Whole marked(Whole whole) {
  auto& metadata = whole.object.at("metadata").as_object();
  auto& annotations = metadata["annotations"];
  if (!annotations.is_object()) annotations.emplace_object();
  annotations.as_object()["example.com/changed-by"] = "somebody-else";
  return whole;
}

/// How many tokens the API servers were asked about.
std::size_t token_reviews(Sandbox& sandbox) {
  std::size_t count = 0;
  for (const auto& request : sandbox.requests()) {
    if (has(text(request, "/resource"), "tokenreviews")) ++count;
  }
  return count;
}

/// The folder of a run that repaired the cluster.
fs::path repaired(Sandbox& sandbox) {
  const auto run = sandbox.run();
  if (run.status != 0) throw std::runtime_error(run.all());
  return sandbox.run_folder();
}

Result rollback(Sandbox& sandbox, const fs::path& folder,
                std::vector<std::string> more = {"--yes"}) {
  std::vector<std::string> args{"rollback", folder.string()};
  args.insert(args.end(), more.begin(), more.end());
  return sandbox.retrust(args);
}

/// Makes a run's folder one of retrust 0.1.0, whose transcript has no SHA-256 of files.
void forget_records(const fs::path& folder) {
  std::string lines;
  for (const auto& line : lines_of(read_file(folder / "transcript.jsonl"))) {
    auto event = json::parse(line);
    event.as_object().erase("file");
    event.as_object().erase("sha256");
    lines += json::serialize(event) + "\n";
  }
  write_file(folder / "transcript.jsonl", lines);
}

/// Somebody else's change of the resource.
void patch(Sandbox& sandbox, const std::string& merge) {
  const auto result = sandbox.kubectl(
      "local", {"patch", "clusters.management.cattle.io", "c-x7k2p", "--type=merge", "-p", merge});
  if (result.status != 0) throw std::runtime_error(result.err);
}

TEST_CASE("a rollback puts back what was stored, and nothing else; then there is none to do" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  const auto before = stored(sandbox);
  const auto folder = repaired(sandbox);
  CHECK_FALSE(stored(sandbox) == before);
  patch(sandbox, R"({"metadata":{"annotations":{"example.com/changed-by":"somebody-else"}}})");
  const auto after = stored(sandbox);

  const auto tokens = secrets(sandbox);
  const auto back = rollback(sandbox, folder);
  CAPTURE(back.all());
  CHECK(back.status == 0);
  CHECK(stored(sandbox) == marked(before));
  CHECK(has(back.out, "+++ as it was saved"));
  CHECK(has(back.err, "the cluster rejects the token that is put back"));
  check_hidden(tokens, "output", back.all());
  check_hidden(tokens, "transcripts", transcripts(sandbox.run_folder()));
  CHECK(has(document_words(sandbox.run_folder()), "rollback"));
  const auto its_folder = sandbox.run_folder();

  const auto again = rollback(sandbox, folder);
  CHECK(again.status == 0);
  CHECK(has(again.out, "nothing is needed: Rancher"));
  CHECK(stored(sandbox) == marked(before));

  // A rollback saves what it replaces, so that it can be taken back itself.
  CHECK(rollback(sandbox, its_folder).status == 0);
  CHECK(stored(sandbox) == after);
}

TEST_CASE("what somebody else changed since is left alone, unless it is to be overwritten" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  const auto before = stored(sandbox);
  const auto folder = repaired(sandbox);
  std::string part;
  SUBCASE("the token") {
    patch(sandbox, R"({"status":{"serviceAccountToken":"another-token-of-somebody-else"}})");
    part = "the token that Rancher has stored";
  }
  SUBCASE("the CA") {
    patch(sandbox, R"({"status":{"caCert":"bm8gY2VydGlmaWNhdGU="}})");
    part = "the CA that Rancher has stored";
  }
  const auto theirs = stored(sandbox);
  const auto back = rollback(sandbox, folder);
  CAPTURE(back.all());
  CHECK(back.status == 4);
  CHECK(has(back.err, part));
  CHECK(has(back.err, "somebody else changed it since"));
  CHECK(stored(sandbox) == theirs);
  CHECK(rollback(sandbox, folder, {"--yes", "--overwrite"}).status == 0);
  CHECK(stored(sandbox) == before);
}

TEST_CASE("a change in between is not overwritten" * doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  const auto before = stored(sandbox);
  const auto folder = repaired(sandbox);
  const auto back = sandbox.retrust(
      {.args = {"rollback", folder.string(), "--yes"}, .kubectl = sandbox.conflicting_kubectl()});
  CAPTURE(back.all());
  CHECK(back.status == 0);
  CHECK(has(back.err, "somebody else changed the clusters resource"));
  CHECK(stored(sandbox) == marked(before));
}

TEST_CASE("a change in between that is somebody else's is seen, and left alone") {
  Sandbox sandbox;
  const auto folder = repaired(sandbox);
  const auto kubectl = sandbox.conflicting_kubectl(
      "patch clusters.management.cattle.io c-x7k2p --type=merge -p "
      "'{\"status\":{\"caCert\":\"bm8gY2VydGlmaWNhdGU=\"}}'");
  const auto back =
      sandbox.retrust({.args = {"rollback", folder.string(), "--yes"}, .kubectl = kubectl});
  CAPTURE(back.all());
  CHECK(back.status == 4);
  CHECK(has(back.err, "somebody else changed it since"));
  CHECK(text(cluster(sandbox), "/status/caCert") == "bm8gY2VydGlmaWNhdGU=");
}

TEST_CASE("what agents reported after a step alone is known to come of it") {
  Sandbox sandbox({"--scenario", "ca-only"});
  const auto before = stored(sandbox);
  CHECK(sandbox.retrust({"step", "recreate-agents", "--yes"}).status == 0);
  const auto folder = sandbox.run_folder();
  wait_until("the report", [&] { return sandbox.ready() == "True"; });
  CHECK_FALSE(stored(sandbox) == before);
  const auto back = rollback(sandbox, folder);
  CAPTURE(back.all());
  CHECK(back.status == 0);
  // Its key is the old one: the token is still good.
  CHECK_FALSE(has(back.err, "rejects the token"));
  CHECK(stored(sandbox) == before);
}

TEST_CASE("as JSON: every line an event") {
  Sandbox sandbox;
  const auto folder = repaired(sandbox);
  const auto back = rollback(sandbox, folder, {"--yes", "-o", "json"});
  CHECK(back.status == 0);
  const auto lines = lines_of(back.out);
  REQUIRE_FALSE(lines.empty());
  for (const auto& line : lines) CHECK(json::parse(line).at("version") == 1);
  CHECK(text(json::parse(lines.back()), "/event") == "run_ended");
}

TEST_CASE("interrupted, it has changed all or nothing, and says so") {
  Sandbox sandbox;
  const auto before = stored(sandbox);
  const auto folder = repaired(sandbox);
  const auto after = stored(sandbox);
  const auto mark = sandbox.directory() / "replacing";
  const auto hanging = sandbox.replacing_kubectl("touch '" + mark.string() + "'; exec sleep 600");
  const auto child =
      sandbox.start({.args = {"rollback", folder.string(), "--yes"}, .kubectl = hanging});
  wait_until("it replaces", [&] { return fs::exists(mark); });
  child->signal(SIGINT);
  CHECK(child->wait() == 130);
  CHECK(has(child->err(), "interrupted by signal 2"));
  CHECK(has(transcripts(sandbox.run_folder()), "interrupted by signal 2"));
  CHECK(stored(sandbox) == after);
  CHECK(rollback(sandbox, folder).status == 0);
  CHECK(stored(sandbox) == before);
}

TEST_CASE("without the downstream cluster's kubeconfig the token is not tried") {
  Sandbox sandbox;
  const auto before = stored(sandbox);
  const auto folder = repaired(sandbox);
  const auto back = sandbox.retrust(
      {.args = {"rollback", folder.string(), "--yes"},
       .environment = {{"RETRUST_RKE_CONFIG", "/nonexistent"}, {"RETRUST_SNAPSHOT_NAME", "a/b"}},
       .without = {"--kubeconfig", "--cluster"}});
  CAPTURE(back.all());
  CHECK(back.status == 0);
  CHECK(has(back.err, "was not tried: --kubeconfig was not given"));
  CHECK(stored(sandbox) == before);
}

TEST_CASE("it asks before it changes anything") {
  Sandbox sandbox;
  const auto before = stored(sandbox);
  const auto folder = repaired(sandbox);
  const auto after = stored(sandbox);
  CHECK(rollback(sandbox, folder, {}).status == 2);
  Sandbox::Call call;
  call.args = {"rollback", folder.string()};
  const auto no = sandbox.answered(call, "no");
  CHECK(no.status == 7);
  CHECK(has(no.out, "Put this back for cluster production (c-x7k2p)?"));
  CHECK(
      has(transcripts(sandbox.run_folder()),
          "To do it, give the command again and answer yes: retrust rollback " + folder.string()));
  CHECK(stored(sandbox) == after);
  CHECK(sandbox.answered(call, "yes").status == 0);
  CHECK(stored(sandbox) == before);
}

TEST_CASE("a rollback that is not for here, or of no run, changes nothing") {
  Sandbox sandbox;
  const auto folder = repaired(sandbox);
  const auto saved = folder / "backup" / "clusters-c-x7k2p.json";
  const auto changes = sandbox.changes();
  const auto reviews = token_reviews(sandbox);
  int status = 4;
  std::string said;
  Sandbox::Call call;
  call.args = {"rollback", folder.string(), "--yes"};
  SUBCASE("another cluster") {
    call.cluster = "staging";
    said = "is of the cluster production (c-x7k2p), not of staging";
  }
  SUBCASE("a resource that was deleted and created again") {
    auto object = json::parse(read_file(saved));
    object.at("metadata").as_object()["uid"] = "00000000-0000-0000-0000-000000000000";
    write_file(saved, json::serialize(object));
    forget_records(folder);
    said = "is not the one that was saved";
  }
  SUBCASE("no clusters resource") {
    write_file(saved, "{}");
    forget_records(folder);
    said = "is not a clusters resource";
  }
  SUBCASE("half a file") {
    const auto whole = read_file(saved);
    write_file(saved, whole.substr(0, whole.size() / 2));
    forget_records(folder);
    said = "cannot be read";
  }
  SUBCASE("a run that changed nothing") {
    fs::remove(saved);
    said = "holds no clusters resource";
  }
  SUBCASE("no folder of a run") {
    call.args[1] = "/nonexistent";
    said = "is no folder of a run";
    status = 2;
  }
  SUBCASE("a kubeconfig of another cluster: the token is not shown to it") {
    call.kubeconfig = sandbox.file("other.kubeconfig");
    said = "--kubeconfig is not of the cluster production (c-x7k2p)";
  }
  SUBCASE("a kubeconfig of a cluster without agents") {
    call.kubeconfig = sandbox.file("local.kubeconfig");
    said = "--kubeconfig and --local-kubeconfig lead to one cluster";
    status = 2;
  }
  SUBCASE("no saved token, and a kubeconfig of another cluster") {
    auto object = json::parse(read_file(saved));
    object.at("status").as_object()["serviceAccountToken"] = "";
    write_file(saved, json::serialize(object));
    forget_records(folder);
    call.kubeconfig = sandbox.file("other.kubeconfig");
    said = "--kubeconfig is not of the cluster production (c-x7k2p)";
  }
  SUBCASE("a saved resource that somebody modified") {
    write_file(saved, read_file(saved) + " ");
    call.args.emplace_back("--overwrite");
    said = "clusters-c-x7k2p.json was modified after the run saved it";
  }
  SUBCASE("a token that is a list") {
    auto object = json::parse(read_file(saved));
    object.at("status").as_object()["serviceAccountToken"] = json::array{7};
    write_file(saved, json::serialize(object));
    forget_records(folder);
    call.args.emplace_back("--overwrite");
    said = "holds a status.serviceAccountToken that is not a string";
  }
  SUBCASE("its own folder to write to") {
    call.args.insert(call.args.end(), {"--run-dir", folder.string()});
    said = "exists and is not empty";
    status = 2;
  }
  const auto back = sandbox.retrust(call);
  CAPTURE(back.all());
  CHECK(back.status == status);
  CHECK(has(back.err, said));
  CHECK(sandbox.changes() == changes);
  CHECK(token_reviews(sandbox) == reviews);
}

TEST_CASE("a Secret that is gone brings no token back") {
  Sandbox sandbox({"--rancher", "2.12", "--kubernetes", "1.30"});
  const auto named = [&] {
    return text(sandbox.get("local", {"clusters.management.cattle.io", "c-x7k2p"}),
                "/status/serviceAccountTokenSecret");
  };
  const auto before = named();
  REQUIRE(sandbox.run().status == 0);
  const auto folder = sandbox.run_folder().string();
  REQUIRE(named() != before);
  CHECK(sandbox.kubectl("local", {"delete", "secret", "-n", "cattle-global-data", before}).status ==
        0);
  const auto changes = sandbox.changes();
  const auto back = sandbox.retrust({"rollback", folder, "--yes", "--overwrite"});
  CAPTURE(back.all());
  CHECK(back.status == 4);
  CHECK(has(back.err, "the Secret " + before + " in cattle-global-data"));
  CHECK(sandbox.changes() == changes);
}

TEST_CASE("a folder that others could have changed is put back once its owner is mended") {
  Sandbox sandbox;
  const auto before = stored(sandbox);
  const auto folder = repaired(sandbox);
  const auto after = stored(sandbox);
  // As root we can make it a colleague's; else everybody's.
  const auto root = ::geteuid() == 0;
  if (root) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      REQUIRE(::chown(entry.path().c_str(), 65534, 65534) == 0);
    }
    REQUIRE(::chown(folder.c_str(), 65534, 65534) == 0);
  } else {
    MESSAGE("not root: a colleague's folder is shown by one that everybody can write");
    fs::permissions(folder, fs::perms(0777));
  }
  const auto refused = rollback(sandbox, folder, {"--yes", "--overwrite"});
  CAPTURE(refused.all());
  CHECK(refused.status == 4);
  CHECK(has(refused.err, root ? "belongs to" : "can be written by every user"));
  CHECK(stored(sandbox) == after);
  const auto begin = refused.err.find("chown -R");
  REQUIRE(begin != std::string::npos);
  if (!root) return;
  // The command is printed to be pasted.
  const auto command = refused.err.substr(begin, refused.err.find('\n', begin) - begin);
  REQUIRE(std::system(command.c_str()) == 0);
  CHECK(rollback(sandbox, folder).status == 0);
  CHECK(stored(sandbox) == before);
}

TEST_CASE("a folder of retrust 0.1.0 is put back, and said to be unverified") {
  Sandbox sandbox;
  const auto before = stored(sandbox);
  const auto folder = repaired(sandbox);
  const auto verified = rollback(sandbox, folder);
  CHECK(verified.status == 0);
  CHECK_FALSE(has(verified.err, "not verified"));
  const auto its_folder = sandbox.run_folder();
  CHECK(stored(sandbox) == before);
  // What the rollback saved is of a new run, with records; without them it is an old one's.
  forget_records(its_folder);
  const auto back = rollback(sandbox, its_folder);
  CAPTURE(back.all());
  CHECK(back.status == 0);
  CHECK(has(back.err, "were not verified"));
}

}  // namespace
}  // namespace retrust::e2e
