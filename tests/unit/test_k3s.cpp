// What is made of the log lines of k3s and RKE2; the lines are those of k3s-io/k3s
// (pkg/etcd/snapshot.go, pkg/cli/etcdsnapshot) and of its issues.
#include <doctest/doctest.h>

#include "tools/k3s.h"

namespace retrust {
namespace {

const std::string folder = "/var/lib/rancher/k3s/server/db/snapshots/";

Outcome ended(int code, std::string err) {
  Outcome outcome;
  outcome.code = code;
  outcome.err = std::move(err);
  return outcome;
}

TEST_CASE("a snapshot that was taken: its name, and its place where that is said") {
  struct Case {
    std::string text;
    std::string name;
    std::string path;
  };
  const std::vector<Case> cases{
      // 1.29 and later.
      {"INFO[0000] Snapshot x-server-1-1713296571 saved. \n", "x-server-1-1713296571", ""},
      {"time=\"2026-11-25T04:20:00Z\" level=info msg=\"Snapshot x-a-1.zip saved.\"\n", "x-a-1.zip",
       ""},
      // Saved here, and in S3 by the same name.
      {"INFO[0000] Snapshot x-a-1 saved.\nINFO[0001] Snapshot x-a-1 saved.\n", "x-a-1", ""},
      // 1.20.
      {"INFO[2021-02-10T18:08:15.601730431Z] Saving etcd snapshot to " + folder +
           "x-1612980495\n{\"level\":\"info\",\"msg\":\"saved\"}\n",
       "x-1612980495", folder + "x-1612980495"},
      {"INFO[0000] Saving etcd snapshot to " + folder +
           "x-a-1\nINFO[0000] Compressing etcd snapshot file: x-a-1\n"
           "INFO[0000] Compressed snapshot: " +
           folder + "x-a-1.zip\n",
       "x-a-1.zip", folder + "x-a-1.zip"},
      {"\x1b[36mINFO\x1b[0m[0000] Saving etcd snapshot to " + folder + "x-a-1 \n", "x-a-1",
       folder + "x-a-1"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.text);
    const auto log = read_k3s_snapshot_log(each.text);
    CHECK(log.name == each.name);
    CHECK(log.path == each.path);
    CHECK(log.warnings.empty());
  }
}

TEST_CASE("what is no snapshot is none with any exit status") {
  for (const auto* text :
       {"", "INFO[0000] Managed etcd cluster bootstrap already complete and initialized\n",
        "INFO[0000] Saving etcd snapshot to /x/y\n"
        "ERRO[0000] Failed to take etcd snapshot: context deadline exceeded\n",
        "INFO[0000] Saving etcd snapshot to /x/y\nFATA[0001] failed to compress snapshot: EOF\n",
        "WARN[0000] Unable to take snapshot: not supported for learner\n"}) {
    CAPTURE(text);
    CHECK(read_k3s_snapshot_log(text).name.empty());
  }
}

TEST_CASE("warnings, but not those about options of the server") {
  const auto log = read_k3s_snapshot_log(
      "WARN[0000] Unknown flag --token found in config.yaml, skipping\n"
      "WARN[0000] Unable to initialize S3 client: no bucket\n"
      "INFO[0000] Snapshot x-a-1 saved.\n");
  CHECK(log.name == "x-a-1");
  CHECK(log.warnings == std::vector<DisplayText>{"Unable to initialize S3 client: no bucket"});
}

TEST_CASE("why there is none, and what to do") {
  struct Case {
    std::string said;
    std::string happened;
    std::string advice;
  };
  const std::vector<Case> cases{
      {"see server log for details: etcd datastore disabled", "does not keep its data in etcd",
       "copy /data/server/db"},
      {"Error: see server log for details: etcd datastore disabled",
       "does not keep its data in etcd", "systemctl stop k3s"},
      {"etcd database not found in /var/lib/rancher/k3s/server", "does not keep its data in etcd",
       "--no-rancher-backup"},
      {"managed etcd database has not been initialized", "does not keep its data in etcd",
       "--no-rancher-backup"},
      {"see server log for details: Unauthorized", "does not keep its data in etcd",
       "journalctl -u k3s"},
      {"etcd database not found in /home/ubuntu/.rancher/k3s/server", "for root alone", "as root"},
      {"open /home/ec2-user/.rancher/k3s/server/token: no such file or directory", "for root alone",
       "as root"},
      {"open /var/lib/rancher/k3s/server/tls/etcd/client.key: permission denied", "for root alone",
       "as root"},
      {"open /var/lib/rancher/k3s/server/token: no such file or directory", "is no server of k3s",
       "on a server node"},
      {"Post \\\"https://127.0.0.1:6443/db/snapshot\\\": dial tcp 127.0.0.1:6443: connect: "
       "connection "
       "refused",
       "does not answer on this node", "systemctl status k3s"},
      {"see server log for details: snapshot save already in progress",
       "took no snapshot: exit status 1", "run again"},
  };
  for (const auto& each : cases) {
    for (const auto& text :
         {"FATA[0000] " + each.said + " \n",
          "time=\"2026-11-25T04:20:00Z\" level=fatal msg=\"" + each.said + "\"\n"}) {
      CAPTURE(text);
      const auto failure = explain_k3s(Distribution::k3s, ended(1, text), "/data");
      CHECK(failure.status == ExitStatus::refused);
      CHECK(std::string(failure.what()).find(each.happened) != std::string::npos);
      CHECK(failure.advice.text().find(each.advice) != std::string::npos);
      CHECK(failure.advice.text().find("nothing was changed") != std::string::npos);
      CHECK(!failure.detail.empty());
    }
  }
  const auto silent = explain_k3s(Distribution::rke2, ended(0, ""), "/data");
  CHECK(std::string(silent.what()) == "rke2 did not say that the snapshot was saved");
  CHECK(silent.advice.text().find("journalctl -u rke2-server") != std::string::npos);
}

TEST_CASE("a snapshot in the list: on this node, of just that name") {
  const std::string list =
      "Name  Location  Size  Created\n"
      "x-a-10  file://" +
      folder +
      "x-a-10  38928416 2023-10-20T22:02:30Z\n"
      "x-a-1   s3://bucket/folder/x-a-1   38928416 2023-10-20T22:02:30Z\n"
      "x-a-1   file:///mnt/x-a-1 42 2023-10-20T22:02:30Z\n";
  CHECK(find_snapshot(list, "x-a-1").path == "/mnt/x-a-1");
  CHECK(find_snapshot(list, "x-a-1").size == "42");
  CHECK(find_snapshot(list, "x-a").path.empty());
  CHECK(find_snapshot("", "x").path.empty());
}

}  // namespace
}  // namespace retrust
