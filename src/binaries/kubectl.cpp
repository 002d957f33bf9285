#include "binaries/kubectl.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include "binaries/docker.h"
#include "binaries/json.h"
#include "transcript/text.h"
#include "transcript/words.h"

namespace retrust {
namespace {

using Clock = std::chrono::steady_clock;

/// Between two attempts to reach a server that is away: there is nothing to watch meanwhile.
constexpr std::chrono::milliseconds retry_pause{250};

boost::asio::awaitable<void> pause(std::chrono::milliseconds duration) {
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, duration);
  co_await timer.async_wait(boost::asio::use_awaitable);
}

std::chrono::milliseconds left_until(Clock::time_point end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
  return std::max(left, std::chrono::milliseconds{0});
}

std::optional<WatchEvent::Type> watch_type(std::string_view name) {
  if (name == "ADDED") return WatchEvent::Type::added;
  if (name == "MODIFIED") return WatchEvent::Type::modified;
  if (name == "DELETED") return WatchEvent::Type::deleted;
  return std::nullopt;  // BOOKMARK, ERROR: the watch ends and starts anew where that is needed
}

/// kubectl's runtime collects garbage on every processor, though the process ends before that is of
/// use: a quarter of its time. What the operator has set stands.
std::map<std::string, std::string> short_lived() {
  std::map<std::string, std::string> settings{{"GOGC", "400"}, {"GOMAXPROCS", "1"}};
  std::erase_if(settings, [](const auto& each) { return std::getenv(each.first.c_str()); });
  return settings;
}

/// What a process in a container is told by: kept in its environment, and no other has it.
std::string new_mark() {
  std::random_device random;
  return fmt::format("RETRUST_MARK={:08x}{:08x}", random(), random());
}

Failure not_json(const Asked& asked, std::size_t size, std::string_view why) {
  return {
      ExitStatus::failed,
      fmt::format("{} printed what is not JSON ({} bytes: {})", asked.command, size, why),
      fmt::format("check that {} is a kubectl and not a wrapper that prints more", asked.program)};
}

std::vector<boost::json::value> documents(const std::string& text, const Asked& asked) {
  std::vector<boost::json::value> found;
  DocumentStream stream;
  try {
    stream.feed(text, [&](boost::json::value document) { found.push_back(std::move(document)); });
  } catch (const boost::system::system_error& error) {
    throw not_json(asked, text.size(), error.code().message());
  }
  if (!stream.at_boundary()) throw not_json(asked, text.size(), "it ends in the middle");
  return found;
}

/// What a kubectl before 1.16 prints when it watches: objects, and at first perhaps a list of them.
std::vector<boost::json::value> bare_objects(boost::json::value document) {
  std::vector<boost::json::value> objects;
  const auto& items = array_at(document, "/items");
  if (items.empty() && !text_at(document, "/kind").ends_with("List")) {
    objects.push_back(std::move(document));
  } else {
    objects.assign(items.begin(), items.end());
  }
  return objects;
}

}  // namespace

KubectlAge age_of(const boost::json::value& version) {
  // "10", "16+": some builds add a sign.
  const auto minor = std::atoi(text_at(version, "/clientVersion/minor").c_str());
  if (text_at(version, "/clientVersion/major") != "1" || minor == 0) return KubectlAge::present;
  return minor < 16 ? KubectlAge::before_1_16 : KubectlAge::present;
}

Kubectl Kubectl::in_section(std::string section) const {
  auto copy = *this;
  copy.section_ = std::move(section);
  return copy;
}

Kubectl Kubectl::with(Patience patience) const {
  auto copy = *this;
  copy.patience_ = patience;
  return copy;
}

Kubectl Kubectl::with_kubeconfig(std::string path) const {
  auto copy = *this;
  copy.target_.kubeconfig = std::move(path);
  copy.target_.context.clear();
  return copy;
}

Asked Kubectl::asked(const std::vector<std::string>& args) const {
  std::string command = "kubectl";
  for (std::size_t i = 0; i < std::min<std::size_t>(args.size(), 2); ++i) command += " " + args[i];
  const auto& container = target_.container;
  if (container.empty()) return {target_.side, target_.kubeconfig, target_.program, command};
  return {target_.side, "container " + container, target_.docker, command, container};
}

std::vector<std::string> Kubectl::shown_words() const {
  std::vector<std::string> words{"kubectl"};
  if (target_.container.empty()) {
    words.push_back("--kubeconfig=" + target_.kubeconfig);
  } else {
    words = {"docker", "exec", "-i", target_.container, "kubectl"};
  }
  if (!target_.context.empty()) words.push_back("--context=" + target_.context);
  return words;
}

std::string Kubectl::shown(const std::vector<std::string>& args) const {
  return shell_line(with_more(shown_words(), args));
}

std::vector<std::string> Kubectl::get_args(std::vector<std::string> args) {
  args.insert(args.begin(), "get");
  args.insert(args.end(), {"-o", "json"});
  return args;
}

std::vector<std::string> Kubectl::watch_args(std::vector<std::string> args, KubectlAge age) {
  args.insert(args.begin(), "get");
  args.emplace_back("-w");
  if (age == KubectlAge::present) args.emplace_back("--output-watch-events");
  args.insert(args.end(), {"-o", "json"});
  return args;
}

std::vector<std::string> Kubectl::replace_args() {
  return {"replace", "--validate=false", "-f", "-", "-o", "name"};
}

std::vector<std::string> Kubectl::replace_raw_args(std::string path) {
  return {"replace", "--raw", std::move(path), "-f", "-"};
}

std::vector<std::string> Kubectl::create_args() {
  return {"create", "--validate=false", "-f", "-", "-o", "json"};
}

boost::asio::awaitable<Outcome> Kubectl::start(std::vector<std::string> args, std::string input,
                                               Output output, OutputReader reader,
                                               std::chrono::milliseconds deadline,
                                               Weight weight) const {
  Announcement announcement;
  announcement.section = section_;
  announcement.line = shown(args);
  announcement.name = asked(args).command;
  announcement.about["cluster"] = target_.side == Side::downstream ? "downstream" : "local";
  const auto contained = !target_.container.empty();
  const auto& program = contained ? target_.docker : target_.program;
  announcement.about["program"] = program;
  announcement.output = output;
  announcement.weight = weight;
  Command command;
  command.program = program;
  command.input = std::move(input);
  command.deadline = deadline;
  // A line for each object that is changed: more than that is not kubectl's.
  if (output == Output::public_text) command.output_limit = std::size_t{4} << 20U;
  auto words = shown_words();
  if (!contained) {
    words.erase(words.begin());
    command.args = with_more(std::move(words), args);
    command.environment = short_lived();
    return run_announced(*runner_, *events_, std::move(announcement), std::move(command),
                         std::move(reader));
  }
  auto mark = new_mark();
  words.erase(words.begin());
  words.insert(std::next(words.begin()), {"-e", mark});
  command.args = with_more(std::move(words), args);
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
    const DockerTarget target{target_.docker, target_.command_timeout};
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
      events_->emit(
          {.kind = EventKind::warning,
           .section = section_,
           .text = fmt::format("a kubectl may still run in the container {}", target_.container)});
    }
  }
  if (failure) std::rethrow_exception(failure);
  co_return outcome;
}

boost::asio::awaitable<boost::json::value> Kubectl::client() const {
  const std::vector<std::string> args{"version", "--client", "-o", "json"};
  const auto outcome = co_await run(args, {}, Output::secret, Weight::routine);
  boost::system::error_code wrong;
  auto version = boost::json::parse(outcome.out, wrong);
  co_return wrong ? boost::json::value() : std::move(version);
}

boost::asio::awaitable<Kubectl> Kubectl::of_its_age() const {
  auto copy = *this;
  const auto version = co_await client();
  copy.target_.age = age_of(version);
  co_return copy;
}

boost::asio::awaitable<std::string> Kubectl::client_version() const {
  std::string text;
  try {
    const auto version = co_await client();
    text = text_at(version, "/clientVersion/gitVersion");
  } catch (const Failure&) {
    // It is told of for the reader alone.
  }
  co_return text;
}

boost::asio::awaitable<Outcome> Kubectl::run(std::vector<std::string> args, std::string input,
                                             Output output, Weight weight) const {
  const auto give_up = Clock::now() + patience_.limit;
  for (;;) {
    auto outcome = co_await start(args, input, output, {}, target_.command_timeout, weight);
    if (outcome.succeeded()) co_return outcome;
    auto failure = explain(outcome, asked(args));
    // A time-out of kubectl's own is the server's absence; one of ours is a kubectl that hangs.
    const auto away = failure.kind == KubectlError::unreachable ||
                      (failure.kind == KubectlError::timed_out && outcome.ending == Ending::exited);
    if (!away || Clock::now() >= give_up) throw failure;
    events_->emit({.kind = EventKind::warning,
                   .section = section_,
                   .text = fmt::format("{}; trying again", failure.what())});
    co_await pause(retry_pause);
  }
}

boost::asio::awaitable<boost::json::value> Kubectl::get(std::vector<std::string> args) const {
  args = get_args(std::move(args));
  const auto outcome = co_await run(args, {}, Output::secret, Weight::routine);
  auto found = documents(outcome.out, asked(args));
  if (found.size() != 1) throw not_json(asked(args), outcome.out.size(), "not one document");
  co_return std::move(found.front());
}

boost::asio::awaitable<std::optional<boost::json::value>> Kubectl::find(
    std::vector<std::string> args) const {
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
  std::vector<std::string> args{"config", "view", "--raw", "--minify", "--flatten", "-o", "json"};
  const auto outcome = co_await run(args, {}, Output::secret, Weight::routine);
  auto found = documents(outcome.out, asked(args));
  if (found.size() != 1) throw not_json(asked(args), outcome.out.size(), "not one document");
  co_return std::move(found.front());
}

boost::asio::awaitable<std::string> Kubectl::get_raw(std::string path) const {
  std::vector<std::string> args{"get", "--raw", std::move(path)};
  auto outcome = co_await run(std::move(args), {}, Output::secret, Weight::routine);
  co_return std::move(outcome.out);
}

boost::asio::awaitable<std::vector<boost::json::value>> Kubectl::review(
    boost::json::array objects) const {
  const auto count = objects.size();
  boost::json::object list;
  list["apiVersion"] = "v1";
  list["kind"] = "List";
  list["items"] = std::move(objects);
  const auto args = create_args();
  const auto outcome =
      co_await run(args, boost::json::serialize(list), Output::secret, Weight::routine);
  auto found = documents(outcome.out, asked(args));
  // Some versions wrap several answers in a List again.
  if (found.size() == 1 && text_at(found.front(), "/kind") == "List") {
    const auto items = array_at(found.front(), "/items");
    found.assign(items.begin(), items.end());
  }
  if (found.size() != count)
    throw not_json(asked(args), outcome.out.size(), "an answer is missing");
  // What is deleted goes by which answer belongs to which token.
  const boost::json::value question(list);
  const auto& questions = array_at(question, "/items");
  for (std::size_t i = 0; i < count; ++i) {
    const auto answered = text_at(found[i], "/spec/token");
    if (!answered.empty() && answered != text_at(questions[i], "/spec/token"))
      throw not_json(asked(args), outcome.out.size(), "the answers are in another order");
  }
  co_return found;
}

boost::asio::awaitable<void> Kubectl::replace(boost::json::object object) const {
  co_await run(replace_args(), boost::json::serialize(object), Output::secret, Weight::documented);
}

boost::asio::awaitable<void> Kubectl::replace_raw(std::string path,
                                                  boost::json::object object) const {
  co_await run(replace_raw_args(std::move(path)), boost::json::serialize(object), Output::secret,
               Weight::documented);
}

boost::asio::awaitable<boost::json::value> Kubectl::create(boost::json::object object) const {
  const auto args = create_args();
  const auto outcome =
      co_await run(args, boost::json::serialize(object), Output::secret, Weight::documented);
  auto found = documents(outcome.out, asked(args));
  if (found.size() != 1) throw not_json(asked(args), outcome.out.size(), "not one document");
  co_return std::move(found.front());
}

boost::asio::awaitable<std::string> Kubectl::ask(std::vector<std::string> args,
                                                 std::string input) const {
  auto outcome = co_await run(std::move(args), std::move(input), Output::secret, Weight::routine);
  co_return std::move(outcome.out);
}

boost::asio::awaitable<void> Kubectl::change_given(std::vector<std::string> args,
                                                   std::string input) const {
  co_await run(std::move(args), std::move(input), Output::secret, Weight::documented);
}

boost::asio::awaitable<std::string> Kubectl::change(std::vector<std::string> args) const {
  auto outcome = co_await run(std::move(args), {}, Output::public_text, Weight::documented);
  co_return std::move(outcome.out);
}

boost::asio::awaitable<bool> Kubectl::watch(std::vector<std::string> args,
                                            std::chrono::milliseconds limit,
                                            std::function<void()> on_list,
                                            std::function<Flow(const WatchEvent&)> on_event) const {
  args = watch_args(std::move(args), target_.age);
  const auto bare = target_.age != KubectlAge::present;
  const auto end = Clock::now() + limit;
  auto weight = Weight::documented;
  for (;;) {
    const auto left = left_until(end);
    if (left.count() == 0) co_return false;
    on_list();
    DocumentStream stream;
    auto flow = Flow::go_on;
    const auto reader = [&](std::string_view piece) {
      stream.feed(piece, [&](boost::json::value document) {
        if (bare) {
          for (auto& object : bare_objects(std::move(document))) {
            if (flow != Flow::stop)
              flow = on_event({WatchEvent::Type::modified, std::move(object)});
          }
          return;
        }
        const auto type = watch_type(text_at(document, "/type"));
        auto* object = document.as_object().if_contains("object");
        if (flow == Flow::stop || !type || object == nullptr) return;
        flow = on_event({*type, std::move(*object)});
      });
      return flow;
    };
    std::optional<Failure> broken;
    Outcome outcome;
    const auto started = Clock::now();
    try {
      outcome = co_await start(args, {}, Output::secret, reader, left, weight);
    } catch (const boost::system::system_error& error) {
      if (error.code() == boost::asio::error::operation_aborted) throw;
      broken = not_json(asked(args), 0, error.code().message());
    } catch (const std::invalid_argument& error) {
      broken = not_json(asked(args), 0, error.what());
    }
    if (broken) throw Failure(*broken);
    if (flow == Flow::stop) co_return true;
    if (outcome.ending == Ending::timed_out) co_return false;
    if (!outcome.succeeded()) {
      auto failure = explain(outcome, asked(args));
      const auto passing = failure.kind == KubectlError::unreachable ||
                           failure.kind == KubectlError::timed_out ||
                           outcome.err.find("Expired") != std::string::npos ||
                           outcome.err.find("too old") != std::string::npos;
      if (!passing) throw failure;
    }
    // The server closes watches whenever it likes; only one that ends at once is held back.
    if (Clock::now() - started < retry_pause) co_await pause(std::min(retry_pause, left));
    weight = Weight::routine;
  }
}

}  // namespace retrust
