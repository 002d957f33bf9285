// The reads of Kubectl that go through its session.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "process/deadline.h"
#include "process/tasks.h"
#include "tools/api_status.h"
#include "tools/http.h"
#include "tools/kubectl.h"
#include "tools/kubectl_request.h"
#include "tools/object_check.h"
#include "tools/session.h"

namespace retrust {

namespace json = boost::json;
using boost::asio::awaitable;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

/// Limit of retries, equal to client-go's: rest/request.go, WithRetry.
constexpr int most_retries = 10;
/// Limit of pages of 500 objects each.
constexpr int most_pages = 1000;
/// Limit of pages without objects. API servers send no such page before others (apiserver,
/// pkg/storage/etcd3/store.go: GetList reads on until a page is full).
constexpr int most_empty_pages = 10;
/// Time limit from a request to the first byte of its answer. A proxy, or its connection to the API
/// server, may hang. A process of kubectl then has the full time. A login takes some seconds.
constexpr std::chrono::seconds longest_silence{10};
/// Limit of concurrent reviews.
constexpr std::size_t most_at_once = 8;

}  // namespace

bool Kubectl::has_session() const {
  return session_ && session_->usable();
}

awaitable<bool> Kubectl::session_ready() const {
  if (!has_session()) co_return false;
  const auto socket = co_await session_->socket();
  co_return socket&& has_session();
}

milliseconds Kubectl::session_wait() const {
  constexpr int share = 3;
  return std::min<milliseconds>(longest_silence, target_.command_timeout / share);
}

/// Several reads that together make one answer.
struct Kubectl::Reading {
  Reading(Query asked, Trim cut, json::storage_ptr in)
      : query(std::move(asked)),
        trim(std::move(cut)),
        memory(std::move(in)),
        parts(query.reads().size()) {}

  Query query;
  Trim trim;
  json::storage_ptr memory;
  std::vector<std::optional<json::value>> parts;
};

/// Reviews of one kind.
struct Kubectl::Reviewing {
  Reviewing(std::string at, json::array questions)
      : path(std::move(at)), objects(std::move(questions)), answers(objects.size()) {}

  std::string path;
  json::array objects;
  std::vector<std::optional<json::value>> answers;
  json::storage_ptr memory = bounded_memory(DocumentStream::memory_limit);
  std::size_t next = 0;
  std::optional<Told> failed = {};  ///< the first failed answer
  bool elsewhere = false;           ///< a process must ask
  CommandEnd ended = {};
};

Kubectl Kubectl::in_session(const boost::asio::any_io_executor& executor) const {
  auto copy = *this;
  auto plain = *this;
  plain.session_.reset();
  SessionTarget target;
  target.program = target_.program;
  target.kubeconfig = target_.kubeconfig;
  target.args = [plain](const Arguments& proxy) { return plain.whole(proxy).list(); };
  target.environment = environment();
  target.start_limit = session_wait();
  SessionNews news;
  const auto begun = std::make_shared<std::pair<Announcement, CommandEnded>>();
  news.started = [plain, begun](const Arguments& proxy) {
    begun->first = plain.announcement(proxy);
    begun->first.section.clear();
    begun->first.about.life = Life::lasting;
    begun->second = tell_start(*plain.events_, begun->first);
  };
  // The event leaves out the proxy's output: the secrets of its kubeconfig need not be known.
  news.ended = [plain, begun](std::string_view how, milliseconds wall) {
    auto end = begun->second;
    end.ending = how;
    end.milliseconds = wall.count();
    tell_end(*plain.events_, begun->first, std::move(end));
  };
  copy.session_ = std::make_shared<Session>(*runner_, executor, std::move(target), std::move(news));
  copy.session_->start();
  return copy;
}

awaitable<CommandEnd> Kubectl::exchange(std::string socket, Request request, OutputReader reader,
                                        milliseconds deadline, Told& told) const {
  const auto lasting = request.form == Request::Form::lasting;
  const HttpLimits limits{deadline, session_wait(), lasting ? Pauses::any : Pauses::as_silence};
  HttpRequest sent{session_->base() + request.path, std::move(request.body)};
  const auto answer =
      co_await http_ask(std::move(socket), std::move(sent), std::move(reader), limits);
  CommandEnd ended;
  auto& outcome = ended.outcome;
  outcome.wall = answer.wall;
  told.http_status = answer.status;
  told.retry_after = answer.retry_after;
  switch (answer.ending) {
    case HttpAnswer::Ending::answered:
      ended.how = fmt::format("HTTP status {}", answer.status);
      if (answer.succeeded()) break;
      outcome.code = 1;
      if (auto refusal = api_refusal(answer.status, answer.refusal)) {
        told.refused = refusal->kind;
        told.expired = refusal->expired;
        outcome.err = std::move(refusal->words) + "\n";
      } else {
        told.unknown = true;
      }
      break;
    case HttpAnswer::Ending::stopped:
      outcome.ending = Ending::stopped;
      ended.how = ending_text(outcome);
      break;
    case HttpAnswer::Ending::too_much:
      outcome.ending = Ending::output_limit;
      ended.how = ending_text(outcome);
      break;
    case HttpAnswer::Ending::timed_out:
      outcome.ending = Ending::timed_out;
      ended.how = ending_text(outcome);
      // The end of a short limit says nothing of the proxy.
      if (!lasting && deadline >= session_wait()) session_->close("it did not answer in time");
      break;
    case HttpAnswer::Ending::silent:
      // No other request may wait for a hanging proxy.
      session_->close("it did not answer");
      outcome.code = 1;
      told.unknown = true;
      ended.how = fmt::format("silent for {}", duration_text(limits.silence));
      break;
    case HttpAnswer::Ending::broken:
    case HttpAnswer::Ending::not_connected:
      outcome.code = 1;
      told.unknown = true;
      ended.how = fmt::format("broken: {}", answer.why);
      break;
  }
  // A signal ends the session together with the children.
  if (const auto signal = runner_->interrupted(); signal && told.unknown) {
    outcome.ending = Ending::interrupted;
    outcome.code = *signal;
    ended.how = ending_text(outcome);
  }
  co_return ended;
}

awaitable<std::optional<Kubectl::Told>> Kubectl::attempt(Request request, OutputReader reader,
                                                         milliseconds deadline) const {
  // A watch lasts: it would keep the place from others.
  std::optional<Slots::Taken> place;
  if (request.form != Request::Form::lasting) {
    auto taken = co_await session_->place();
    place.emplace(std::move(taken));
  }
  const auto begun = Clock::now();
  auto socket = co_await session_->socket();
  if (!socket) co_return std::nullopt;
  const auto left = deadline - std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
  const auto form = request.form;
  const auto args = Arguments{"get", "--raw"}.absolute_path(session_->base() + request.path);
  Told told;
  auto work = exchange(std::move(*socket), std::move(request), std::move(reader),
                       std::max(left, milliseconds{1}), told);
  if (form == Request::Form::of_many) {
    auto ended = co_await std::move(work);
    told.outcome = std::move(ended.outcome);
    told.how = std::move(ended.how);
  } else {
    auto announcement = this->announcement(args);
    if (form == Request::Form::lasting) announcement.about.life = Life::lasting;
    told.outcome = co_await announced(*events_, std::move(announcement), std::move(work));
  }
  co_return told;
}

awaitable<std::optional<Kubectl::Told>> Kubectl::tell(Request request, OutputReader reader,
                                                      milliseconds deadline) const {
  const Deadline end(deadline);
  auto login = 1;
  for (int retry = 0;; ++retry) {
    if (!has_session()) co_return std::nullopt;
    auto told = co_await attempt(request, reader, end.left());
    if (!told || told->unknown) co_return std::nullopt;
    // The login may have expired: kubectl logs in again for the next request.
    const auto expired = told->http_status == 401 && login-- > 0;
    // A patient caller waits longer, and reports the wait.
    const auto later = !is_patient() && told->retry_after && told->refused &&
                       retry < most_retries && *told->retry_after < end.left();
    if (!expired && !later) co_return told;
    const auto next = Clock::now() + told->retry_after.value_or(std::chrono::seconds{0});
    // The wait is in pieces, so that a signal ends it too.
    while (later && Clock::now() < next && !runner_->interrupted()) co_await pause(retry_pause);
  }
}

KubectlFailure Kubectl::explained(const Told& told, const Asked& about) {
  auto failure = explain(told.outcome, about, told.refused);
  failure.retry_after = told.retry_after;
  return failure;
}

awaitable<std::optional<json::value>> Kubectl::read_object(std::string path, Asked about,
                                                           json::storage_ptr memory,
                                                           Trim trim) const {
  JsonAnswer answer(std::move(trim), std::move(memory));
  Request request{std::move(path)};
  const auto told = co_await tell(std::move(request), answer.reader(), target_.command_timeout);
  if (!told) co_return std::nullopt;
  if (!told->outcome.succeeded()) throw explained(*told, about);
  // A process of kubectl judges what is no JSON, such as a login page with HTTP status 200.
  co_return answer.single();
}

awaitable<std::optional<json::value>> Kubectl::read_list(ApiRead read, Asked about,
                                                         json::storage_ptr memory, Trim trim,
                                                         milliseconds limit) const {
  const auto complete = [read, trim](json::value& item) {
    read.complete(item);
    if (trim) trim(item);
  };
  const Deadline end(limit);
  auto empty_pages = 0;
  std::string more;
  enum class Pages { several, one } pages = Pages::several;
  std::optional<json::value> list;
  for (int page = 0; page < most_pages; ++page) {
    JsonAnswer answer(complete, memory);
    Request request{pages == Pages::one ? read.whole() : read.page(more)};
    const auto told = co_await tell(std::move(request), answer.reader(), end.left());
    if (!told) co_return std::nullopt;
    if (told->expired && !more.empty()) {
      // The pages belong to a state that the server has forgotten meanwhile.
      pages = Pages::one;
      more.clear();
      list.reset();
      continue;
    }
    if (!told->outcome.succeeded()) throw explained(*told, about);
    auto document = answer.single();
    if (!document || !read.is_list(*document)) co_return std::nullopt;
    if (array_at(*document, "/items").empty()) ++empty_pages;
    const auto before = std::exchange(more, text_at(*document, "/metadata/continue"));
    if (!list) {
      list = std::move(document);
    } else {
      auto* object = list->if_object();
      auto* items = object == nullptr ? nullptr : object->if_contains("items");
      auto* added = document->if_object();
      auto* further = added == nullptr ? nullptr : added->if_contains("items");
      if (items == nullptr || !items->is_array() || further == nullptr || !further->is_array()) {
        throw bad_answer(about, "got a page of a list that is none");
      }
      for (auto& item : further->get_array()) items->get_array().push_back(std::move(item));
    }
    if (more.empty()) co_return list;
    if (end.over()) co_return std::nullopt;
    const auto endless = empty_pages > most_empty_pages || more == before;
    if (pages == Pages::one || endless) break;
  }
  throw bad_answer(about, "got a list without an end");
}

awaitable<void> Kubectl::read_part(Reading& reading, std::size_t part) const {
  const auto& read = reading.query.reads()[part];
  auto about = asked(get_args(reading.query));
  auto& found = reading.parts[part];
  if (read.form() == ApiRead::Form::object) {
    found = co_await read_object(read.path(), about, reading.memory);
    // A process of kubectl judges what is no such object.
    if (found && !read.is_object(*found)) found.reset();
    if (!found) co_return;
    read.complete(*found);
    if (reading.parts.size() > 1 && reading.trim) reading.trim(*found);
    co_return;
  }
  found = co_await read_list(read, about, reading.memory, reading.trim, target_.command_timeout);
  const auto absent = found && array_at(*found, "/items").empty();
  if (!absent || read.form() != ApiRead::Form::one_or_all) co_return;
  found = co_await read_list(read.all(), std::move(about), reading.memory, reading.trim,
                             target_.command_timeout);
}

awaitable<std::optional<json::value>> Kubectl::read_once(Query query, Trim trim) const {
  Reading reading(std::move(query), std::move(trim), bounded_memory(DocumentStream::memory_limit));
  const auto count = reading.parts.size();
  if (count == 1) {
    co_await read_part(reading, 0);
    co_return std::move(reading.parts.front());
  }
  std::vector<awaitable<void>> tasks;
  for (std::size_t part = 0; part < count; ++part) {
    tasks.push_back(read_part(reading, part));
  }
  co_await wait_all(std::move(tasks));
  json::array items(reading.memory);
  for (auto& part : reading.parts) {
    if (!part) co_return std::nullopt;
    auto* object = part->if_object();
    auto* list = object == nullptr ? nullptr : object->if_contains("items");
    if (list != nullptr && list->is_array()) {
      for (auto& item : list->get_array()) items.push_back(std::move(item));
    } else if (object != nullptr && !text_at(*part, "/metadata/name").empty()) {
      items.push_back(std::move(*part));
    }
  }
  json::object list(reading.memory);
  list["kind"] = "List";
  list["apiVersion"] = "v1";
  list["items"] = std::move(items);
  co_return json::value(std::move(list));
}

awaitable<std::optional<json::value>> Kubectl::session_read(
    Arguments args, std::function<awaitable<std::optional<json::value>>()> read) const {
  auto retries = this->retries();
  for (;;) {
    std::optional<KubectlFailure> failed;
    auto too_much = false;
    try {
      auto found = co_await read();
      if (found) check_objects(*found, {name_of(target_.side), shown(args), args.name_space()});
      // A process that answers instead has attempts of its own.
      retries.answered();
      co_return found;
    } catch (const KubectlFailure& failure) {
      failed = failure;
    } catch (const std::length_error&) {
      too_much = true;  // of all pages together
    }
    if (too_much) throw bad_answer(asked(args), "printed more than can be taken in");
    co_await retries.wait_out(std::move(*failed));
  }
}

awaitable<std::optional<json::value>> Kubectl::session_get(Query query, Trim trim) const {
  if (query.reads().empty()) co_return std::nullopt;
  const auto ready = co_await session_ready();
  if (!ready) co_return std::nullopt;
  std::function<awaitable<std::optional<json::value>>()> read = [&] {
    return read_once(query, trim);
  };
  co_return co_await session_read(get_args(query), std::move(read));
}

awaitable<std::optional<json::value>> Kubectl::session_raw(std::string path, Trim trim) const {
  const auto ready = co_await session_ready();
  if (!ready) co_return std::nullopt;
  auto args = Arguments{"get", "--raw"}.absolute_path(path);
  const auto about = asked(args);
  std::function<awaitable<std::optional<json::value>>()> read = [&] {
    return read_object(path, about, bounded_memory(most_in_page), trim);
  };
  co_return co_await session_read(std::move(args), std::move(read));
}

awaitable<void> Kubectl::review_next(Reviewing& reviewing) const {
  auto& all = reviewing;
  while (all.next < all.objects.size() && !all.failed && !all.elsewhere) {
    const auto index = all.next++;
    JsonAnswer answer({}, all.memory);
    Request request{all.path, json::serialize(all.objects[index]), Request::Form::of_many};
    auto told = co_await tell(std::move(request), answer.reader(), target_.command_timeout);
    if (!told) {
      all.elsewhere = true;
      co_return;
    }
    all.ended.how = told->how;
    if (!told->outcome.succeeded()) {
      if (!all.failed) all.failed = std::move(told);
      co_return;
    }
    auto document = answer.single();
    if (!document || !is_review_of(all.objects[index], *document)) {
      // A process of kubectl judges what is no such review.
      all.elsewhere = true;
      co_return;
    }
    all.answers[index] = std::move(document);
  }
}

awaitable<CommandEnd> Kubectl::review_all(Reviewing& reviewing) const {
  const auto begun = Clock::now();
  std::vector<awaitable<void>> tasks;
  for (std::size_t i = 0; i < std::min(reviewing.objects.size(), most_at_once); ++i) {
    tasks.push_back(review_next(reviewing));
  }
  co_await wait_all(std::move(tasks));
  auto& ended = reviewing.ended;
  if (reviewing.failed) ended = {reviewing.failed->outcome, reviewing.failed->how};
  if (reviewing.elsewhere) ended.how = "not answered";
  ended.outcome.wall = std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
  co_return ended;
}

awaitable<void> Kubectl::review_announced(Reviewing& reviewing) const {
  const auto args = Arguments{"create", "--raw"}
                        .absolute_path(session_->base() + reviewing.path)
                        .words({"-f", "-"});
  auto announcement = this->announcement(args);
  announcement.given = kinds_text(reviewing.objects);
  auto work = review_all(reviewing);
  auto outcome = co_await announced(*events_, std::move(announcement), std::move(work));
  if (reviewing.failed) reviewing.failed->outcome = std::move(outcome);
}

awaitable<std::optional<std::vector<json::value>>> Kubectl::session_review(
    json::array objects) const {
  const auto ready = co_await session_ready();
  if (!ready) co_return std::nullopt;
  std::map<std::string, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const auto path = review_path(objects[i]);
    if (!path) co_return std::nullopt;
    places[std::string(*path)].push_back(i);
  }
  const auto about = asked(create_args());
  auto retries = this->retries();
  for (;;) {
    std::vector<std::shared_ptr<Reviewing>> groups;
    std::vector<awaitable<void>> tasks;
    for (const auto& [path, indices] : places) {
      json::array questions;
      for (const auto index : indices) questions.push_back(objects[index]);
      groups.push_back(std::make_shared<Reviewing>(path, std::move(questions)));
      tasks.push_back(review_announced(*groups.back()));
    }
    co_await wait_all(std::move(tasks));
    std::optional<Told> failed;
    std::vector<json::value> found(objects.size());
    auto group = groups.begin();
    for (const auto& [path, indices] : places) {
      if ((*group)->elsewhere) co_return std::nullopt;
      if ((*group)->failed) failed = (*group)->failed;
      for (std::size_t i = 0; i < indices.size() && !failed; ++i) {
        found[indices[i]] = std::move(*(*group)->answers[i]);
      }
      ++group;
    }
    if (!failed) {
      retries.answered();
      co_return found;
    }
    auto failure = explained(*failed, about);
    co_await retries.wait_out(std::move(failure));
  }
}

}  // namespace retrust
