// retrust in a Pod, whose account it uses where no kubeconfig is given: `in_own_mounts` runs these
// tests, because kubectl reads the account's token at one path alone.
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <sys/mount.h>

#include <boost/json.hpp>
#include <doctest/doctest.h>

#include "base/encoding.h"
#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The account of a Pod of the cluster behind a kubeconfig, with the user's token.
class Pod {
 public:
  explicit Pod(const std::string& kubeconfig) {
    if (::mount("none", "/run", "tmpfs", 0, "mode=0755") != 0) {
      throw std::runtime_error(std::string("mount /run: ") + std::strerror(errno));
    }
    const auto config = json::parse(read_file(kubeconfig));
    const fs::path folder = "/var/run/secrets/kubernetes.io/serviceaccount";
    fs::create_directories(folder);
    token_ = text(config, "/users/0/user/token");
    write_file(folder / "token", token_);
    const auto data = text(config, "/clusters/0/cluster/certificate-authority-data");
    write_file(folder / "ca.crt", base64_decode(data).value());
    const auto server = text(config, "/clusters/0/cluster/server");
    const auto host = server.find("://") + 3;
    const auto port = server.rfind(':') + 1;
    variables_ = {{"KUBERNETES_SERVICE_HOST", server.substr(host, port - 1 - host)},
                  {"KUBERNETES_SERVICE_PORT", server.substr(port)}};
  }
  ~Pod() { ::umount2("/run", MNT_DETACH); }
  Pod(const Pod&) = delete;
  Pod& operator=(const Pod&) = delete;

  const std::string& token() const { return token_; }
  const std::map<std::string, std::string>& variables() const { return variables_; }

 private:
  std::string token_;
  std::map<std::string, std::string> variables_;
};

TEST_CASE("in a Pod of Rancher's cluster, its account reads and repairs Rancher's record" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  const Pod pod(sandbox.file("local.kubeconfig"));
  const auto call = [&](std::vector<std::string> args) {
    return Sandbox::Call{
        .args = std::move(args), .environment = pod.variables(), .without = {"--local-kubeconfig"}};
  };
  const auto status = sandbox.retrust(call({"status"}));
  CAPTURE(status.all());
  CHECK(status.status == 3);
  const auto run = sandbox.retrust(call({"run", "--yes", "--no-rancher-backup"}));
  CAPTURE(run.all());
  CHECK(run.status == 0);
  CHECK(sandbox.ready() == "True");
  const auto transcript = transcripts(sandbox.run_folder());
  CHECK(has(transcript, "--kubeconfig=/dev/null get "));
  for (const auto& shown : {status.all(), run.all(), transcript}) {
    CHECK_FALSE(has(shown, pod.token()));
  }
  // What it says next works as it is pasted: an option of neither side is missing.
  const auto back = sandbox.retrust(
      Sandbox::Call{.args = {"rollback", sandbox.run_folder().string(), "--yes"},
                    .environment = pod.variables(),
                    .without = {"--local-kubeconfig", "--kubeconfig", "--cluster"}});
  CAPTURE(back.all());
  CHECK(back.status == 0);
}

TEST_CASE("in a Pod of the downstream cluster, its account proves which cluster it is" *
          doctest::test_suite("anywhere")) {
  Sandbox sandbox;
  const Pod pod(sandbox.file("downstream.kubeconfig"));
  const auto found = sandbox.retrust(Sandbox::Call{.args = {"run", "--yes", "--no-rancher-backup"},
                                                   .environment = pod.variables(),
                                                   .without = {"--kubeconfig", "--cluster"}});
  CAPTURE(found.all());
  CHECK(found.status == 0);
  CHECK(has(found.out, "the account of this Pod leads to production (c-x7k2p)"));
  CHECK(sandbox.ready() == "True");
  CHECK_FALSE(has(found.all() + transcripts(sandbox.run_folder()), pod.token()));
}

TEST_CASE("list in a Pod of a downstream cluster names the way of its account") {
  Sandbox sandbox;
  const Pod pod(sandbox.file("downstream.kubeconfig"));
  const auto list = sandbox.retrust(Sandbox::Call{.args = {"list"},
                                                  .kubeconfig = "/dev/null",
                                                  .environment = pod.variables(),
                                                  .without = {"--cluster"}});
  CAPTURE(list.all());
  CHECK(list.status == 3);
  CHECK(has(list.err, "retrust status --cluster=c-x7k2p "));
  CHECK(has(list.err, " --kubeconfig=/dev/null"));
  CHECK_FALSE(has(list.err, "--context="));
}

TEST_CASE("an account of a Pod is one side only, and has no contexts") {
  Sandbox sandbox;
  const Pod pod(sandbox.file("local.kubeconfig"));
  Sandbox::Call call{.args = {"status"}, .environment = pod.variables()};
  std::string said;
  int status = 2;
  SUBCASE("of both sides") {
    call.without = {"--kubeconfig", "--local-kubeconfig"};
    said = "--kubeconfig is required";
  }
  SUBCASE("of both sides, by name") {
    call.kubeconfig = "/dev/null";
    call.local_kubeconfig = "/dev/null";
    said = "--kubeconfig is required";
  }
  SUBCASE("of both sides, by another way to the same cluster") {
    call.kubeconfig = sandbox.file("local.kubeconfig");
    call.without = {"--local-kubeconfig"};
    said = "both kubeconfigs are of the same cluster";
    status = 4;
  }
  SUBCASE("with a context") {
    call.without = {"--local-kubeconfig"};
    call.args.push_back("--local-context=local");
    said = "the account of this Pod has no context";
  }
  SUBCASE("and kubectl would not use it: no other server is asked in its place") {
    call.without = {"--local-kubeconfig"};
    const auto kubectl = sandbox.directory() / "hasty-kubectl";
    write_file(kubectl,
               "#!/bin/sh\nexec ${RETRUST_TEST_KUBECTL:-kubectl} --request-timeout=9s \"$@\"\n");
    fs::permissions(kubectl, fs::perms::owner_all);
    call.kubectl = kubectl.string();
    said = "127.0.0.1:0";
    status = 6;
  }
  SUBCASE("and its server does not answer") {
    call.without = {"--local-kubeconfig"};
    call.environment["KUBERNETES_SERVICE_PORT"] = "1";
    said = "the local cluster (the account of this Pod)";
    status = 6;
  }
  const auto refused = sandbox.retrust(call);
  CAPTURE(refused.all());
  CHECK(refused.status == status);
  CHECK(has(refused.all(), said));
  CHECK(sandbox.changes().empty());
}

TEST_CASE("in a Pod, each kubectl uses the account, also one with a kuberc that leads elsewhere" *
          doctest::test_suite("kubectls")) {
  Sandbox sandbox;
  const Pod pod(sandbox.file("local.kubeconfig"));
  const auto home = sandbox.directory() / "home" / ".kube";
  fs::create_directories(home);
  write_file(home / "kuberc",
             "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\ndefaults:\n"
             "- command: get\n  options:\n  - name: server\n    default: https://127.0.0.1:1\n"
             "  - name: request-timeout\n    default: 30s\n  - name: as\n    default: nobody\n");
  for (const auto* version : {"1.20", "1.24", "1.28", "1.32", "1.35"}) {
    CAPTURE(version);
    const auto status =
        sandbox.retrust(Sandbox::Call{.args = {"status"},
                                      .kubectl = kubectl_of_version(version, sandbox.directory()),
                                      .environment = pod.variables(),
                                      .without = {"--local-kubeconfig"}});
    CAPTURE(status.all());
    CHECK(status.status == 3);
    CHECK(has(status.all(), "kubectl reads the kuberc") == (version == std::string("1.35")));
  }
}

TEST_CASE("outside of a Pod, an empty kubeconfig is none") {
  Sandbox sandbox;
  for (auto side : {&Sandbox::Call::kubeconfig, &Sandbox::Call::local_kubeconfig}) {
    Sandbox::Call call{.args = {"status"}};
    call.*side = "/dev/null";
    const auto refused = sandbox.retrust(call);
    CAPTURE(refused.all());
    CHECK(refused.status == 2);
    CHECK(has(refused.err, "regular file"));
  }
}

}  // namespace
}  // namespace retrust::e2e
