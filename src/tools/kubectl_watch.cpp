#include <algorithm>
#include <optional>
#include <stdexcept>

#include <boost/asio/error.hpp>
#include <boost/json/array.hpp>
#include <boost/system/system_error.hpp>

#include "base/json.h"
#include "base/json_stream.h"
#include "process/deadline.h"
#include "process/tasks.h"
#include "tools/kubectl.h"
#include "tools/kubectl_request.h"
#include "tools/object_check.h"

namespace retrust {
namespace {

using Clock = std::chrono::steady_clock;

std::optional<WatchEvent::Type> watch_type(std::string_view name) {
  if (name == "ADDED") return WatchEvent::Type::added;
  if (name == "MODIFIED") return WatchEvent::Type::modified;
  if (name == "DELETED") return WatchEvent::Type::deleted;
  return std::nullopt;  // BOOKMARK, ERROR: the watch ends and restarts if needed
}

/// The objects in a watch document of a kubectl before 1.16: one object, or at first perhaps a
/// list.
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

/// The output form of a watch: events, or objects alone.
enum class Form { events, bare };

/// Parses the events of a watch as a stream.
class EventStream {
 public:
  EventStream(Question question, Form form, std::function<Flow(const WatchEvent&)> on_event)
      : question_(std::move(question)), form_(form), on_event_(std::move(on_event)) {}

  Flow take(std::string_view piece) {
    stream_.feed(piece, [this](boost::json::value document) { take(std::move(document)); });
    return flow_;
  }

  void see(WatchEvent event) {
    if (flow_ == Flow::stop) return;
    check_objects(event.object, question_);
    flow_ = on_event_(event);
  }

  Flow flow() const { return flow_; }

 private:
  void take(boost::json::value document) {
    if (form_ == Form::bare) {
      for (auto& object : bare_objects(std::move(document))) {
        see({WatchEvent::Type::modified, std::move(object)});
      }
      return;
    }
    const auto type = watch_type(text_at(document, "/type"));
    auto* event = document.if_object();
    auto* object = event == nullptr ? nullptr : event->if_contains("object");
    if (type && object != nullptr) see({*type, std::move(*object)});
  }

  Question question_;
  Form form_;
  std::function<Flow(const WatchEvent&)> on_event_;
  DocumentStream stream_;
  Flow flow_ = Flow::go_on;
};

/// Rethrows the current exception of a stream as a failure of the command.
[[noreturn]] void refuse_stream(const Asked& asked) {
  try {
    throw;
  } catch (const boost::system::system_error& error) {
    if (error.code() == boost::asio::error::operation_aborted) throw;
    throw not_json(asked, 0, error.code().message());
  } catch (const std::invalid_argument& error) {
    throw not_json(asked, 0, error.what());
  } catch (const std::length_error&) {
    throw bad_answer(asked, "printed more than can be taken in, and was ended");
  }
}

}  // namespace

boost::asio::awaitable<bool> Kubectl::watch(Query query, std::chrono::milliseconds limit,
                                            std::function<void()> on_list,
                                            std::function<Flow(const WatchEvent&)> on_event) const {
  const Deadline end(limit);
  auto weight = Weight::documented;
  for (;;) {
    const auto left = end.left();
    if (left.count() == 0) co_return false;
    on_list();
    const auto started = Clock::now();
    auto round = co_await session_watch(query, left, on_event);
    if (!round) {
      round = co_await process_watch(query, end.left(), on_event, weight);
      weight = Weight::routine;
    }
    if (*round == WatchEnd::stopped) co_return true;
    if (*round == WatchEnd::time_over) co_return false;
    // The server closes watches whenever it likes; only one that ends at once is held back.
    if (Clock::now() - started < retry_pause) co_await pause(std::min(retry_pause, left));
  }
}

boost::asio::awaitable<Kubectl::WatchEnd> Kubectl::process_watch(Query query,
                                                                 std::chrono::milliseconds limit,
                                                                 EventTaker on_event,
                                                                 Weight weight) const {
  const auto args = watch_args(query, target_.age);
  const auto about = asked(args);
  const auto form = target_.age == KubectlAge::before_1_16 ? Form::bare : Form::events;
  EventStream events({name_of(target_.side), shown(args), args.name_space()}, form,
                     std::move(on_event));
  Outcome outcome;
  try {
    Call call{.args = args, .weight = weight, .life = Life::lasting};
    const auto reader = [&events](std::string_view piece) { return events.take(piece); };
    outcome = co_await start(std::move(call), reader, limit);
  } catch (...) {
    refuse_stream(about);
  }
  if (events.flow() == Flow::stop) co_return WatchEnd::stopped;
  if (outcome.ending == Ending::timed_out) co_return WatchEnd::time_over;
  if (!outcome.succeeded()) {
    auto failure = explain(outcome, about);
    const auto passing = passes(failure.kind) || outcome.err.find("Expired") != std::string::npos ||
                         outcome.err.find("too old") != std::string::npos;
    if (!passing) throw KubectlFailure(failure);
  }
  co_return WatchEnd::closed;
}

boost::asio::awaitable<std::optional<Kubectl::WatchEnd>> Kubectl::session_watch(
    Query query, std::chrono::milliseconds limit, EventTaker on_event) const {
  const auto usable =
      has_session() && target_.age == KubectlAge::present && query.reads().size() == 1;
  if (!usable) co_return std::nullopt;
  const Deadline end(limit);
  const auto args = watch_args(query);
  const auto about = asked(args);
  const auto& read = query.reads().front();
  EventStream events({name_of(target_.side), shown(args), args.name_space()}, Form::events,
                     std::move(on_event));
  std::optional<boost::json::value> list;
  auto away = false;
  try {
    Trim whole;
    list = co_await read_list(read, about, bounded_memory(DocumentStream::memory_limit),
                              std::move(whole), std::min(limit, target_.command_timeout));
  } catch (const KubectlFailure& failure) {
    if (end.over()) co_return WatchEnd::time_over;
    away = passes(failure.kind);
    if (!away) throw;
  } catch (const std::length_error&) {
    // More than a session keeps: a process reads such a list event by event.
    list.reset();
  }
  if (away) co_return WatchEnd::closed;
  if (!list) co_return std::nullopt;
  for (const auto& item : array_at(*list, "/items")) {
    events.see({WatchEvent::Type::added, item});
  }
  if (events.flow() == Flow::stop) co_return WatchEnd::stopped;
  const ResourceVersion version = text_at(*list, "/metadata/resourceVersion");
  if (version.empty()) throw bad_answer(about, "got a list without a resourceVersion");
  list.reset();
  std::optional<Told> told;
  try {
    Request request{read.watch(version), {}, Request::Form::lasting};
    const auto reader = [&events](std::string_view piece) { return events.take(piece); };
    told = co_await tell(std::move(request), reader, end.left());
  } catch (...) {
    refuse_stream(about);
  }
  if (events.flow() == Flow::stop) co_return WatchEnd::stopped;
  // The next list finds out why a connection broke.
  if (!told || told->expired || told->outcome.succeeded()) co_return WatchEnd::closed;
  if (told->outcome.ending == Ending::timed_out) co_return WatchEnd::time_over;
  auto failure = explain(told->outcome, about, told->refused);
  if (!passes(failure.kind)) throw KubectlFailure(failure);
  co_return WatchEnd::closed;
}

}  // namespace retrust
