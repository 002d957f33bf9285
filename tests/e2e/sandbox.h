#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "child.h"
#include "control_plane.h"

namespace retrust::e2e {

struct Result {
  int status = -1;
  std::string out;
  std::string err;
  std::string all() const { return out + err; }
};

/// Two clusters, and the programs that work on them. A fresh directory each, gone with the object.
/// The clusters are the sandbox's own, or, where RETRUST_TEST_CONTROL_PLANE names the script for
/// it, those of a real control plane; test cases of the suite `anywhere` do not see the difference.
/// The played ones are of Kubernetes 1.20, or of what RETRUST_TEST_KUBERNETES says. With --clusters
/// a real control plane has as many downstream clusters; of --mix it knows renewed, ca-only and
/// healthy.
class Sandbox {
 public:
  explicit Sandbox(std::vector<std::string> options = {});
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// A file that comes with the clusters, e.g. "downstream.kubeconfig".
  std::string file(const std::string& name) const;
  std::filesystem::path directory() const { return directory_; }
  /// Where the transcript and backup of the last run, step or rollback are.
  std::filesystem::path run_folder() const { return run_folder_; }

  struct Call {
    std::vector<std::string> args;
    std::string cluster = "c-x7k2p";
    std::string kubeconfig = {};        ///< default: downstream.kubeconfig
    std::string local_kubeconfig = {};  ///< default: local.kubeconfig
    std::string kubectl = {};           ///< default: the one that the tests use
    std::map<std::string, std::string> environment = {};
    std::set<std::string> without = {};  ///< of the above, what is not given: "--kubeconfig"
    std::string shell = {};  ///< words of bash that start the program: R"(exec "$@" >/dev/full)"
  };
  /// Runs retrust to its end. `run`, `step` and `rollback` get a new run folder.
  Result retrust(const Call& call);
  Result retrust(std::vector<std::string> args) { return retrust(Call{.args = std::move(args)}); }
  /// `run --yes --no-rancher-backup` and what else is given.
  Result run(std::vector<std::string> more = {});
  /// How retrust is started for a call.
  Child::Setup setup(const Call& call);
  /// Starts retrust and goes on.
  std::unique_ptr<Child> start(const Call& call);
  /// Starts retrust on a terminal of its own (script, of bsdutils). What is written to the child is
  /// typed, and what the terminal shows is all in `out`.
  std::unique_ptr<Child> start_on_terminal(const Call& call);
  /// Runs retrust on a terminal, and answers its question.
  Result answered(const Call& call, const std::string& answer);

  /// Runs the real kubectl on a cluster: "downstream" or "local".
  Result kubectl(const std::string& side, std::vector<std::string> args);
  /// An object as the cluster has it now.
  boost::json::value get(const std::string& side, std::vector<std::string> args);
  /// 26 where the downstream cluster says that it is Kubernetes 1.26.
  int kubernetes_minor();
  /// Every object of both clusters by kind and name with its resourceVersion.
  std::map<std::string, std::string> versions();

  /// Renews CA and service account key, and waits until Rancher complains.
  void renew();
  /// The API server of a downstream cluster ends at once; it starts again.
  void stop(const std::string& cluster);
  void restart(const std::string& cluster);
  /// A new kubeconfig of both clusters, with their contexts; the current one is the downstream's.
  std::string merged_kubeconfig();
  /// A kubectl that runs these words of a shell before each `replace` in the local cluster.
  std::string replacing_kubectl(const std::string& words);
  /// A kubectl before whose first `replace` somebody else changes the clusters resource: with these
  /// words of kubectl, made safe for a shell.
  std::string conflicting_kubectl(const std::string& change =
                                      "annotate clusters.management.cattle.io c-x7k2p "
                                      "example.com/changed-by=somebody-else");

  /// Tells the sandbox to do something; throws where it cannot.
  void tell(const std::string& line);
  /// What the servers were asked, in order; the second only requests that change something.
  std::vector<boost::json::value> requests() const;
  std::vector<std::string> changes() const;
  /// What the played parties did, as "actor event detail" lines.
  std::vector<std::string> events() const;

  /// Condition Ready of the clusters resource: its status and message.
  std::string ready();
  std::string ready_message();

 private:
  /// Renews clusters of the control plane, and waits until Rancher complains. `scenarios` has one
  /// for each, by the name of the cluster.
  void renew_really(const std::map<std::string, std::string>& scenarios);

  std::filesystem::path directory_;
  std::filesystem::path state_;
  std::filesystem::path run_folder_;
  std::unique_ptr<ControlPlane> plane_;
  std::unique_ptr<Child> child_;
  int calls_ = 0;
  std::size_t answers_ = 1;  // the line `ready` came first
};

/// The path of a kubectl of that version, by scripts/kubectl, which fetches it where need be.
std::string kubectl_of_version(const std::string& version, const std::filesystem::path& directory);

/// Whether a request to the servers changes something. A Lease is no change: it tells
/// other runs of this one.
bool is_change(const boost::json::value& request);

/// The texts of all transcripts in a run folder together.
std::string transcripts(const std::filesystem::path& run_folder);
/// transcript.md without the marks of code spans, for sentences that hold some.
std::string document_words(const std::filesystem::path& run_folder);

/// The whole lines of a text; one that is not ended yet is left out.
std::vector<std::string> lines_of(const std::string& text);

/// The text at a JSON pointer.
std::string text(const boost::json::value& value, const std::string& pointer);

}  // namespace retrust::e2e
