// Which cluster is meant, and which of many kubeconfigs leads to it: proven, and never by a name.
#include <filesystem>

#include <doctest/doctest.h>

#include "account.h"
#include "sandbox.h"
#include "secrets.h"
#include "words.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

/// A folder with copies of the sandbox's kubeconfigs.
std::string folder_of(const Sandbox& sandbox, const std::vector<std::string>& names) {
  const auto folder = sandbox.directory() / "kubeconfigs";
  fs::remove_all(folder);
  fs::create_directory(folder);
  for (const auto& name : names) {
    const auto path = folder / name;
    write_file(path, read_file(sandbox.file(name + ".kubeconfig")));
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  }
  return folder.string();
}

const std::vector<std::string> all_kinds{"downstream-before-renewal", "downstream-through-rancher",
                                         "downstream", "local", "other"};

Sandbox::Call call(std::vector<std::string> args, const std::string& kubeconfig) {
  return {.args = std::move(args), .kubeconfig = kubeconfig, .without = {"--cluster"}};
}

TEST_CASE("of many kubeconfigs the one that leads to the cluster is found") {
  Sandbox sandbox;
  const auto folder = folder_of(sandbox, all_kinds);
  write_file(fs::path(folder) / "README", "no kubeconfig\n");
  write_file(fs::path(folder) / "nothing", "");
  const auto before = sandbox.changes();
  const auto leads = folder + "/downstream, context downstream leads to production (c-x7k2p)";
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{},
        {"--cluster", "prod*"},
        {"--cluster", "c-x7k2p"},
        {"--cluster", "production"},
        {"--cluster", "c-x7k2p", "--cluster", "production"}}) {
    auto args = words;
    args.insert(args.begin(), "status");
    CAPTURE(words.size());
    const auto status = sandbox.retrust(call(args, folder));
    CAPTURE(status.all());
    CHECK(status.status == 3);
    CHECK(has(unwrapped(status.all()), leads));
    // What comes next can be pasted: it names what was found.
    CHECK(has(status.all(), "--kubeconfig=" + folder +
                                "/downstream --context=downstream "
                                "--cluster=c-x7k2p"));
    check_hidden(secrets(sandbox), "output", status.all());
  }
  const auto plan = sandbox.retrust(call({"plan"}, folder));
  CHECK(plan.status == 3);
  CHECK(sandbox.changes() == before);
}

TEST_CASE("a run with a folder repairs the cluster that it leads to, and records what was found") {
  Sandbox sandbox;
  const auto folder = folder_of(sandbox, all_kinds);
  const auto run = sandbox.retrust(
      call({"run", "--yes", "--no-rancher-backup", "--cluster", "production"}, folder));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
  const auto told = document_words(sandbox.run_folder());
  CHECK(has(told, folder + "/downstream, context downstream leads to production (c-x7k2p)"));
  CHECK(has(told, "other, context other: neither its service accounts"));
  CHECK(has(told, "--kubeconfig " + folder));
  check_hidden(secrets(sandbox), "transcripts", transcripts(sandbox.run_folder()));
}

TEST_CASE("files one by one, a list, all contexts of one file, and one file without the cluster") {
  Sandbox sandbox;
  const auto other = sandbox.file("other.kubeconfig");
  const auto right = sandbox.file("downstream.kubeconfig");
  const auto found = [&](Sandbox::Call call) {
    const auto status = sandbox.retrust(call);
    CAPTURE(status.all());
    CHECK(status.status == 3);
    CHECK(has(unwrapped(status.all()), "context downstream leads to production (c-x7k2p)"));
  };
  found(call({"status", "--kubeconfig", other}, right));
  found(call({"status"}, other + ":" + right));
  found(call({"status"}, right));
  found(call({"status", "--context", "downstream"}, sandbox.merged_kubeconfig()));
  // The current context of the merged file is Rancher's own cluster until all count.
  const auto merged = sandbox.directory() / "turned.kubeconfig";
  auto text = read_file(sandbox.merged_kubeconfig());
  const std::string current = R"("current-context":"downstream")";
  REQUIRE(has(text, current));
  text.replace(text.find(current), current.size(), R"("current-context":"local")");
  write_file(merged, text);
  fs::permissions(merged, fs::perms::owner_read | fs::perms::owner_write);
  found(call({"status", "--all-contexts"}, merged.string()));
  const auto own = sandbox.retrust(call({"status"}, merged.string()));
  CAPTURE(own.all());
  CHECK(own.status == 2);
  CHECK(has(own.err, "leads to the cluster of --local-kubeconfig"));
}

TEST_CASE("where no context is proven, each says why, and nothing is changed") {
  Sandbox sandbox;
  const auto folder = folder_of(
      sandbox, {"downstream-before-renewal", "downstream-through-rancher", "local", "other"});
  write_file(fs::path(folder) / "nothing", "");
  const auto before = sandbox.changes();
  const auto run = sandbox.retrust(call({"run", "--yes", "--no-rancher-backup"}, folder));
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "no context of the kubeconfigs is proven to lead to a cluster"));
  CHECK(has(
      run.err,
      "other, context other: neither its service accounts nor its agents' token are of a cluster"));
  CHECK(has(run.err, "local, context local: leads to the cluster that Rancher itself runs in"));
  CHECK(has(run.err, "leads through Rancher, to c-x7k2p"));
  CHECK(has(run.err, "downstream-before-renewal, context downstream: "));
  CHECK(has(run.err, "nothing: the file is empty"));
  CHECK(sandbox.changes() == before);
  CHECK_FALSE(fs::exists(sandbox.run_folder()));
  check_hidden(secrets(sandbox), "output", run.all());

  const auto unknown = sandbox.retrust(
      call({"status", "--cluster", "stage-*"}, sandbox.file("downstream.kubeconfig")));
  CHECK(unknown.status == 4);
  CHECK(has(unknown.err, "Rancher knows no cluster stage-*"));
}

TEST_CASE("two contexts of the cluster are one way to it, and the first counts") {
  Sandbox sandbox;
  const auto folder = folder_of(sandbox, {"downstream", "downstream-insecure"});
  const auto status = sandbox.retrust(call({"status"}, folder));
  CAPTURE(status.all());
  CHECK(status.status == 3);
  CHECK(has(unwrapped(status.all()), folder + "/downstream, context downstream leads to"));
  CHECK(has(status.err, folder + "/downstream-insecure, context downstream: leads to c-x7k2p, as " +
                            folder + "/downstream, context downstream does (at the same address)"));
}

TEST_CASE("several clusters are changed only if that was asked for") {
  Sandbox sandbox({"--clusters", "3", "--mix", "renewed,healthy,unreachable"});
  const auto folder = sandbox.file("kubeconfigs");
  const auto before = sandbox.changes();
  const std::vector<std::string> run{"run", "--yes", "--no-rancher-backup"};
  const auto with = [](std::vector<std::string> words, const std::vector<std::string>& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };

  const auto several = sandbox.retrust(call(run, folder));
  CAPTURE(several.all());
  CHECK(several.status == 2);
  CHECK(has(several.err, "lead to 2 clusters, and none was named: production (c-x7k2p)"));
  CHECK(has(several.err, "or give --all-clusters"));
  CHECK(has(several.err, "--context=production --cluster=c-x7k2p"));

  const auto step = sandbox.retrust(call({"step", "2.3"}, folder));
  CAPTURE(step.all());
  CHECK(step.status == 2);
  CHECK(has(step.err, "lead to 2 clusters, and step takes one: production (c-x7k2p)"));

  const auto one_way = sandbox.retrust(call({"step", "2.3", "--cluster=store-*"}, folder));
  CAPTURE(one_way.all());
  CHECK(one_way.status == 2);
  CHECK(one_way.out.empty());
  CHECK(has(one_way.err, "lead to 1 cluster, and step takes one: store-002"));

  // What is changed must not depend on which server answers today.
  const auto unsure = sandbox.retrust(
      call(with(run, {"--kubeconfig", folder + "/production.yaml"}), folder + "/store-003.yaml"));
  CAPTURE(unsure.all());
  CHECK(unsure.status == 6);
  CHECK(has(unsure.err, "is not clear for each context"));
  CHECK(sandbox.changes() == before);

  const auto wrong_context = sandbox.retrust(call({"status", "--context=nowhere"}, folder));
  CHECK(wrong_context.status == 4);
  CHECK(has(wrong_context.err, "the file has no context of that name"));

  // One context alone fails as where the cluster is named.
  const auto away = sandbox.retrust(call({"status"}, folder + "/store-003.yaml"));
  CAPTURE(away.all());
  CHECK(away.status == 6);
  CHECK(has(away.err, "cannot be reached"));

  const auto one = sandbox.retrust(call(with(run, {"--cluster=prod*"}), folder));
  CAPTURE(one.all());
  CHECK(one.status == 0);
  const auto by_variable =
      sandbox.retrust({.args = {"status", "--cluster=production"},
                       .environment = {{"KUBECONFIG", folder + "/production.yaml"}},
                       .without = {"--kubeconfig", "--cluster"}});
  CAPTURE(by_variable.all());
  CHECK(by_variable.status == 0);
}

/// A cluster that answers with the uid of another's service account.
std::vector<std::string> posing_as(Sandbox& other) {
  const auto account = other.get("downstream", {"serviceaccount", "-n", "cattle-system", "cattle"});
  return {"--hostile", "downstream serviceaccounts#cattle/metadata/uid json=\"" +
                           text(account, "/metadata/uid") + "\""};
}

TEST_CASE("two clusters that show the evidence of one contradict each other") {
  Sandbox sandbox;
  const Sandbox liar(posing_as(sandbox));
  const auto before = sandbox.changes();
  for (const std::string command : {"status", "run"}) {
    std::vector<std::string> args{command, "--cluster=production"};
    if (command == "run") args.insert(args.end(), {"--yes", "--no-rancher-backup"});
    const auto result = sandbox.retrust(call(
        args, liar.file("downstream.kubeconfig") + ":" + sandbox.file("downstream.kubeconfig")));
    CAPTURE(result.all());
    CHECK(result.status == 4);
    CHECK(has(result.err, "two different clusters show that they are production (c-x7k2p)"));
    CHECK(has(result.err, liar.file("downstream.kubeconfig")));
  }
  CHECK(sandbox.changes() == before);
}

TEST_CASE("a kubeconfig that is swapped after it was chosen leads nowhere") {
  Sandbox sandbox;
  const Sandbox liar(posing_as(sandbox));
  const auto chosen = sandbox.directory() / "chosen.kubeconfig";
  write_file(chosen, read_file(sandbox.file("downstream.kubeconfig")));
  fs::permissions(chosen, fs::perms::owner_read | fs::perms::owner_write);
  const auto kubectl = sandbox.directory() / "swapping-kubectl";
  write_file(kubectl,
             "#!/bin/sh\n\"${RETRUST_TEST_KUBECTL:-kubectl}\" \"$@\"\nstatus=$?\ncase \" $* \" in "
             "*chosen.kubeconfig*' get '*) cat '" +
                 liar.file("downstream.kubeconfig") + "' >'" + chosen.string() +
                 "' ;; esac\nexit $status\n");
  fs::permissions(kubectl, fs::perms::owner_all);
  const auto before = sandbox.changes();
  auto swapped = call({"run", "--yes", "--no-rancher-backup"}, chosen.string());
  swapped.kubectl = kubectl.string();
  swapped.environment = {{"RETRUST_NO_SESSION", "true"}};
  const auto run = sandbox.retrust(swapped);
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "leads to another cluster than a moment ago"));
  CHECK(sandbox.changes() == before);
}

TEST_CASE("what is printed or changed does not depend on which context can be judged") {
  Sandbox sandbox({"--clusters", "2", "--mix", "renewed"});
  const auto folder = sandbox.directory() / "some";
  fs::create_directory(folder);
  const auto add = [&](const std::string& name, const std::string& content) {
    write_file(folder / name, content);
    fs::permissions(folder / name, fs::perms::owner_read | fs::perms::owner_write);
  };
  add("production", read_file(sandbox.file("kubeconfigs/production.yaml")));
  const auto refused = [&](const std::string& words) {
    for (const std::vector<std::string>& args :
         {std::vector<std::string>{"run", "--yes", "--no-rancher-backup"}, {"step", "get-token"}}) {
      const auto result = sandbox.retrust(call(args, folder.string()));
      CAPTURE(result.all());
      CHECK(result.status == 4);
      if (args.front() == "step") CHECK(result.out.empty());
      CHECK(has(result.err, "is not clear for each context"));
      CHECK(has(result.err, words));
    }
  };
  const auto before = sandbox.changes();
  add("half", "apiVersion: v1\nkind: Conf");
  refused("/half: ");
  fs::remove(folder / "half");
  fs::create_symlink("/nonexistent/kubeconfig", folder / "link");
  refused("/link: No such file or directory");
  fs::remove(folder / "link");
  CHECK(sandbox.changes() == before);
  const auto token =
      sandbox.retrust(call({"step", "get-token", "--cluster=production"}, folder.string()));
  CAPTURE(token.err);
  CHECK(token.status == 0);
  CHECK(has(token.err, "leads to production (c-x7k2p)"));
}

TEST_CASE("the agents' registration token proves the cluster where the account is another one") {
  Sandbox sandbox;
  renew_account(sandbox);
  const auto status = sandbox.retrust(call({"status"}, sandbox.file("downstream.kubeconfig")));
  CAPTURE(status.all());
  CHECK(has(unwrapped(status.all()), "leads to production (c-x7k2p)"));
}

TEST_CASE("what the agents only claim leads nowhere by itself") {
  Sandbox sandbox({"--fault", "registration=dead"});
  renew_account(sandbox);
  const auto status = sandbox.retrust(call({"status"}, sandbox.file("downstream.kubeconfig")));
  CAPTURE(status.all());
  CHECK(status.status == 4);
  CHECK(has(status.err, "neither its service accounts nor its agents' token are of a cluster"));
}

TEST_CASE("kubeconfigs that cannot be read are wrong usage, before anything is asked") {
  Sandbox sandbox;
  const auto before = sandbox.requests().size();
  const auto empty = folder_of(sandbox, {});
  for (const auto& value :
       {empty, empty + "/gone", sandbox.file("downstream.kubeconfig") + ":" + empty + "/gone"}) {
    CAPTURE(value);
    const auto status = sandbox.retrust(call({"status"}, value));
    CAPTURE(status.all());
    CHECK(status.status == 2);
    CHECK(has(status.err, "--kubeconfig: cannot read "));
  }
  const auto both = sandbox.retrust(
      call({"status", "--all-contexts", "--context", "x"}, sandbox.file("downstream.kubeconfig")));
  CHECK(both.status == 2);
  CHECK(sandbox.requests().size() == before);
}

}  // namespace
}  // namespace retrust::e2e
