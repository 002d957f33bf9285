// Lists, page by page, and watches.
#include <charconv>
#include <stdexcept>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api.h"
#include "base/encoding.h"
#include "failures.h"
#include "json_util.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Throws where it asks for a field that the server keeps no index of.
Selector selector_of(const Request& request, const Resource& resource) {
  Selector selector(request.parameter("labelSelector"), request.parameter("fieldSelector"));
  for (const auto& field : selector.fields()) {
    if (!selectable(resource, field)) {
      throw std::runtime_error("field label not supported: " + field);
    }
  }
  return selector;
}

/// Where a list goes on: after which object, and which version the first page was of.
struct Continuation {
  std::string version;
  ObjectKey last;
};

std::string text_of(const Continuation& continuation) {
  json::object token;
  token["v"] = "meta.k8s.io/v1";
  token["rv"] = continuation.version;
  token["start"] = continuation.last.name_space + "/" + continuation.last.name;
  return base64url_encode(json::serialize(token));
}

/// Throws what the server says about a text that is none of its own.
Continuation continuation_of(const std::string& text, const std::string& resource) {
  boost::system::error_code wrong;
  const auto token = json::parse(base64url_decode(text).value_or(""), wrong);
  const auto start = wrong ? std::string() : text_at(token, "/start");
  const auto slash = start.find('/');
  if (slash == std::string::npos) throw std::runtime_error("continue key is not valid");
  return {text_at(token, "/rv"), {resource, start.substr(0, slash), start.substr(slash + 1)}};
}

}  // namespace

std::optional<std::string> watch_line(const Watch& watch, const Change& change) {
  if (change.version <= watch.since || change.key.resource != watch.resource) return std::nullopt;
  if (!watch.name_space.empty() && change.key.name_space != watch.name_space) return std::nullopt;
  // What begins or ceases to match comes and goes, as far as this watch is concerned.
  const auto was =
      change.type != Change::Type::added &&
      watch.selector.matches(change.type == Change::Type::modified ? change.before : change.object);
  const auto is = change.type != Change::Type::deleted && watch.selector.matches(change.object);
  if (!was && !is) return std::nullopt;
  json::object event;
  event["type"] = !was ? "ADDED" : is ? "MODIFIED" : "DELETED";
  event["object"] = change.object;
  return json::serialize(event) + "\n";
}

std::variant<Response, Watch> Api::collection(const Request& request, const Target& target,
                                              const std::string& verb) {
  if (verb == "list") return list(request, target);
  if (verb == "watch") {
    const auto since = number(request.parameter("resourceVersion"));
    if (target.name.empty()) return watch(target, selector_of(request, *target.resource), since);
    return watch(target, Selector({}, "metadata.name=" + target.name), since);
  }
  const auto selector = selector_of(request, *target.resource);
  std::vector<ObjectKey> doomed;
  for (const auto* object : store_.list(target.resource->id(), target.name_space)) {
    if (!selector.matches(*object)) continue;
    doomed.push_back({target.resource->id(), text_at(*object, "/metadata/namespace"),
                      text_at(*object, "/metadata/name")});
  }
  for (const auto& key : doomed) remove(request, key, target);
  return list(request, target);
}

std::variant<Response, Watch> Api::watch(const Target& target, Selector selector,
                                         std::uint64_t since) const {
  Watch granted{target.resource->id(), target.name_space, std::move(selector), since};
  if (since > 0 && since < store_.oldest()) {
    // The watch itself is granted; that it cannot be done is its only event.
    json::object event;
    event["type"] = "ERROR";
    event["object"] =
        failure(410, "Expired",
                fmt::format("too old resource version: {} ({})", since, store_.oldest()))
            .body;
    granted.first.push_back(json::serialize(event) + "\n");
    granted.then = Watch::Then::ends;
    return granted;
  }
  if (since > 0) return granted;
  // Without a version a watch begins with everything that is there.
  for (const auto* object : store_.list(granted.resource, granted.name_space)) {
    const Change there{Change::Type::added,
                       store_.version(),
                       {granted.resource, target.name_space, target.name},
                       *object};
    if (auto line = watch_line(granted, there)) granted.first.push_back(std::move(*line));
  }
  granted.since = store_.version();
  return granted;
}

Response Api::list(const Request& request, const Target& target) const {
  const auto selector = selector_of(request, *target.resource);
  const auto resource = target.resource->id();
  const auto limit = static_cast<std::size_t>(number(request.parameter("limit")));
  auto version = std::to_string(store_.version());
  std::vector<const json::value*> candidates;
  if (const auto text = request.parameter("continue"); !text.empty()) {
    const auto from = continuation_of(text, resource);
    version = from.version;
    candidates = store_.list_after(from.last, target.name_space);
  } else {
    candidates = store_.list(resource, target.name_space);
  }
  json::array items;
  json::object metadata;
  metadata["resourceVersion"] = version;
  for (const auto* object : candidates) {
    if (!selector.matches(*object)) continue;
    if (limit > 0 && items.size() == limit) {
      const auto& last = items.back();
      const ObjectKey key{resource, text_at(last, "/metadata/namespace"),
                          text_at(last, "/metadata/name")};
      metadata["continue"] = text_of({version, key});
      // With a selector nobody knows how many of the rest will match.
      if (selector.empty()) metadata["remainingItemCount"] = candidates.size() - limit;
      break;
    }
    items.push_back(*object);
    // In a list of a type that is built in the list alone names it.
    if (!target.resource->is_custom()) {
      items.back().as_object().erase("kind");
      items.back().as_object().erase("apiVersion");
    }
  }
  json::object document;
  document["kind"] = target.resource->kind + "List";
  document["apiVersion"] = target.resource->api_version();
  document["metadata"] = std::move(metadata);
  document["items"] = std::move(items);
  return {200, std::move(document)};
}

}  // namespace retrust::sandbox
