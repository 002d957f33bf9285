// scripts/control-plane with programs of newer Kubernetes, played ones: which flags they know, and
// what a start that fails leaves behind.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <stdlib.h>

#include <doctest/doctest.h>

#include "child.h"
#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

fs::path environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set");
  return value;
}

/// A folder of its own, in it the played programs, and the folder of a control plane.
class Plane {
 public:
  explicit Plane(std::string version) : version_(std::move(version)) {
    auto pattern = (fs::temp_directory_path() / "retrust-plane-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no directory");
    directory_ = pattern;
    fs::create_directory(programs());
    for (const auto* name : {"etcd", "kube-apiserver", "kube-controller-manager", "kubectl"}) {
      fs::create_symlink(environment("RETRUST_TEST_PLAYED_PROGRAMS") / "program",
                         programs() / name);
    }
  }
  ~Plane() {
    if (fs::exists(folder() / "run")) call("down", {});
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }
  Plane(const Plane&) = delete;
  Plane& operator=(const Plane&) = delete;

  fs::path programs() const { return directory_ / "programs"; }
  fs::path folder() const { return directory_ / "plane"; }

  Child::Setup setup(const std::string& action, std::vector<std::string> more,
                     const std::string& fault = {}) const {
    std::vector<std::string> command{environment("RETRUST_TEST_CONTROL_PLANE_SCRIPT"), action,
                                     folder().string()};
    command.insert(command.end(), more.begin(), more.end());
    return {.command = std::move(command),
            .environment = {{"KUBEBUILDER_ASSETS", programs().string()},
                            {"PATH", programs().string() + ":" + std::getenv("PATH")},
                            {"XDG_CACHE_HOME", (directory_ / "cache").string()},
                            {"PLAYED_VERSION", version_},
                            {"PLAYED_FAULT", fault}},
            .directory = directory_,
            .name = action};
  }

  Result call(const std::string& action, std::vector<std::string> more,
              const std::string& fault = {}) const {
    Child child(setup(action, std::move(more), fault));
    const auto status = child.wait();
    return {status, child.out(), child.err()};
  }

  /// The command lines of what runs for it.
  std::vector<std::string> processes() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const auto name = entry.path().filename().string();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      // Of a played program that waits only the environment tells.
      if (has(read_file(entry.path() / "environ"), directory_.string())) {
        found.push_back(read_file(entry.path() / "cmdline"));
      }
    }
    return found;
  }

 private:
  std::string version_;
  fs::path directory_;
};

TEST_CASE("a control plane of newer Kubernetes is given no flag that it does not know") {
  for (const std::string version : {"1.26", "1.36"}) {
    CAPTURE(version);
    const Plane plane(version);
    const std::map<std::string, std::vector<std::string>> actions{
        {"1 up", {}}, {"2 renew", {}}, {"3 restart", {"local"}}};
    for (const auto& [action, more] : actions) {
      const auto result = plane.call(action.substr(2), more);
      CAPTURE(action);
      CAPTURE(result.all());
      CHECK(result.status == 0);
      // etcd, and two programs for each of two clusters.
      wait_until("its programs run alone", [&] { return plane.processes().size() == 5; });
    }
    CHECK(fs::exists(plane.folder() / "downstream-before-renewal.kubeconfig"));
    CHECK(plane.call("down", {}).status == 0);
    CHECK(plane.processes().empty());
  }
}

TEST_CASE("of several downstream clusters each is renewed, ended and started for itself") {
  const Plane plane("1.36");
  const auto up = plane.call("up", {"--clusters", "3"});
  CAPTURE(up.all());
  REQUIRE(up.status == 0);
  // etcd, and two programs for each of four clusters.
  wait_until("its programs run alone", [&] { return plane.processes().size() == 9; });
  const auto leads = [&](const std::string& name) {
    return read_file(plane.folder() / "kubeconfigs" / (name + ".yaml"));
  };
  std::map<std::string, std::string> before;
  for (const std::string name : {"production", "store-002", "store-003"}) {
    CAPTURE(name);
    before[name] = leads(name);
    CHECK(has(before[name], "\"current-context\": \"" + name + "\""));
  }
  const auto renewed = plane.call("renew", {"store-002", "--keep-key"});
  CAPTURE(renewed.all());
  CHECK(renewed.status == 0);
  CHECK(fs::exists(plane.folder() / "store-002-before-renewal.kubeconfig"));
  CHECK_FALSE(fs::exists(plane.folder() / "downstream-before-renewal.kubeconfig"));
  CHECK(leads("store-002") != before["store-002"]);
  CHECK(leads("production") == before["production"]);
  CHECK(leads("store-003") == before["store-003"]);
  CHECK(plane.call("renew", {"production"}).status == 0);
  CHECK(leads("production") != before["production"]);

  const auto server = plane.folder() / "run/store-003-apiserver.pid";
  CHECK(plane.call("kill", {"store-003"}).status == 0);
  CHECK_FALSE(fs::exists(server));
  wait_until("one server is gone", [&] { return plane.processes().size() == 8; });
  CHECK(plane.call("restart", {"store-003"}).status == 0);
  CHECK(fs::exists(server));
  wait_until("its programs run alone", [&] { return plane.processes().size() == 9; });

  CHECK(has(plane.call("renew", {"store-004"}).err, "there is no cluster store-004"));
  CHECK(has(plane.call("renew", {"local"}).err, "only downstream clusters are renewed"));
  CHECK(plane.call("down", {}).status == 0);
  CHECK(plane.processes().empty());
}

TEST_CASE("a played program refuses a flag that is gone") {
  const Plane plane("1.26");
  Child child({.command = {(plane.programs() / "kube-controller-manager").string(), "--port=0"},
               .environment = {{"PLAYED_VERSION", "1.26"}},
               .directory = plane.programs(),
               .name = "alone"});
  CHECK(child.wait() == 1);
  CHECK(child.err() == "Error: unknown flag: --port\n");
}

TEST_CASE("a control plane that does not start leaves nothing behind") {
  const Plane plane("1.36");
  SUBCASE("in a folder of its own") {}
  SUBCASE("in a folder that was there") {
    fs::create_directory(plane.folder());
  }
  const auto there = fs::exists(plane.folder());
  const auto result = plane.call("up", {}, "kube-controller-manager=has no time");
  CAPTURE(result.all());
  CHECK(result.status == 1);
  CHECK(has(result.err, "kube-controller-manager: has no time"));
  CHECK(has(result.err, "downstream-controller-manager ended; the end of its log is above"));
  CHECK(plane.processes().empty());
  CHECK(fs::exists(plane.folder()) == there);
  if (there) CHECK(fs::is_empty(plane.folder()));
}

TEST_CASE("a control plane that is interrupted while it starts leaves nothing behind") {
  const Plane plane("1.36");
  Child child(plane.setup("up", {}, "kubectl=not ready"));
  wait_until("an API server runs",
             [&] { return fs::exists(plane.folder() / "run/local-apiserver.pid"); });
  child.signal(SIGTERM);
  CHECK(child.wait() == 143);
  CHECK(plane.processes().empty());
  CHECK_FALSE(fs::exists(plane.folder()));
}

TEST_CASE("programs of another version are not mixed with those in KUBEBUILDER_ASSETS") {
  const Plane plane("1.36");
  fs::remove(plane.programs() / "kube-controller-manager");
  const auto result = plane.call("up", {});
  CHECK(result.status == 1);
  CHECK(has(result.err, "has no kube-controller-manager"));
  CHECK_FALSE(fs::exists(plane.folder()));
}

}  // namespace
}  // namespace retrust::e2e
