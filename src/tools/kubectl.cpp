#include "tools/kubectl.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <random>
#include <unistd.h>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/json.h"
#include "base/pod_account.h"
#include "base/text.h"
#include "base/words.h"
#include "process/executable.h"
#include "process/tasks.h"
#include "tools/action.h"
#include "tools/docker.h"
#include "tools/json_answer.h"
#include "tools/kubectl_request.h"
#include "tools/new_name.h"
#include "tools/object_check.h"
#include "tools/session.h"

namespace retrust {
namespace {

using Clock = std::chrono::steady_clock;

/// The time after which a watch in a container ends by itself, and begins again if retrust still
/// waits.
constexpr const char* longest_contained_watch = "--request-timeout=30s";

/// A new, unique value of mark_name.
std::string new_mark() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

/// Describes an object, e.g. "Secret cattle-token-x7k2p in cattle-system, resourceVersion 4711".
std::string object_text(const boost::json::object& object) {
  const boost::json::value value(object);
  const auto name = text_at(value, "/metadata/name");
  auto text = fmt::format("{} {}", text_at(value, "/kind"), name);
  const auto name_space = text_at(value, "/metadata/namespace");
  if (!name_space.empty()) text += " in " + name_space;
  const auto version = text_at(value, "/metadata/resourceVersion");
  if (!version.empty()) text += ", resourceVersion " + version;
  return text;
}

/// Limit of names for a new object. Kubernetes itself tries 8 times.
constexpr int most_names = 5;

/// Memory limit in bytes of a kubeconfig: room for a client certificate, its key and a CA bundle
/// for each of 100 clusters and users.
constexpr std::size_t most_in_config = std::size_t{2} << 20U;
/// Memory limit in bytes of the output of `kubectl version`.
constexpr std::size_t most_in_version = std::size_t{64} << 10U;

/// Closes a session at the end, unless take_base() gave the session its cluster's address before.
class ClosedSession {
 public:
  explicit ClosedSession(std::shared_ptr<Session> session) : session_(std::move(session)) {}
  ~ClosedSession() {
    if (session_) session_->close();
  }
  ClosedSession(const ClosedSession&) = delete;
  ClosedSession& operator=(const ClosedSession&) = delete;

  void take_base(std::string_view server) {
    auto base = url_path(server);
    if (!session_ || !base) return;
    session_->set_base(std::move(*base));
    session_.reset();
  }

 private:
  std::shared_ptr<Session> session_;
};

/// Throws Failure (gave_up) if the server is away.
void check_present(const KubectlFailure& failure, const std::string& unknown) {
  if (!is_away(failure.kind)) return;
  throw Failure(ExitStatus::gave_up,
                fmt::format("{}, so retrust does not know {}", failure.what(), unknown),
                failure.advice, failure.detail);
}

/// Whether a command changes nothing, whenever it ends.
bool only_reads(const Arguments& args) {
  constexpr std::array<std::string_view, 3> reads{"get", "version", "config"};
  return std::find(reads.begin(), reads.end(), args.command()) != reads.end();
}

}  // namespace

/// Address of the server that kubectl asks if it cannot use the account of the Pod, in place of
/// http://localhost:8080, where another container of the Pod may answer: kubernetes/client-go
/// v0.35.0, tools/clientcmd/client_config.go (getDefaultServer). Tried with kubectl 1.20 to 1.35.
constexpr const char* nowhere = "http://127.0.0.1:0";

// kubectl's runtime collects garbage on every processor, though the process ends before it
// benefits: a quarter of its time. The operator's own settings stay. Without HOME kubectl reads a
// kuberc and its cache in the current folder.
std::map<std::string, std::string> Kubectl::environment() const {
  std::map<std::string, std::string> settings{{"GOGC", "400"}, {"GOMAXPROCS", "1"}};
  std::erase_if(settings, [](const auto& each) { return std::getenv(each.first.c_str()); });
  settings["HOME"] = home_folder();
  if (is_of_pod(target_.kubeconfig)) settings["KUBERNETES_MASTER"] = nowhere;
  return settings;
}

std::string Kubectl::kinds_text(const boost::json::array& objects) {
  std::vector<std::pair<std::string, std::size_t>> kinds;
  for (const auto& object : objects) {
    const auto kind = text_at(object, "/kind");
    const auto known = std::find_if(kinds.begin(), kinds.end(),
                                    [&](const auto& each) { return each.first == kind; });
    if (known == kinds.end()) {
      kinds.emplace_back(kind, 1);
    } else {
      ++known->second;
    }
  }
  std::string text;
  for (const auto& [kind, count] : kinds) text += (text.empty() ? "" : ", ") + counted(count, kind);
  return text;
}

KubectlAge age_of(const boost::json::value& version) {
  // "10", "16+": some builds add a sign.
  return age_of(fmt::format("v{}.{}", text_at(version, "/clientVersion/major"),
                            text_at(version, "/clientVersion/minor")));
}

KubectlAge age_of(std::string_view version) {
  constexpr std::string_view major = "v1.";
  if (!version.starts_with(major)) return KubectlAge::present;
  const auto minor = std::atoi(std::string(version.substr(major.size())).c_str());
  if (minor == 0 || minor >= 24) return KubectlAge::present;
  return minor < 16 ? KubectlAge::before_1_16 : KubectlAge::before_1_24;
}

std::string shell_line(const KubectlLine& line, const Arguments& args) {
  return shell_line(line.words,
                    line.defaults == KubectlDefaults::of_kuberc ? over_kuberc(args) : args);
}

Kubectl Kubectl::in_section(std::string section) const {
  auto copy = *this;
  copy.section_ = std::move(section);
  return copy;
}

Kubectl Kubectl::for_run(EventSink& events) const {
  auto copy = *this;
  copy.events_ = &events;
  copy.called_ = std::make_shared<std::string>();
  copy.patience_ = std::make_shared<Patience>();
  return copy;
}

Kubectl Kubectl::in_context(std::string context) const {
  auto copy = *this;
  if (copy.target_.context.empty()) copy.target_.context = std::move(context);
  return copy;
}

Kubectl Kubectl::with(RetryPolicy policy) const {
  auto copy = *this;
  copy.retry_ = policy;
  return copy;
}

void Kubectl::be_patient(std::chrono::milliseconds limit) const {
  patience_->begun = true;
  patience_->policy = {limit};
}

Retries Kubectl::retries() const {
  const auto place = target_.container.empty() ? shown_kubeconfig(target_.kubeconfig)
                                               : fmt::format("container {}", target_.container);
  return Retries(*runner_, Journal(*events_, section_), patience_, policy(),
                 fmt::format("the {} ({})", name_of(target_.side), place));
}

Kubectl Kubectl::behind(Gate& gate) const {
  auto copy = *this;
  copy.gate_ = &gate;
  return copy;
}

Kubectl Kubectl::with_kubeconfig(int file) const {
  auto copy = *this;
  copy.reaching_ = shell_line(shown_line().words);
  // kubectl opens this path again for each of its readers, and each begins at the file's beginning.
  copy.target_.kubeconfig = kubeconfig_in_memory;
  copy.kubeconfig_ = file;
  // Without this name, a kubectl that a wrapper gives no input would ask a server on localhost.
  copy.target_.context = temporary_context;
  copy.session_.reset();
  return copy;
}

std::optional<Kubectl> Kubectl::as_selected() const {
  if (!session_ || session_->selected().empty()) return std::nullopt;
  if (session_->selected() == target_.program) return std::nullopt;
  auto copy = *this;
  copy.target_.program = session_->selected();
  // Its name has its version: kubectl.1.32. The dispatcher may have told its own.
  constexpr std::string_view before = "kubectl.";
  const auto& program = copy.target_.program;
  const auto version = fmt::format("v{}.0", program.substr(program.rfind(before) + before.size()));
  copy.target_.defaults = defaults_of(version, std::getenv("KUBECTL_KUBERC"));
  return copy.of_version(version);
}

Kubectl Kubectl::documented() const {
  auto copy = *this;
  copy.session_.reset();
  copy.reads_ = Weight::documented;
  return copy;
}

Kubectl Kubectl::yielding() const {
  auto copy = *this;
  copy.pace_ = Pace::yielding;
  return copy;
}

Kubectl Kubectl::within(std::chrono::milliseconds limit) const {
  auto copy = *this;
  copy.target_.command_timeout = std::min(copy.target_.command_timeout, limit);
  return copy;
}

Kubectl Kubectl::for_cleanup() const {
  auto copy = *this;
  // A signal ends the session.
  copy.session_.reset();
  copy.purpose_ = Purpose::cleanup;
  return copy;
}

Kubectl Kubectl::of_version(std::string_view version) const {
  auto copy = *this;
  if (!version.empty()) copy.target_.age = age_of(version);
  return copy;
}

Asked Kubectl::asked(const Arguments& args, std::string_view given) const {
  std::string command = "kubectl";
  // The name has the command and its kind, without a leading namespace and the object's name.
  const auto& words = args.list();
  const auto first = args.command_at();
  for (auto i = first; i < std::min(words.size(), first + 2); ++i) {
    if (words[i].starts_with('-')) break;
    command += " " + words[i].substr(0, words[i].find('/'));
  }
  const auto& container = target_.container;
  const auto reaching = reaching_.empty() ? shell_line(shown_line().words) : reaching_;
  const auto action =
      fmt::format("{} of {}", action_text(args, given),
                  called_->empty() ? fmt::format("the {}", name_of(target_.side)) : *called_);
  if (container.empty()) {
    return {target_.side,
            shown_kubeconfig(target_.kubeconfig),
            target_.program,
            command,
            {},
            reaching,
            target_.named,
            action};
  }
  return {target_.side,         fmt::format("container {}", container),
          target_.docker,       command,
          container.text(),     reaching,
          target_.named_docker, action};
}

KubectlLine Kubectl::shown_line() const {
  std::vector<std::string> words{target_.named};
  if (!target_.container.empty()) {
    words = {target_.named_docker, "exec", "-i", target_.container.text(), "kubectl"};
  }
  return {with_more(std::move(words), reaching().list()), target_.defaults};
}

Arguments Kubectl::whole(const Arguments& args) const {
  auto all = reaching();
  all.append(target_.defaults == KubectlDefaults::of_kuberc ? over_kuberc(args) : args);
  return all;
}

Arguments Kubectl::reaching() const {
  Arguments args;
  if (target_.container.empty()) args.joined("--kubeconfig=", target_.kubeconfig);
  // A kuberc may not lead it elsewhere, nor as somebody whose secrets are not registered: an empty
  // value is the kubeconfig's own.
  const auto may_lead = target_.defaults == KubectlDefaults::of_kuberc;
  if (may_lead || !target_.context.empty()) args.joined("--context=", target_.context);
  if (may_lead) {
    args.words({"--cluster=", "--user=", "--server=", "--tls-server-name=",
                "--certificate-authority=", "--insecure-skip-tls-verify=false", "--token=",
                "--client-certificate=", "--client-key=", "--username=", "--password="});
    // With one of these kubectl would not use the account of the Pod.
    if (is_of_pod(target_.kubeconfig)) {
      args.words({"--request-timeout=0", "--as=", "--disable-compression=false"});
    }
  }
  return args;
}

std::string Kubectl::shown(const Arguments& args) const {
  return shell_line(shown_line(), args);
}

Arguments Kubectl::get_args(const Query& query) {
  return Arguments{"get"}.append(query.args()).words({"-o", "json"});
}

Arguments Kubectl::watch_args(const Query& query, KubectlAge age) {
  auto watch = Arguments{"get"}.append(query.args()).words({"-w"});
  if (age != KubectlAge::before_1_16) watch.words({"--output-watch-events"});
  return watch.words({"-o", "json"});
}

Arguments Kubectl::replace_args() {
  return {"replace", "--validate=false", "-f", "-", "-o", "name"};
}

Arguments Kubectl::replace_raw_args(std::string_view path) {
  return Arguments{"replace", "--raw"}.absolute_path(path).words({"-f", "-"});
}

Arguments Kubectl::create_args() {
  return {"create", "--validate=false", "-f", "-", "-o", "json"};
}

Announcement Kubectl::announcement(const Arguments& args) const {
  Announcement announcement;
  announcement.section = section_;
  announcement.line = shown(args);
  announcement.name = asked(args).command;
  announcement.about.cluster = target_.side == Side::downstream ? "downstream" : "local";
  announcement.about.program =
      absolute_program(target_.container.empty() ? target_.program : target_.docker);
  announcement.errors = Errors::known_lines;
  announcement.gate = gate_;
  announcement.weight = Weight::routine;
  return announcement;
}

boost::asio::awaitable<Outcome> Kubectl::start(Call call, OutputReader reader,
                                               std::chrono::milliseconds deadline) const {
  auto announcement = this->announcement(call.args);
  announcement.given = std::move(call.given);
  announcement.output = call.output;
  announcement.weight = call.weight;
  announcement.about.life = call.life;
  const auto contained = !target_.container.empty();
  Command command;
  command.program = contained ? target_.docker : target_.program;
  command.input = std::move(call.input);
  command.input_descriptor = kubeconfig_;
  // A child that reads its input, and does not open it again, begins where the last one ended.
  if (kubeconfig_) ::lseek(*kubeconfig_, 0, SEEK_SET);
  command.deadline = deadline;
  command.pace = pace_;
  command.purpose = purpose_;
  // The output is a page of a list at most, or a line for each changed object.
  command.output_limit = std::size_t{8} << 20U;
  command.terminal = call.terminal;
  if (call.output == Output::public_text) command.excess = Excess::is_dropped;
  if (only_reads(call.args)) command.on_parent_death = OnParentDeath::ends_child;
  const auto args = whole(call.args);
  if (!contained) {
    command.args = args.list();
    command.environment = environment();
    return run_announced(*runner_, *events_, std::move(announcement), std::move(command),
                         std::move(reader));
  }
  // docker passes no end on, and a retrust that is killed cannot end a watch in the container.
  const auto& words = call.args.list();
  Arguments bounded;
  if (std::find(words.begin(), words.end(), "-w") != words.end()) {
    bounded.words({longest_contained_watch});
  }
  auto mark = new_mark();
  command.args = Arguments{"exec", "-e"}
                     .joined(mark_name, mark)
                     .words({"-i"})
                     .container(target_.container)
                     .words({"kubectl"})
                     .append(args)
                     .append(bounded)
                     .list();
  return run_contained(std::move(announcement), std::move(command), std::move(reader),
                       std::move(mark));
}

boost::asio::awaitable<Outcome> Kubectl::run_contained(Announcement announcement, Command command,
                                                       OutputReader reader,
                                                       std::string mark) const {
  std::exception_ptr failure;
  Outcome outcome;
  try {
    outcome = co_await run_announced(*runner_, *events_, std::move(announcement),
                                     std::move(command), std::move(reader));
  } catch (const NoResources&) {
    throw;  // docker was not started, and leaves nothing
  } catch (...) {
    failure = std::current_exception();
  }
  const auto left = outcome.ending != Ending::exited && outcome.ending != Ending::not_found &&
                    outcome.ending != Ending::not_executable;
  if (failure || left) {
    // Ending docker does not end kubectl in the container. The cleanup must run even after a
    // cancellation.
    co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
    const DockerTarget target{target_.docker, target_.command_timeout, target_.named_docker};
    const Docker docker(*runner_, *events_, target);
    auto ended = false;
    try {
      co_await docker.end_marked(target_.container, mark);
      ended = true;
    } catch (const Failure&) {
      // The container may be gone, and kubectl with it.
    } catch (const Interrupted&) {
    }
    if (!ended) {
      Journal(*events_, section_)
          .warning(fmt::format("a kubectl may still run in the container {}", target_.container));
    }
  }
  if (failure) std::rethrow_exception(failure);
  co_return outcome;
}

boost::asio::awaitable<boost::json::value> Kubectl::client() const {
  Call call{.args = {"version", "--client", "-o", "json"}};
  const auto about = asked(call.args);
  JsonAnswer answer({}, most_in_version);
  co_await run(std::move(call), &answer);
  boost::json::value version;
  try {
    version = answer.document(about);
  } catch (const Failure&) {
    // A kubectl that says nothing of its age is taken for a present one.
  }
  co_return version;
}

boost::asio::awaitable<Kubectl> Kubectl::of_its_age() const {
  auto copy = *this;
  const auto version = co_await client();
  copy.target_.age = age_of(version);
  // A kubectl in a container does not read the operator's kuberc.
  if (target_.container.empty()) {
    copy.target_.defaults =
        defaults_of(text_at(version, "/clientVersion/gitVersion"), std::getenv("KUBECTL_KUBERC"));
  }
  co_return copy;
}

boost::asio::awaitable<KubectlVersions> Kubectl::versions() const {
  KubectlVersions versions;
  if (has_session()) {
    std::vector<boost::asio::awaitable<void>> questions;
    questions.push_back(ask_client(versions));
    questions.push_back(ask_server(versions));
    co_await all_settled(std::move(questions));
    co_return versions;
  }
  Call call{.args = {"version", "-o", "json"}};
  const auto about = asked(call.args);
  JsonAnswer answer({}, most_in_version);
  // kubectl prints its own version even if it fails because the server cannot be reached.
  co_await start(std::move(call), answer.reader(), target_.command_timeout);
  try {
    const auto told = answer.document(about);
    versions.kubectl = text_at(told, "/clientVersion/gitVersion");
    versions.server = text_at(told, "/serverVersion/gitVersion");
  } catch (const Failure&) {
    // The failure of another question explains it better.
  }
  co_return versions;
}

Kubectl Kubectl::by_process() const {
  auto copy = *this;
  copy.session_.reset();
  return copy;
}

boost::asio::awaitable<void> Kubectl::ask_client(KubectlVersions& versions) const {
  versions.kubectl = target_.version;
  if (!versions.kubectl.empty()) co_return;
  const auto version = co_await client();
  versions.kubectl = text_at(version, "/clientVersion/gitVersion");
}

boost::asio::awaitable<void> Kubectl::ask_server(KubectlVersions& versions) const {
  const auto impatient = with(RetryPolicy{});
  Trim whole;
  const auto version = co_await impatient.session_raw("/version", std::move(whole));
  if (version) {
    versions.server = text_at(*version, "/gitVersion");
    co_return;
  }
  // The server decides who makes a token secret: a session that cannot tell is not the last word.
  const auto told = co_await by_process().versions();
  versions.server = told.server;
}

boost::asio::awaitable<void> Kubectl::check_answers(std::string unknown) const {
  const auto impatient = with(RetryPolicy{});
  std::optional<KubectlFailure> refused;
  try {
    Trim whole;
    const auto told = co_await impatient.session_raw("/version", std::move(whole));
    if (told) co_return;
  } catch (const KubectlFailure& failure) {
    refused = failure;
  }
  if (refused) {
    check_present(*refused, unknown);
    co_return;
  }
  Call call{.args = {"version", "-o", "json"}};
  const auto about = asked(call.args);
  const auto outcome = co_await start(std::move(call), OutputReader(), target_.command_timeout);
  if (outcome.succeeded()) co_return;
  check_present(explain(outcome, about), unknown);
}

boost::asio::awaitable<Outcome> Kubectl::run(Call call, JsonAnswer* answer) const {
  auto retries = this->retries();
  auto lost = false;
  for (;;) {
    auto reader = answer == nullptr ? OutputReader() : answer->reader();
    auto outcome = co_await start(call, std::move(reader), target_.command_timeout);
    if (outcome.succeeded()) {
      retries.answered();
      co_return outcome;
    }
    auto failure = explain(outcome, asked(call.args, call.given));
    failure.repeated = lost;
    lost = lost || is_transient(failure.kind);
    co_await retries.wait_out(std::move(failure));
  }
}

boost::asio::awaitable<boost::json::value> Kubectl::read(Call call, Trim trim,
                                                         std::size_t most) const {
  const auto about = asked(call.args);
  const auto asked_for = call.args;
  JsonAnswer answer(std::move(trim), most);
  co_await run(std::move(call), &answer);
  auto document = answer.document(about);
  check_objects(document, {name_of(target_.side), shown(asked_for), asked_for.name_space()});
  co_return document;
}

boost::asio::awaitable<boost::json::value> Kubectl::get(Query query, Trim trim) const {
  Call call{.args = get_args(query), .weight = reads_};
  auto told = co_await session_get(std::move(query), trim);
  if (told) co_return std::move(*told);
  co_return co_await read(std::move(call), std::move(trim));
}

boost::asio::awaitable<std::optional<boost::json::value>> Kubectl::find(Query query) const {
  std::optional<boost::json::value> found;
  try {
    auto object = co_await get(std::move(query));
    found.emplace(std::move(object));
  } catch (const KubectlFailure& failure) {
    if (failure.kind != KubectlError::not_found) throw;
  }
  co_return found;
}

boost::asio::awaitable<boost::json::value> Kubectl::config() const {
  if (is_of_pod(target_.kubeconfig)) {
    // kubectl shows nothing of it.
    if (session_) session_->set_base({});
    co_return pod_config();
  }
  // A container may have no kubeconfig, which cannot be minified, and files of other entries may be
  // missing: retrust reads the whole as it is.
  Call view{.args = {"config", "view", "--raw", "-o", "json"}};
  if (target_.container.empty()) view.args.words({"--minify", "--flatten"});
  const auto about = asked(view.args);
  if (session_) session_->expect_base();
  // Reads of the session wait for the base, so every ending must close the session or give the
  // base.
  ClosedSession unless_known(session_);
  std::optional<KubectlFailure> failure;
  boost::json::value shown;
  try {
    shown = co_await read(std::move(view), Trim(), most_in_config);
  } catch (const KubectlFailure& failed) {
    failure = failed;
  }
  if (!failure) {
    unless_known.take_base(text_at(shown, "/clusters/0/cluster/server"));
    co_return shown;
  }
  if (failure->kind != KubectlError::no_context || !target_.container.empty())
    throw KubectlFailure(*failure);
  Call list{.args = {"config", "get-contexts", "-o", "name"}};
  const auto outcome = co_await start(std::move(list), OutputReader(), target_.command_timeout);
  if (!outcome.succeeded()) throw KubectlFailure(*failure);
  throw with_contexts(*failure, about, split_lines(outcome.out), target_.context);
}

boost::asio::awaitable<boost::json::value> Kubectl::whole_config() const {
  if (is_of_pod(target_.kubeconfig)) co_return pod_config();
  Call view{.args = {"config", "view", "-o", "json"}};
  co_return co_await read(std::move(view), Trim(), most_in_config);
}

boost::asio::awaitable<boost::json::value> Kubectl::get_raw(std::string path, Trim trim) const {
  auto told = co_await session_raw(path, trim);
  if (told) co_return std::move(*told);
  Call call{.args = Arguments{"get", "--raw"}.absolute_path(path)};
  co_return co_await read(std::move(call), std::move(trim), most_in_page);
}

boost::asio::awaitable<std::string> Kubectl::get_raw_text(std::string path) const {
  Call call{.args = Arguments{"get", "--raw"}.absolute_path(path)};
  auto outcome = co_await run(std::move(call));
  co_return std::move(outcome.out);
}

boost::asio::awaitable<std::vector<boost::json::value>> Kubectl::review(
    boost::json::array objects) const {
  const auto about = asked(create_args());
  auto found = co_await session_review(objects);
  if (!found) found = co_await process_review(objects);
  for (const auto& each : *found) check_objects(each, {name_of(target_.side), about.command});
  if (found->size() != objects.size()) throw not_json(about, 0, "an answer is missing");
  for (std::size_t i = 0; i < objects.size(); ++i) {
    // A dry run, which a kuberc can make of it, asks no server: its status is missing.
    const auto* status = find_at((*found)[i], "/status");
    if (status != nullptr && !is_review_of(objects[i], (*found)[i])) {
      throw bad_answer(about, "got the answer to another question");
    }
  }
  co_return std::move(*found);
}

boost::asio::awaitable<std::vector<boost::json::value>> Kubectl::process_review(
    boost::json::array objects) const {
  const auto count = objects.size();
  boost::json::object list;
  list["apiVersion"] = "v1";
  list["kind"] = "List";
  auto given = kinds_text(objects);
  list["items"] = std::move(objects);
  Call call{
      .args = create_args(), .input = boost::json::serialize(list), .given = std::move(given)};
  const auto about = asked(call.args);
  JsonAnswer answer({}, DocumentStream::memory_limit, count);
  co_await run(std::move(call), &answer);
  auto found = answer.documents(about);
  // Some versions wrap several answers in a List again.
  if (found.size() == 1 && text_at(found.front(), "/kind") == "List") {
    const auto items = array_at(found.front(), "/items");
    found.assign(items.begin(), items.end());
  }
  co_return found;
}

boost::asio::awaitable<void> Kubectl::replace(boost::json::object object) const {
  Call call{.args = replace_args(),
            .input = boost::json::serialize(object),
            .given = object_text(object),
            .weight = Weight::documented};
  co_await run(std::move(call));
}

boost::asio::awaitable<void> Kubectl::replace_raw(std::string path,
                                                  boost::json::object object) const {
  Call call{.args = replace_raw_args(path),
            .input = boost::json::serialize(object),
            .given = object_text(object),
            .weight = Weight::documented};
  co_await run(std::move(call));
}

boost::asio::awaitable<boost::json::value> Kubectl::create(
    boost::json::object object, std::function<void(const ObjectName&)> renamed) const {
  for (int attempt = 1;; ++attempt) {
    Call call{.args = create_args(),
              .input = boost::json::serialize(object),
              .given = object_text(object),
              .weight = Weight::documented};
    std::optional<KubectlFailure> failed;
    std::optional<Failure> unclear;  // kubectl ended well, and printed no object
    try {
      co_return co_await read(std::move(call));
    } catch (const KubectlFailure& failure) {
      failed = failure;
    } catch (const Failure& failure) {
      unclear = failure;
    }
    const auto taken = failed && failed->kind == KubectlError::already_exists;
    const auto may_be_ours = !failed || failed->repeated || is_transient(failed->kind);
    if (!taken && !may_be_ours) throw KubectlFailure(*failed);
    if (may_be_ours) {
      // A server that was away for the whole limit gets one more question, and no more time.
      const auto reader = taken ? *this : with(RetryPolicy{});
      std::optional<boost::json::value> found;
      try {
        found = co_await reader.find_created(object);
      } catch (const Failure&) {
        // Without an answer, another name might make a second object.
        if (taken) throw;
      }
      if (found) {
        Journal(*events_, section_)
            .finding(fmt::format("{} was created, and only the answer was lost: uid {}",
                                 object_text(object),
                                 DisplayText(text_at(*found, "/metadata/uid"))));
        co_return std::move(*found);
      }
    }
    if (unclear) throw Failure(*unclear);
    if (!taken || attempt == most_names) throw KubectlFailure(*failed);
    auto& name = object["metadata"].as_object()["name"];
    const ObjectName before = std::string(name.as_string());
    const auto next = renewed_name(before);
    name = next.text();
    if (renamed) renamed(next);
    Journal(*events_, section_)
        .warning(fmt::format("another object is called {}: taking the name {}", before, next));
  }
}

boost::asio::awaitable<std::optional<boost::json::value>> Kubectl::find_created(
    boost::json::object sent) const {
  boost::json::object metadata;
  for (const auto* field : {"name", "namespace"}) {
    const auto* value = sent["metadata"].as_object().if_contains(field);
    if (value != nullptr) metadata[field] = *value;
  }
  boost::json::object wanted;
  wanted["apiVersion"] = sent["apiVersion"];
  wanted["kind"] = sent["kind"];
  wanted["metadata"] = std::move(metadata);
  Call call{.args = {"get", "-f", "-", "-o", "json"},
            .input = boost::json::serialize(wanted),
            .given = object_text(wanted)};
  std::optional<boost::json::value> found;
  try {
    auto document = co_await read(std::move(call));
    // kubectl puts what it reads from a stream into a List.
    const auto& items = array_at(document, "/items");
    auto object = items.empty() ? document : items.front();
    if (holds(object, sent)) found.emplace(std::move(object));
  } catch (const KubectlFailure& failure) {
    if (failure.kind != KubectlError::not_found) throw;
  }
  co_return found;
}

boost::asio::awaitable<std::string> Kubectl::ask(Arguments args, std::string input,
                                                 std::string given) const {
  Call call{.args = std::move(args), .input = std::move(input), .given = std::move(given)};
  auto outcome = co_await run(std::move(call));
  co_return std::move(outcome.out);
}

boost::asio::awaitable<void> Kubectl::change_given(Arguments args, std::string input,
                                                   std::string given) const {
  Call call{.args = std::move(args),
            .input = std::move(input),
            .given = std::move(given),
            .weight = Weight::documented};
  co_await run(std::move(call));
}

boost::asio::awaitable<std::string> Kubectl::change(Arguments args) const {
  Call call{.args = std::move(args), .output = Output::public_text, .weight = Weight::documented};
  auto outcome = co_await run(std::move(call));
  co_return std::move(outcome.out);
}

}  // namespace retrust
