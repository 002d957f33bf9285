#include <algorithm>
#include <optional>
#include <stdexcept>

#include <boost/asio/error.hpp>
#include <boost/json/array.hpp>
#include <boost/system/system_error.hpp>

#include "base/json.h"
#include "base/json_stream.h"
#include "process/gather.h"
#include "tools/kubectl.h"
#include "tools/object_check.h"

namespace retrust {
namespace {

using Clock = std::chrono::steady_clock;

std::chrono::milliseconds left_until(Clock::time_point end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
  return std::max(left, std::chrono::milliseconds{0});
}

std::optional<WatchEvent::Type> watch_type(std::string_view name) {
  if (name == "ADDED") return WatchEvent::Type::added;
  if (name == "MODIFIED") return WatchEvent::Type::modified;
  if (name == "DELETED") return WatchEvent::Type::deleted;
  return std::nullopt;  // BOOKMARK, ERROR: the watch ends and starts again where that is needed
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

boost::asio::awaitable<bool> Kubectl::watch(Arguments args, std::chrono::milliseconds limit,
                                            std::function<void()> on_list,
                                            std::function<Flow(const WatchEvent&)> on_event) const {
  args = watch_args(args, target_.age);
  const Question question{name_of(target_.side), shown(args), args.name_space()};
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
            if (flow == Flow::stop) break;
            check_objects(object, question);
            flow = on_event({WatchEvent::Type::modified, std::move(object)});
          }
          return;
        }
        const auto type = watch_type(text_at(document, "/type"));
        auto* event = document.if_object();
        auto* object = event == nullptr ? nullptr : event->if_contains("object");
        if (flow == Flow::stop || !type || object == nullptr) return;
        check_objects(*object, question);
        flow = on_event({*type, std::move(*object)});
      });
      return flow;
    };
    std::optional<Failure> broken;
    Outcome outcome;
    const auto started = Clock::now();
    try {
      Call call{.args = args, .weight = weight};
      outcome = co_await start(std::move(call), reader, left);
    } catch (const boost::system::system_error& error) {
      if (error.code() == boost::asio::error::operation_aborted) throw;
      broken = not_json(asked(args), 0, error.code().message());
    } catch (const std::invalid_argument& error) {
      broken = not_json(asked(args), 0, error.what());
    } catch (const std::length_error&) {
      outcome.ending = Ending::output_limit;
    }
    if (broken) throw Failure(*broken);
    if (flow == Flow::stop) co_return true;
    if (outcome.ending == Ending::timed_out) co_return false;
    if (!outcome.succeeded()) {
      auto failure = explain(outcome, asked(args));
      const auto passing = is_away(failure.kind) ||
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
