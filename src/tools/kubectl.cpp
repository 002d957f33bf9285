#include "tools/kubectl.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <random>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "base/words.h"
#include "process/executable.h"
#include "process/gather.h"
#include "tools/docker.h"
#include "tools/json_answer.h"
#include "tools/object_check.h"

namespace retrust {
namespace {

using Clock = std::chrono::steady_clock;

/// kubectl's runtime collects garbage on every processor, though the process ends before that is of
/// use: a quarter of its time. What the operator has set stands. Without HOME kubectl reads a
/// kuberc and its cache in the current folder.
std::map<std::string, std::string> settings_of_kubectl() {
  std::map<std::string, std::string> settings{{"GOGC", "400"}, {"GOMAXPROCS", "1"}};
  std::erase_if(settings, [](const auto& each) { return std::getenv(each.first.c_str()); });
  settings["HOME"] = home_folder();
  return settings;
}

/// The value of mark_name, which no other process has.
std::string new_mark() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

/// "2 TokenReviews, 1 SelfSubjectAccessReview".
std::string kinds_text(const boost::json::array& objects) {
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

/// "Secret cattle-token-x7k2p in cattle-system, resourceVersion 4711".
std::string object_text(const boost::json::object& object) {
  const boost::json::value value(object);
  auto name = text_at(value, "/metadata/name");
  if (name.empty()) name = text_at(value, "/metadata/generateName") + "…";
  auto text = fmt::format("{} {}", text_at(value, "/kind"), name);
  const auto name_space = text_at(value, "/metadata/namespace");
  if (!name_space.empty()) text += " in " + name_space;
  const auto version = text_at(value, "/metadata/resourceVersion");
  if (!version.empty()) text += ", resourceVersion " + version;
  return text;
}

/// Bytes of memory for a page of a list, and for what kubectl and the server say of themselves.
constexpr std::size_t most_in_page = std::size_t{8} << 20U;
/// A client certificate, its key and a CA bundle for each of a hundred clusters and users.
constexpr std::size_t most_in_config = std::size_t{2} << 20U;
constexpr std::size_t most_in_version = std::size_t{64} << 10U;

/// Commands that change nothing, whenever they end.
bool only_reads(const Arguments& args) {
  constexpr std::array<std::string_view, 3> reads{"get", "version", "config"};
  return std::find(reads.begin(), reads.end(), args.command()) != reads.end();
}

}  // namespace

KubectlAge age_of(const boost::json::value& version) {
  // "10", "16+": some builds add a sign.
  const auto minor = std::atoi(text_at(version, "/clientVersion/minor").c_str());
  if (text_at(version, "/clientVersion/major") != "1" || minor == 0) return KubectlAge::present;
  return minor < 16 ? KubectlAge::before_1_16 : KubectlAge::present;
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

Kubectl Kubectl::in_context(std::string context) const {
  auto copy = *this;
  if (copy.target_.context.empty()) copy.target_.context = std::move(context);
  return copy;
}

Kubectl Kubectl::with(Patience patience) const {
  auto copy = *this;
  copy.patience_ = patience;
  return copy;
}

Kubectl Kubectl::behind(Gate& gate) const {
  auto copy = *this;
  copy.gate_ = &gate;
  return copy;
}

Kubectl Kubectl::with_kubeconfig(std::string path) const {
  auto copy = *this;
  copy.target_.kubeconfig = std::move(path);
  copy.target_.context.clear();
  return copy;
}

Asked Kubectl::asked(const Arguments& args) const {
  std::string command = "kubectl";
  // The command and its kind, without the namespace before it and the name of an object.
  const auto& words = args.list();
  const auto first = args.command_at();
  for (auto i = first; i < std::min(words.size(), first + 2); ++i) {
    if (words[i].starts_with('-')) break;
    command += " " + words[i].substr(0, words[i].find('/'));
  }
  const auto& container = target_.container;
  const auto reaching = shell_line(shown_line().words);
  if (container.empty()) {
    return {target_.side, target_.kubeconfig, target_.program, command,
            {},           reaching,           target_.named};
  }
  return {target_.side,        fmt::format("container {}", container),
          target_.docker,      command,
          container.text(),    reaching,
          target_.named_docker};
}

KubectlLine Kubectl::shown_line() const {
  std::vector<std::string> words{target_.named};
  if (!target_.container.empty()) {
    words = {target_.named_docker, "exec", "-i", target_.container.text(), "kubectl"};
  }
  return {with_more(std::move(words), reaching().list()), target_.defaults};
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
  }
  return args;
}

std::string Kubectl::shown(const Arguments& args) const {
  return shell_line(shown_line(), args);
}

Arguments Kubectl::get_args(const Arguments& args) {
  return Arguments{"get"}.append(args).words({"-o", "json"});
}

Arguments Kubectl::watch_args(const Arguments& args, KubectlAge age) {
  auto watch = Arguments{"get"}.append(args).words({"-w"});
  if (age == KubectlAge::present) watch.words({"--output-watch-events"});
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

boost::asio::awaitable<Outcome> Kubectl::start(Call call, OutputReader reader,
                                               std::chrono::milliseconds deadline) const {
  Announcement announcement;
  announcement.section = section_;
  announcement.line = shown(call.args);
  announcement.name = asked(call.args).command;
  announcement.given = std::move(call.given);
  announcement.about["cluster"] = target_.side == Side::downstream ? "downstream" : "local";
  const auto contained = !target_.container.empty();
  const auto& program = contained ? target_.docker : target_.program;
  announcement.about["program"] = absolute_program(program);
  announcement.output = call.output;
  announcement.errors = Errors::known_lines;
  announcement.gate = gate_;
  announcement.weight = call.weight;
  Command command;
  command.program = program;
  command.input = std::move(call.input);
  command.deadline = deadline;
  // A page of a list at most, or a line for each object that is changed.
  command.output_limit = std::size_t{8} << 20U;
  if (call.output == Output::public_text) command.excess = Excess::is_dropped;
  if (only_reads(call.args)) command.on_parent_death = OnParentDeath::ends_child;
  auto args = reaching();
  args.append(target_.defaults == KubectlDefaults::of_kuberc ? over_kuberc(call.args) : call.args);
  if (!contained) {
    command.args = args.list();
    command.environment = settings_of_kubectl();
    return run_announced(*runner_, *events_, std::move(announcement), std::move(command),
                         std::move(reader));
  }
  auto mark = new_mark();
  command.args = Arguments{"exec", "-e"}
                     .joined(mark_name, mark)
                     .words({"-i"})
                     .container(target_.container)
                     .words({"kubectl"})
                     .append(args)
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
  } catch (...) {
    failure = std::current_exception();
  }
  const auto left = outcome.ending != Ending::exited && outcome.ending != Ending::not_found &&
                    outcome.ending != Ending::not_executable;
  if (failure || left) {
    // Whoever ended docker did not end kubectl, nor is it to stay where this is what was ended.
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
  // The operator's kuberc is none of a container's.
  if (target_.container.empty()) {
    copy.target_.defaults =
        defaults_of(text_at(version, "/clientVersion/gitVersion"), std::getenv("KUBECTL_KUBERC"));
  }
  co_return copy;
}

boost::asio::awaitable<KubectlVersions> Kubectl::versions() const {
  Call call{.args = {"version", "-o", "json"}};
  const auto about = asked(call.args);
  JsonAnswer answer({}, most_in_version);
  KubectlVersions versions;
  // It tells its own even where it fails because the server cannot be reached.
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

boost::asio::awaitable<void> Kubectl::check_answers(std::string unknown) const {
  Call call{.args = {"version", "-o", "json"}};
  const auto about = asked(call.args);
  const auto outcome = co_await start(std::move(call), OutputReader(), target_.command_timeout);
  if (outcome.succeeded()) co_return;
  const auto failure = explain(outcome, about);
  if (!is_away(failure.kind)) co_return;
  throw Failure(ExitStatus::gave_up,
                fmt::format("{}, so retrust does not know {}", failure.what(), unknown),
                failure.advice, failure.detail);
}

boost::asio::awaitable<Outcome> Kubectl::run(Call call, JsonAnswer* answer) const {
  const auto give_up = Clock::now() + patience_.limit;
  for (;;) {
    auto reader = answer == nullptr ? OutputReader() : answer->reader();
    auto outcome = co_await start(call, std::move(reader), target_.command_timeout);
    if (outcome.succeeded()) co_return outcome;
    auto failure = explain(outcome, asked(call.args));
    // A time-out of kubectl's own is the server's absence; one of ours is a kubectl that hangs.
    const auto away = failure.kind == KubectlError::unreachable ||
                      (failure.kind == KubectlError::timed_out && outcome.ending == Ending::exited);
    if (!away || Clock::now() >= give_up) throw failure;
    // Not its message, which differs each time: one warning is enough.
    Journal(*events_, section_).warning(fmt::format("{}; trying again", failure.what()));
    co_await pause(retry_pause);
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

boost::asio::awaitable<boost::json::value> Kubectl::get(Arguments args, Trim trim) const {
  return read({.args = get_args(args)}, std::move(trim));
}

boost::asio::awaitable<std::optional<boost::json::value>> Kubectl::find(Arguments args) const {
  std::optional<boost::json::value> found;
  try {
    auto object = co_await get(std::move(args));
    found.emplace(std::move(object));
  } catch (const KubectlFailure& failure) {
    if (failure.kind != KubectlError::not_found) throw;
  }
  co_return found;
}

boost::asio::awaitable<boost::json::value> Kubectl::config() const {
  // In a container there may be none, which cannot be minified, and files that another entry names
  // need not be there: the whole is read as it is.
  Call view{.args = {"config", "view", "--raw", "-o", "json"}};
  if (target_.container.empty()) view.args.words({"--minify", "--flatten"});
  const auto about = asked(view.args);
  std::optional<KubectlFailure> failure;
  boost::json::value shown;
  try {
    shown = co_await read(std::move(view), Trim(), most_in_config);
  } catch (const KubectlFailure& failed) {
    failure = failed;
  }
  if (!failure) co_return shown;
  if (failure->kind != KubectlError::no_context || !target_.container.empty())
    throw KubectlFailure(*failure);
  Call list{.args = {"config", "get-contexts", "-o", "name"}};
  const auto outcome = co_await start(std::move(list), OutputReader(), target_.command_timeout);
  if (!outcome.succeeded()) throw KubectlFailure(*failure);
  throw with_contexts(*failure, about, split_lines(outcome.out));
}

boost::asio::awaitable<boost::json::value> Kubectl::get_raw(std::string path, Trim trim) const {
  return read({.args = Arguments{"get", "--raw"}.absolute_path(path)}, std::move(trim),
              most_in_page);
}

boost::asio::awaitable<std::string> Kubectl::get_raw_text(std::string path) const {
  Call call{.args = Arguments{"get", "--raw"}.absolute_path(path)};
  auto outcome = co_await run(std::move(call));
  co_return std::move(outcome.out);
}

boost::asio::awaitable<std::vector<boost::json::value>> Kubectl::review(
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
  for (const auto& each : found) check_objects(each, {name_of(target_.side), about.command});
  if (found.size() != count) throw not_json(about, answer.size(), "an answer is missing");
  // What is deleted goes by which answer belongs to which token.
  const boost::json::value question(list);
  const auto& questions = array_at(question, "/items");
  for (std::size_t i = 0; i < count; ++i) {
    const auto answered = text_at(found[i], "/spec/token");
    if (!answered.empty() && answered != text_at(questions[i], "/spec/token"))
      throw not_json(about, answer.size(), "the answers are in another order");
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

boost::asio::awaitable<boost::json::value> Kubectl::create(boost::json::object object) const {
  return read({.args = create_args(),
               .input = boost::json::serialize(object),
               .given = object_text(object),
               .weight = Weight::documented});
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
