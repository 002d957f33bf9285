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
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

 private:
  void mount(unsigned long flags, const std::string& options) const {
    if (::mount("none", folder_.c_str(), "tmpfs", flags, options.c_str()) == 0) return;
    throw std::runtime_error("mount " + folder_.string() + ": " + std::strerror(errno));
  }

  fs::path folder_;
};

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

}  // namespace
}  // namespace retrust::e2e
