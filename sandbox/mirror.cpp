#include "mirror.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "json_util.h"

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// As long as a server that restarts is asked again: short, for tests wait for it.
constexpr std::chrono::milliseconds between_attempts{50};

ObjectKey key_of(const std::string& resource, const json::value& object) {
  return {resource, text_at(object, "/metadata/namespace"), text_at(object, "/metadata/name")};
}

std::uint64_t version_of(const json::value& object) {
  const auto text = text_at(object, "/metadata/resourceVersion");
  return text.empty() ? 0 : std::stoull(text);
}

}  // namespace

json::value difference(const json::value& from, const json::value& to) {
  if (!from.is_object() || !to.is_object()) return to;
  json::object patch;
  for (const auto& member : to.get_object()) {
    const auto* before = from.get_object().if_contains(member.key());
    if (before == nullptr) {
      patch[member.key()] = member.value();
    } else if (*before != member.value()) {
      patch[member.key()] = difference(*before, member.value());
    }
  }
  for (const auto& member : from.get_object()) {
    if (!to.get_object().contains(member.key())) patch[member.key()] = nullptr;
  }
  return patch;
}

Mirror::Kind Mirror::of_namespace(const std::string& resource, std::string_view name_space) {
  const std::string space(name_space);
  return {resource, space, "/api/v1/namespaces/" + space + "/" + resource,
          resource == "pods" ? Kind::Changes::status : Kind::Changes::whole};
}

Mirror::Mirror(asio::io_context& io, std::filesystem::path kubeconfig, std::vector<Kind> kinds,
               Log& log)
    : io_(io), client_(std::move(kubeconfig)), kinds_(std::move(kinds)), log_(log) {}

void Mirror::start() {
  state_ = State::running;
  for (const auto& kind : kinds_) asio::co_spawn(io_, follow(kind), asio::detached);
}

void Mirror::end() {
  state_ = State::ended;
}

asio::awaitable<void> Mirror::pause() {
  asio::steady_timer timer(io_, between_attempts);
  co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> Mirror::follow(const Kind& kind) {
  while (state_ == State::running) {
    try {
      co_await list_and_watch(kind);
    } catch (const boost::system::system_error&) {
      // The server is away, or its CA is being changed: try again.
    } catch (const std::exception& error) {
      log_.event("stand-in", "lists again", kind.resource + ": " + error.what());
    }
    co_await pause();
  }
}

asio::awaitable<void> Mirror::list_and_watch(const Kind& kind) {
  ApiClient::Request request{.method = "GET", .target = kind.collection};
  const auto list = co_await client_.ask(std::move(request));
  if (list.code != 200) {
    throw std::runtime_error(fmt::format("{} was answered with {}", kind.collection, list.code));
  }
  std::set<ObjectKey> present;
  for (const auto& item : list.body.at("items").as_array()) {
    const auto key = key_of(kind.resource, item);
    present.insert(key);
    take(key, item);
  }
  for (const auto* object : this->list(kind.resource, kind.name_space)) {
    const auto key = key_of(kind.resource, *object);
    if (!present.contains(key)) drop(key);
  }
  listed_.insert(kind.collection);
  auto target = fmt::format("{}?watch=true&resourceVersion={}", kind.collection,
                            text_at(list.body, "/metadata/resourceVersion"));
  auto each = [this, &kind](const json::value& event) {
    const auto type = text_at(event, "/type");
    if (type == "ERROR") throw std::runtime_error("the watch is over");
    const auto& object = event.at("object");
    const auto key = key_of(kind.resource, object);
    type == "DELETED" ? drop(key) : take(key, object);
  };
  co_await client_.watch(std::move(target), std::move(each));
}

void Mirror::take(const ObjectKey& key, const json::value& object) {
  if (state_ != State::running) return;
  const auto version = version_of(object);
  const auto found = objects_.find(key);
  if (found == objects_.end()) {
    objects_.emplace(key, object);
    tell({Change::Type::added, version, key, object, {}});
  } else if (version_of(found->second) != version) {
    auto before = std::exchange(found->second, object);
    tell({Change::Type::modified, version, key, object, std::move(before)});
  }
}

void Mirror::drop(const ObjectKey& key) {
  const auto found = objects_.find(key);
  if (state_ != State::running || found == objects_.end()) return;
  auto object = std::move(found->second);
  objects_.erase(found);
  tell({Change::Type::deleted, version_of(object), key, std::move(object), {}});
}

const Mirror::Kind& Mirror::kind_of(const ObjectKey& key) const {
  const auto found = std::find_if(kinds_.begin(), kinds_.end(), [&](const Kind& kind) {
    return kind.resource == key.resource && kind.name_space == key.name_space;
  });
  if (found == kinds_.end()) {
    throw std::logic_error(key.resource + " of " + key.name_space + " are not mirrored");
  }
  return *found;
}

void Mirror::add(const ObjectKey& key, json::value object) {
  put(object, "/metadata/name", key.name);
  ask({.method = "POST", .target = kind_of(key).collection, .body = std::move(object)});
}

void Mirror::update(const ObjectKey& key, json::value object) {
  const auto* present = find(key);
  if (present == nullptr) return;
  auto patch = difference(*present, object);
  if (patch.as_object().empty()) return;
  const auto& kind = kind_of(key);
  const auto part = kind.changes == Kind::Changes::status ? "/status" : "";
  ask({.method = "PATCH",
       .target = kind.collection + "/" + key.name + part,
       .body = std::move(patch),
       .type = "application/merge-patch+json"});
}

void Mirror::remove(const ObjectKey& key) {
  json::object options;
  options["apiVersion"] = "v1";
  options["kind"] = "DeleteOptions";
  options["gracePeriodSeconds"] = 0;
  ask({.method = "DELETE",
       .target = kind_of(key).collection + "/" + key.name,
       .body = std::move(options)});
}

void Mirror::ask(ApiClient::Request request) {
  asked_.push_back(std::move(request));
  if (asked_.size() == 1) asio::co_spawn(io_, write(), asio::detached);
}

asio::awaitable<void> Mirror::write() {
  while (state_ == State::running && !asked_.empty()) {
    try {
      const auto answer = co_await client_.ask(asked_.front());
      // What is gone need not be changed any more; anything else should have worked.
      if (answer.code >= 300 && answer.code != 404) {
        log_.event("stand-in", "refused",
                   fmt::format("{} {}: {} {}", asked_.front().method, asked_.front().target,
                               answer.code, text_at(answer.body, "/message")));
      }
      asked_.pop_front();
      continue;
    } catch (const std::exception&) {
      // Asked again when the server is back.
    }
    co_await pause();
  }
}

}  // namespace retrust::sandbox
