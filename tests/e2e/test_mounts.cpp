// What needs file systems of their own: `in_own_mounts` runs these tests where they may mount.
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <sys/mount.h>

#include <doctest/doctest.h>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A tmpfs on a folder.
class Mount {
 public:
  Mount(fs::path folder, const std::string& options) : folder_(std::move(folder)) {
    fs::create_directories(folder_);
    mount(0, options);
  }
  ~Mount() { ::umount2(folder_.c_str(), MNT_DETACH); }
  /// As Kubernetes 1.9.4 and later mounts these volumes in a container.
  void make_read_only() const { mount(MS_REMOUNT | MS_RDONLY, {}); }
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

 private:
  void mount(unsigned long flags, const std::string& options) const {
    if (::mount("none", folder_.c_str(), "tmpfs", flags, options.c_str()) == 0) return;
    throw std::runtime_error("mount " + folder_.string() + ": " + std::strerror(errno));
  }

  fs::path folder_;
};

/// A file in a folder as the kubelet writes it for a volume: kubernetes/kubernetes,
/// pkg/volume/util/atomic_writer.go.
void write_volume(const fs::path& folder, const std::string& name, const std::string& text) {
  fs::create_directories(folder / "..2026");
  write_file(folder / "..2026" / name, text);
  fs::permissions(folder / "..2026" / name, fs::perms(0644));
  fs::create_directory_symlink("..2026", folder / "..data");
  fs::create_symlink("..data/" + name, folder / name);
}

TEST_CASE("a file of a ConfigMap volume is read where the mount is read-only") {
  Sandbox sandbox;
  const auto folder = sandbox.directory() / "volume";
  const Mount mount(folder, "mode=0777");
  write_volume(folder, "config", "command-timeout = 50s\n");
  const Sandbox::Call call{.args = {"status", "--config", (folder / "config").string()}};
  const auto refused = sandbox.retrust(call);
  CAPTURE(refused.all());
  CHECK(refused.status == 4);
  CHECK(has(refused.err, "the folder " + folder.string() + " can be written by every user"));
  mount.make_read_only();
  const auto accepted = sandbox.retrust(call);
  CAPTURE(accepted.all());
  CHECK(accepted.status == 3);
}

TEST_CASE("a kubeconfig of a Secret volume is read, whose folder is sticky") {
  Sandbox sandbox;
  const auto folder = sandbox.directory() / "volume";
  const Mount mount(folder, "mode=01777");
  write_volume(folder, "kubeconfig", read_file(sandbox.file("downstream.kubeconfig")));
  mount.make_read_only();
  const auto read = sandbox.retrust(
      Sandbox::Call{.args = {"status"}, .kubeconfig = (folder / "kubeconfig").string()});
  CAPTURE(read.all());
  CHECK(read.status == 3);
}

TEST_CASE("docker cp is ended where the disk gets full meanwhile") {
  Sandbox sandbox;
  const auto disk = sandbox.directory() / "disk";
  const Mount mount(disk, "size=16m,mode=0700");
  const auto folder = sandbox.directory() / "docker";
  fs::create_directories(folder);
  // The archive is small. Somebody else takes the room, and docker goes on for ever.
  const auto run = sandbox.retrust(
      {.args = {"run", "--yes", "--timeout", "30s", "--run-dir", (disk / "run").string(),
                "--rancher-container", "rancher", "--docker", std::getenv("RETRUST_TEST_DOCKER")},
       .environment = {{"RETRUST_TEST_DOCKER_FOLDER", folder.string()},
                       {"RETRUST_TEST_DOCKER_KUBECONFIG", sandbox.file("local.kubeconfig")},
                       {"RETRUST_TEST_DOCKER_DATA", "in-it"},
                       {"RETRUST_TEST_DOCKER_CP",
                        ": >\"$file\"; for n in 1 2; do head -c 7700000 /dev/zero >'" +
                            (disk / "other").string() + "'$n; done; exec sleep 100000"}}});
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "the archive of Rancher's data does not fit into"));
  CHECK(fs::is_empty(disk / "run" / "backup"));
  CHECK(fs::exists(folder / "removed"));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("a disk without room for the transcripts: nothing is changed") {
  Sandbox sandbox;
  const auto disk = sandbox.directory() / "disk";
  const Mount mount(disk, "size=512k,mode=0700");
  const auto run = sandbox.run({"--run-dir", (disk / "run").string()});
  CAPTURE(run.all());
  CHECK(run.status == 4);
  CHECK(has(run.err, "has no room for the transcripts, which may take 1024 KiB"));
  CHECK(has(run.err, "df -h "));
  CHECK(has(read_file(disk / "run" / "transcript.md"), "**Refused: nothing was changed.**"));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("a disk that gets full after a change: one message, whole transcripts, and go on") {
  Sandbox sandbox;
  const auto disk = sandbox.directory() / "disk";
  const Mount mount(disk, "size=4m,mode=0700");
  const auto kubectl = sandbox.directory() / "filling-kubectl";
  write_file(kubectl, "#!/bin/sh\ncase \" $* \" in *' delete '*) cat /dev/zero 2>/dev/null >'" +
                          (disk / "other").string() +
                          "' ;; esac\nexec ${RETRUST_TEST_KUBECTL:-kubectl} \"$@\"\n");
  fs::permissions(kubectl, fs::perms::owner_all);
  const auto run = sandbox.retrust({.args = {"run", "--yes", "--no-rancher-backup", "--timeout",
                                             "30s", "--run-dir", (disk / "run").string()},
                                    .kubectl = kubectl.string()});
  CAPTURE(run.all());
  CHECK(run.status == 1);
  const std::string told = "No space left on device";
  CHECK(has(run.err, told));
  CHECK_FALSE(has(run.err.substr(run.err.find(told) + 1), told));
  CHECK(has(run.out, "Not done. Exit status 1. Transcript: "));
  const auto document = read_file(disk / "run" / "transcript.md");
  CHECK(has(document, "**Failed.**"));
  const auto lines = read_file(disk / "run" / "transcript.jsonl");
  CHECK(lines.ends_with("\n"));
  CHECK(has(lines_of(lines).back(), "\"run_ended\""));
  CHECK(sandbox.changes().size() == 1);
  CHECK(sandbox.run().status == 0);
}

}  // namespace
}  // namespace retrust::e2e
