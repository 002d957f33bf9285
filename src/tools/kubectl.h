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
#include "transcript/journal.h"

namespace retrust {

class Session;

/// One event of a watch.
struct WatchEvent {
  enum class Type { added, modified, deleted };
  Type type;
  boost::json::value object;
};

/// What a kubectl is too old for: that in Rancher's image is as old as 1.10.
enum class KubectlAge {
  present,
  before_1_24,  ///< its proxy holds watch events back by 200 ms
  before_1_16,  ///< no --output-watch-events: a watch shows objects alone
};

/// By what `kubectl version --client -o json` printed; `present` where that says nothing.
KubectlAge age_of(const boost::json::value& version);
/// The same by "v1.32.4".
KubectlAge age_of(std::string_view version);

/// How a kubectl is typed: the words that come first, and what defaults it has.
struct KubectlLine {
  std::vector<std::string> words = {"kubectl"};
  KubectlDefaults defaults = KubectlDefaults::built_in;
};

/// The command as a person would type it.
std::string shell_line(const KubectlLine& line, const Arguments& args);

/// "v1.32.4" each.
struct KubectlVersions {
  DisplayText kubectl;
  DisplayText server;
};

/// Which kubectl, and how it reaches its cluster.
struct KubectlTarget {
  Side side = Side::downstream;
  std::string program = "kubectl";
  std::string kubeconfig;
  std::string context = {};
  std::chrono::milliseconds command_timeout{std::chrono::seconds{60}};
  /// Where it is run by `docker exec`, and finds the cluster by itself; empty: here, by the
  /// kubeconfig.
  ContainerName container = {};
  std::string docker = "docker";
  KubectlAge age = KubectlAge::present;
  KubectlDefaults defaults = KubectlDefaults::built_in;
  /// The operator's words for `program` and `docker`, for commands to paste.
  std::string named = "kubectl";
  std::string named_docker = "docker";
};

/// Between two attempts to reach a server that is away: there is nothing to watch meanwhile.
inline constexpr std::chrono::milliseconds retry_pause{250};

/// Whether a lost connection is waited out: an API server may restart in the middle of a run.
struct RetryPolicy {
  std::chrono::milliseconds limit{0};
};

/// The one place that knows how kubectl is spoken to. Cheap to copy: a copy differs in its section
/// or its retry policy. Every command is announced as an event, its output is never written down
/// here. All functions throw KubectlFailure, or Interrupted.
class Kubectl {
 public:
  /// The references must outlive this and its copies.
  Kubectl(Runner& runner, EventSink& events, KubectlTarget target)
      : runner_(&runner), events_(&events), target_(std::move(target)) {}

  const KubectlTarget& target() const { return target_; }

  /// A copy whose commands are announced as belonging to that section of the runbook.
  Kubectl in_section(std::string section) const;
  /// A copy that uses another kubeconfig of the same cluster.
  Kubectl with_kubeconfig(std::string path) const;
  /// A copy that names a context of the kubeconfig, unless the operator named one.
  Kubectl in_context(std::string context) const;
  /// A copy that tries again while the API server cannot be reached.
  Kubectl with(RetryPolicy policy) const;

  /// A copy whose commands tell of their end when the gate is open. The gate must outlive it.
  Kubectl behind(Gate& gate) const;

  /// A copy whose reads go through a kubectl proxy, which starts now. Each of its copies shares it.
  /// Reads that the proxy cannot answer, for whichever reason, are commands as before.
  Kubectl in_session(const boost::asio::any_io_executor& executor) const;
  /// A copy whose reads are processes of kubectl, which connect and log in again.
  Kubectl by_process() const;
  /// A copy whose reads are commands of the runbook: processes of kubectl, shown as such.
  Kubectl documented() const;
  /// Nothing where there is none.
  const std::shared_ptr<Session>& session() const { return session_; }
  /// A copy that starts the kubectl which its own program, a dispatcher, selected for the session.
  /// Nothing if the session knows of none, or this is that copy.
  std::optional<Kubectl> as_selected() const;
  /// A copy that knows the version of its kubectl, e.g. "v1.32.4".
  Kubectl of_version(std::string_view version) const;

  /// A copy that knows what its kubectl is too old for, and whether that reads a kuberc; asks it
  /// for its version.
  boost::asio::awaitable<Kubectl> of_its_age() const;

  /// By `kubectl version`: what is not known stays empty.
  boost::asio::awaitable<KubectlVersions> versions() const;

  /// `kubectl get ARGS -o json`; of the items of a list what the trim leaves.
  boost::asio::awaitable<boost::json::value> get(Query query, Trim trim = {}) const;

  /// The same of one object; nothing where it is not there.
  boost::asio::awaitable<std::optional<boost::json::value>> find(Query query) const;

  /// `kubectl config view`: the part of the kubeconfig that is in use, its secrets included; in a
  /// container the whole of it, without the files that it names.
  boost::asio::awaitable<boost::json::value> config() const;

  /// `kubectl get --raw PATH` of an object or of a page of a list, of whose items the trim leaves
  /// what is needed.
  boost::asio::awaitable<boost::json::value> get_raw(std::string path, Trim trim = {}) const;

  /// `kubectl get --raw PATH` of what is no JSON, e.g. /healthz.
  boost::asio::awaitable<std::string> get_raw_text(std::string path) const;

  /// `kubectl create -f -` of several objects; what came back, in their order. They are reviews
  /// (TokenReview and the like), so nothing is kept by the cluster.
  boost::asio::awaitable<std::vector<boost::json::value>> review(boost::json::array objects) const;

  /// `kubectl replace -f -`. A conflict is thrown as KubectlError::conflict.
  boost::asio::awaitable<void> replace(boost::json::object object) const;

  /// `kubectl replace --raw PATH -f -`, for what is no resource by itself; else the same.
  boost::asio::awaitable<void> replace_raw(std::string path, boost::json::object object) const;

  /// `kubectl create -f -` of an object that the cluster keeps; what it made of it.
  boost::asio::awaitable<boost::json::value> create(boost::json::object object) const;

  /// Any command that reads what is given on standard input, and prints no secret of it.
  /// `given` says what that is.
  boost::asio::awaitable<std::string> ask(Arguments args, std::string input,
                                          std::string given = {}) const;

  /// `kubectl delete -f -` and the like: what it prints, a line for each object, is dropped.
  boost::asio::awaitable<void> change_given(Arguments args, std::string input,
                                            std::string given) const;

  /// Any command that changes something and prints little, e.g. `delete secret/x`; what it
  /// printed is part of its event.
  boost::asio::awaitable<std::string> change(Arguments args) const;

  /// `kubectl get ARGS -w`, started again from a fresh list whenever it ends, until the reader says
  /// stop or the limit is over. `on_list` is called before each (re)start: the events that follow
  /// begin with everything that is there. A kubectl before 1.16 does not tell what became of an
  /// object: all is `modified` then. False where the time was over: see check_answers.
  boost::asio::awaitable<bool> watch(Query query, std::chrono::milliseconds limit,
                                     std::function<void()> on_list,
                                     std::function<Flow(const WatchEvent&)> on_event) const;

  /// Throws Failure (gave_up) where the API server cannot be reached now. After a wait in vain that
  /// is the reason, as nothing can be seen of a server that is away; `unknown` is what the wait was
  /// to show, e.g. "whether the agents started within 5 min".
  boost::asio::awaitable<void> check_answers(std::string unknown) const;

  /// The command as a person would type it, and how each begins.
  std::string shown(const Arguments& args) const;
  KubectlLine shown_line() const;

  /// The whole arguments of get, watch and replace, as they are run and as a plan shows them.
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
    std::string given = {};  ///< what that is, in words
    Output output = Output::secret;
    Weight weight = Weight::routine;
  };
  /// How it appears in events, by the arguments that a person would type.
  Announcement announcement(const Arguments& args) const;
  boost::asio::awaitable<Outcome> start(Call call, OutputReader reader,
                                        std::chrono::milliseconds deadline) const;
  /// Throws where it failed, also with an answer. Without an answer the text is in the outcome.
  boost::asio::awaitable<Outcome> run(Call call, JsonAnswer* answer = nullptr) const;
  /// One document, which is secret.
  boost::asio::awaitable<boost::json::value> read(
      Call call, Trim trim = {}, std::size_t most = DocumentStream::memory_limit) const;
  /// As run_announced; and ends what it leaves behind in the container.
  boost::asio::awaitable<Outcome> run_contained(Announcement announcement, Command command,
                                                OutputReader reader, std::string mark) const;
  /// Warns that a cluster is away and waits for the next attempt. Throws the failure where that is
  /// none that passes, or the time is over.
  boost::asio::awaitable<void> wait_out(KubectlFailure failure,
                                        std::chrono::steady_clock::time_point give_up) const;

  // By the session: kubectl_session.cpp. Nothing is returned where the session cannot answer, so
  // that a process has to.

  struct Request;
  struct Told;
  struct Reading;
  struct Reviewing;
  enum class WatchEnd { stopped, time_over, closed };
  using EventTaker = std::function<Flow(const WatchEvent&)>;
  bool has_session() const;
  /// Waits until the session serves, or cannot.
  boost::asio::awaitable<bool> session_ready() const;
  /// What it may take a session to begin: by then a process is started instead.
  std::chrono::milliseconds session_wait() const;
  boost::asio::awaitable<std::optional<Told>> tell(Request request, OutputReader reader,
                                                   std::chrono::milliseconds deadline) const;
  /// One attempt.
  boost::asio::awaitable<std::optional<Told>> attempt(Request request, OutputReader reader,
                                                      std::chrono::milliseconds deadline) const;
  boost::asio::awaitable<CommandEnd> exchange(std::string socket, Request request,
                                              OutputReader reader,
                                              std::chrono::milliseconds deadline, Told& told) const;
  boost::asio::awaitable<std::optional<boost::json::value>> read_object(
      std::string path, Asked about, boost::json::storage_ptr memory, Trim trim = {}) const;
  boost::asio::awaitable<std::optional<boost::json::value>> read_list(
      ApiRead read, Asked about, boost::json::storage_ptr memory, Trim trim) const;
  boost::asio::awaitable<void> read_part(Reading& reading, std::size_t part) const;
  boost::asio::awaitable<std::optional<boost::json::value>> read_once(Query query, Trim trim) const;
  /// As often as the retry policy allows.
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
  /// `kubectl version --client`; null where that is no JSON.
  boost::asio::awaitable<boost::json::value> client() const;
  Asked asked(const Arguments& args) const;
  /// Of every kubectl that is started here.
  static std::map<std::string, std::string> environment();
  /// "2 TokenReviews, 1 SelfSubjectAccessReview".
  static std::string kinds_text(const boost::json::array& objects);
  /// How this kubectl reaches its cluster, as options of every command.
  Arguments reaching() const;
  /// The whole arguments of a command, as it is run.
  Arguments whole(const Arguments& args) const;

  Runner* runner_;
  EventSink* events_;
  KubectlTarget target_;
  std::string section_;
  RetryPolicy retry_;
  Gate* gate_ = nullptr;
  std::shared_ptr<Session> session_;
  Weight reads_ = Weight::routine;
};

}  // namespace retrust
