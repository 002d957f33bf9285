#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

#include "base/display_text.h"
#include "process/process.h"
#include "tools/announced.h"
#include "tools/arguments.h"
#include "tools/json_answer.h"
#include "tools/kubectl_errors.h"
#include "tools/kuberc.h"
#include "tools/query.h"
#include "tools/retries.h"
#include "transcript/journal.h"

namespace retrust {

class Session;

/// One event of a watch.
struct WatchEvent {
  enum class Type { added, modified, deleted };
  Type type;
  boost::json::value object;
};

/// The age of a kubectl by the features that older versions lack. The kubectl in Rancher's image is
/// as old as 1.10.
enum class KubectlAge {
  present,
  before_1_24,  ///< the proxy delays watch events by 200 ms
  before_1_16,  ///< has no --output-watch-events: a watch shows objects alone
};

/// The age by the output of `kubectl version --client -o json`; `present` if the output has no
/// version.
KubectlAge age_of(const boost::json::value& version);
/// The age by a version such as "v1.32.4".
KubectlAge age_of(std::string_view version);

/// The beginning of a kubectl command line, and the source of its defaults.
struct KubectlLine {
  std::vector<std::string> words = {"kubectl"};
  KubectlDefaults defaults = KubectlDefaults::built_in;
};

/// The command as a person would type it.
std::string shell_line(const KubectlLine& line, const Arguments& args);

/// Versions of a kubectl and its server, e.g. "v1.32.4".
struct KubectlVersions {
  DisplayText kubectl;
  DisplayText server;
};

/// A kubectl and its way to its cluster.
struct KubectlTarget {
  Side side = Side::downstream;
  std::string program = "kubectl";
  std::string kubeconfig;
  std::string context = {};
  std::chrono::milliseconds command_timeout{std::chrono::seconds{60}};
  /// The container in which kubectl runs by `docker exec` and finds the cluster by itself. Empty:
  /// kubectl runs here, with the kubeconfig.
  ContainerName container = {};
  std::string docker = "docker";
  KubectlAge age = KubectlAge::present;
  KubectlDefaults defaults = KubectlDefaults::built_in;
  /// The version of `program`, if it was asked before: "v1.32.4".
  DisplayText version = {};
  /// The operator's words for `program` and `docker`, for commands to paste.
  std::string named = "kubectl";
  std::string named_docker = "docker";
};

/// A client of kubectl, the one place that knows its command line. Cheap to copy: a copy differs in
/// its section, for example, or its retry policy. Every command is announced as an event; its
/// output is never written down here. All functions throw KubectlFailure, NoResources or
/// Interrupted.
class Kubectl {
 public:
  /// The references must outlive this and its copies.
  Kubectl(Runner& runner, EventSink& events, KubectlTarget target)
      : runner_(&runner), events_(&events), target_(std::move(target)) {}

  const KubectlTarget& target() const { return target_; }

  /// A copy that announces its commands under a section of the runbook.
  Kubectl in_section(std::string section) const;
  /// A copy that reads another kubeconfig of the same cluster from its standard input. The file
  /// stays the caller's, and must outlive the copy. Its commands take no other input. Its advice
  /// names the operator's kubeconfig.
  Kubectl with_kubeconfig(int file) const;
  /// A copy for another run, which has its own events, and its own patience and name for the
  /// cluster.
  Kubectl for_run(EventSink& events) const;
  /// A copy that names a context of the kubeconfig, unless the operator named one.
  Kubectl in_context(std::string context) const;
  /// A copy with a retry policy of its own.
  Kubectl with(RetryPolicy policy) const;
  /// From now on, this and all its copies retry after every transient failure: after a change, an
  /// end would leave the work half done. `limit` holds for copies without a policy of their own.
  void be_patient(std::chrono::milliseconds limit) const;
  /// From now on, messages of this and all its copies call the cluster so, e.g. "production".
  void call_cluster(std::string name) const { *called_ = std::move(name); }
  /// The attempts of a command that its caller repeats.
  Retries retries() const;

  /// A copy that emits the end events of its commands once the gate is open. The gate must outlive
  /// it.
  Kubectl behind(Gate& gate) const;

  /// A copy that reads through a kubectl proxy, which starts now. Each of its copies shares the
  /// proxy. Reads that the proxy cannot answer remain commands.
  Kubectl in_session(const boost::asio::any_io_executor& executor) const;
  /// A copy that reads by processes of kubectl, which connect and log in again.
  Kubectl by_process() const;
  /// A copy whose reads are commands of the runbook: processes of kubectl, shown as documented
  /// steps.
  Kubectl documented() const;
  /// A copy whose commands leave the processors to others, because nobody waits for them yet.
  Kubectl yielding() const;
  /// The session, or null.
  const std::shared_ptr<Session>& session() const { return session_; }
  /// A copy that starts the kubectl which a dispatcher program selected for the session. Nothing if
  /// the session knows of none, or this is that copy.
  std::optional<Kubectl> as_selected() const;
  /// A copy whose commands end after `limit` at the latest.
  Kubectl within(std::chrono::milliseconds limit) const;
  /// A copy whose commands still run after a signal, to take back what retrust left in the cluster:
  /// see Purpose.
  Kubectl for_cleanup() const;
  /// The signal that asked this program to end, if any.
  std::optional<int> interrupted() const { return runner_->interrupted(); }
  /// A copy that knows the version of its kubectl, e.g. "v1.32.4".
  Kubectl of_version(std::string_view version) const;

  /// A copy that knows the age of its kubectl and whether kubectl reads a kuberc. Asks kubectl for
  /// its version.
  boost::asio::awaitable<Kubectl> of_its_age() const;

  /// The versions by `kubectl version`. An unknown version stays empty.
  boost::asio::awaitable<KubectlVersions> versions() const;

  /// Runs `kubectl get ARGS -o json`. The trim reduces each item of a list.
  boost::asio::awaitable<boost::json::value> get(Query query, Trim trim = {}) const;

  /// Gets one object, or nothing if there is no such object.
  boost::asio::awaitable<std::optional<boost::json::value>> find(Query query) const;

  /// Runs `kubectl config view`: the part of the kubeconfig in use, including its secrets. In a
  /// container, the whole kubeconfig without the files that it names.
  boost::asio::awaitable<boost::json::value> config() const;

  /// Runs `kubectl config view`: the whole kubeconfig, without the secrets that kubectl knows as
  /// such.
  boost::asio::awaitable<boost::json::value> whole_config() const;

  /// Runs `kubectl get --raw PATH` for an object or a page of a list. The trim reduces each item of
  /// a list.
  boost::asio::awaitable<boost::json::value> get_raw(std::string path, Trim trim = {}) const;

  /// Runs `kubectl get --raw PATH` for an answer that is no JSON, e.g. /healthz.
  boost::asio::awaitable<std::string> get_raw_text(std::string path) const;

  /// Runs `kubectl create -f -` for several reviews (TokenReview and the like), which the cluster
  /// does not keep. Returns the answers in the order of the objects.
  boost::asio::awaitable<std::vector<boost::json::value>> review(boost::json::array objects) const;

  /// Runs `kubectl replace -f -`. Throws a failure of kind KubectlError::conflict if somebody
  /// changed the object meanwhile.
  boost::asio::awaitable<void> replace(boost::json::object object) const;

  /// Runs `kubectl replace --raw PATH -f -`, for a path that is no resource by itself. Throws as
  /// replace() does.
  boost::asio::awaitable<void> replace_raw(std::string path, boost::json::object object) const;

  /// Runs `kubectl create -f -` for an object that the cluster keeps, under a name of new_name().
  /// Returns the created object, also if only its answer was lost: the object is then read. Takes
  /// another name, and warns, if another object has the name. `renamed` gets that name before it is
  /// tried.
  boost::asio::awaitable<boost::json::value> create(
      boost::json::object object, std::function<void(const ObjectName&)> renamed = {}) const;

  /// Runs a command that reads `input` on standard input and prints no secret of the input. `given`
  /// describes the input in words.
  boost::asio::awaitable<std::string> ask(Arguments args, std::string input,
                                          std::string given = {}) const;

  /// Runs a change with objects on standard input, such as `kubectl delete -f -`. Drops the output,
  /// a line for each object.
  boost::asio::awaitable<void> change_given(Arguments args, std::string input,
                                            std::string given) const;

  /// Runs a command that changes something and prints little, e.g. `delete secret/x`. The output is
  /// part of the event.
  boost::asio::awaitable<std::string> change(Arguments args) const;

  /// Watches by `kubectl get ARGS -w`. Restarts an ended watch from a fresh list until the reader
  /// says stop or the limit is over. Calls `on_list` before each (re)start: the following events
  /// begin with every existing object. A kubectl before 1.16 does not tell the type of an event:
  /// every event is `modified`. Returns false if the time was over: see check_answers.
  boost::asio::awaitable<bool> watch(Query query, std::chrono::milliseconds limit,
                                     std::function<void()> on_list,
                                     std::function<Flow(const WatchEvent&)> on_event) const;

  /// Logs in: reads /version by one kubectl alone with the terminal, which a login plugin may use
  /// to ask its user. If it may have asked, reads again without the terminal, as all other
  /// commands. Throws Failure: refused if the plugin asks again, where `follow` is the least number
  /// of logins that would follow; failed if nobody logs in, or if kubectl hangs. Leaves other
  /// failures to later commands. `base` is the path of the kubeconfig's server URL.
  boost::asio::awaitable<void> log_in(std::string base, std::size_t follow) const;

  /// Checks that the API server can be reached. Throws Failure (gave_up) otherwise: the absent
  /// server is then the reason for a wait in vain. `unknown` is the question of the wait, e.g.
  /// "whether the agents started within 5 min".
  boost::asio::awaitable<void> check_answers(std::string unknown) const;

  /// The command as a person would type it, and its first words.
  std::string shown(const Arguments& args) const;
  KubectlLine shown_line() const;

  /// The complete arguments of the commands, for runs and for plans.
  static Arguments get_args(const Query& query);
  static Arguments watch_args(const Query& query, KubectlAge age = KubectlAge::present);
  static Arguments replace_args();
  static Arguments replace_raw_args(std::string_view path);
  static Arguments create_args();

 private:
  /// One command, as run() starts it.
  struct Call {
    Arguments args;
    std::string input = {};
    std::string given = {};  ///< description of the input, in words
    Output output = Output::secret;
    Weight weight = Weight::routine;
    Terminal terminal = Terminal::kept;
    Life life = Life::awaited;
  };
  /// The description of a command in its events, by the arguments that a person would type.
  Announcement announcement(const Arguments& args) const;
  boost::asio::awaitable<Outcome> start(Call call, OutputReader reader,
                                        std::chrono::milliseconds deadline) const;
  /// Runs a command. Throws if the command failed. Without `answer` the output is in the outcome.
  boost::asio::awaitable<Outcome> run(Call call, JsonAnswer* answer = nullptr) const;
  /// Reads one secret document.
  boost::asio::awaitable<boost::json::value> read(
      Call call, Trim trim = {}, std::size_t most = DocumentStream::memory_limit) const;
  /// Reads the object that a create without an answer may have made. Nothing if there is no such
  /// object, or another one of that name.
  boost::asio::awaitable<std::optional<boost::json::value>> find_created(
      boost::json::object sent) const;
  /// Runs a command as run_announced does, and ends the processes that it leaves in the container.
  boost::asio::awaitable<Outcome> run_contained(Announcement announcement, Command command,
                                                OutputReader reader, std::string mark) const;
  RetryPolicy policy() const { return retry_.value_or(patience_->policy); }
  /// Whether a watch that failed so begins again.
  bool passes(KubectlError kind) const { return is_patient() ? is_transient(kind) : is_away(kind); }
  /// Whether every transient failure is retried.
  bool is_patient() const { return patience_->begun && policy().limit.count() > 0; }

  // The following functions use the session (kubectl_session.cpp). They return nothing if the
  // session cannot answer, so that a process must.

  struct Request;
  struct Told;
  struct Reading;
  struct Reviewing;
  enum class WatchEnd { stopped, time_over, closed };
  using EventTaker = std::function<Flow(const WatchEvent&)>;
  bool has_session() const;
  /// Waits until the session serves or cannot serve. Returns whether it serves.
  boost::asio::awaitable<bool> session_ready() const;
  /// Time limit for the start of a session. After the limit a process starts instead.
  std::chrono::milliseconds session_wait() const;
  boost::asio::awaitable<std::optional<Told>> tell(Request request, OutputReader reader,
                                                   std::chrono::milliseconds deadline) const;
  /// The failure for an answer, with what the server says of the next request.
  static KubectlFailure explained(const Told& told, const Asked& about);
  /// Sends the request once.
  boost::asio::awaitable<std::optional<Told>> attempt(Request request, OutputReader reader,
                                                      std::chrono::milliseconds deadline) const;
  boost::asio::awaitable<CommandEnd> exchange(std::string socket, Request request,
                                              OutputReader reader,
                                              std::chrono::milliseconds deadline, Told& told) const;
  boost::asio::awaitable<std::optional<boost::json::value>> read_object(
      std::string path, Asked about, boost::json::storage_ptr memory, Trim trim = {}) const;
  boost::asio::awaitable<std::optional<boost::json::value>> read_list(
      ApiRead read, Asked about, boost::json::storage_ptr memory, Trim trim,
      std::chrono::milliseconds limit) const;
  boost::asio::awaitable<void> read_part(Reading& reading, std::size_t part) const;
  boost::asio::awaitable<std::optional<boost::json::value>> read_once(Query query, Trim trim) const;
  /// Reads as often as the retry policy allows.
  boost::asio::awaitable<std::optional<boost::json::value>> session_read(
      Arguments args,
      std::function<boost::asio::awaitable<std::optional<boost::json::value>>()> read) const;
  boost::asio::awaitable<std::optional<boost::json::value>> session_get(Query query,
                                                                        Trim trim) const;
  boost::asio::awaitable<std::optional<boost::json::value>> session_raw(std::string path,
                                                                        Trim trim) const;
  boost::asio::awaitable<void> review_next(Reviewing& reviewing) const;
  boost::asio::awaitable<CommandEnd> review_all(Reviewing& reviewing) const;
  boost::asio::awaitable<void> review_announced(Reviewing& reviewing) const;
  boost::asio::awaitable<std::optional<std::vector<boost::json::value>>> session_review(
      boost::json::array objects) const;
  boost::asio::awaitable<std::optional<WatchEnd>> session_watch(Query query,
                                                                std::chrono::milliseconds limit,
                                                                EventTaker on_event) const;
  boost::asio::awaitable<WatchEnd> process_watch(Query query, std::chrono::milliseconds limit,
                                                 EventTaker on_event, Weight weight) const;

  boost::asio::awaitable<std::vector<boost::json::value>> process_review(
      boost::json::array objects) const;
  boost::asio::awaitable<void> ask_client(KubectlVersions& versions) const;
  boost::asio::awaitable<void> ask_server(KubectlVersions& versions) const;
  /// The output of `kubectl version --client`; null if the output is no JSON.
  boost::asio::awaitable<boost::json::value> client() const;
  Asked asked(const Arguments& args, std::string_view given = {}) const;
  /// The environment of every kubectl that retrust starts here.
  std::map<std::string, std::string> environment() const;
  /// The number of objects of each kind, e.g. "2 TokenReviews, 1 SelfSubjectAccessReview".
  static std::string kinds_text(const boost::json::array& objects);
  /// The options of every command that lead kubectl to its cluster.
  Arguments reaching() const;
  /// The complete arguments of a command, for a run.
  Arguments whole(const Arguments& args) const;

  Runner* runner_;
  EventSink* events_;
  KubectlTarget target_;
  std::optional<int> kubeconfig_;  ///< of with_kubeconfig()
  std::string section_;
  /// The beginning of commands in advice; empty means that of every command.
  std::string reaching_;
  std::optional<RetryPolicy> retry_;
  /// The cluster's name for people; empty: it is named by its side.
  std::shared_ptr<std::string> called_ = std::make_shared<std::string>();
  std::shared_ptr<Patience> patience_ = std::make_shared<Patience>();
  Gate* gate_ = nullptr;
  std::shared_ptr<Session> session_;
  Weight reads_ = Weight::routine;
  Pace pace_ = Pace::ordinary;
  Purpose purpose_ = Purpose::ordinary;
};

}  // namespace retrust
