#include "api.h"

#include <algorithm>
#include <stdexcept>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "failures.h"
#include "json_util.h"
#include "pki.h"
#include "protobuf.h"
#include "table.h"

namespace retrust::sandbox {
namespace {

namespace json = boost::json;

std::vector<std::string> segments(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t begin = 1; begin < path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// The path of the API group's version that a path belongs to.
std::string group_version(const std::string& path) {
  const auto parts = segments(path);
  const std::size_t length = !parts.empty() && parts[0] == "api" ? 2 : 3;
  std::string found;
  for (std::size_t i = 0; i < std::min(length, parts.size()); ++i) found += "/" + parts[i];
  return found;
}

std::string verb_of(const Request& request, const std::string& name) {
  if (request.method == "POST") return "create";
  if (request.method == "PUT") return "update";
  if (request.method == "PATCH") return "patch";
  if (request.method == "DELETE") return name.empty() ? "deletecollection" : "delete";
  const auto watch = request.parameter("watch");
  if (watch == "true" || watch == "1") return "watch";
  return name.empty() ? "list" : "get";
}

bool has_subresource(const Resource& resource, const std::string& name) {
  return name == "status" && resource.status == StatusSubresource::present;
}

/// What becomes of an object whose status is a subresource: what is written to it leaves the status
/// as it is, and what is written to the status leaves everything else as it is.
json::value written(const std::string& subresource, const json::value& present,
                    const json::value& object) {
  auto result = subresource == "status" ? present : object;
  const auto* status = find_at(subresource == "status" ? object : present, "/status");
  if (status == nullptr) {
    result.as_object().erase("status");
  } else {
    put(result, "/status", *status);
  }
  return result;
}

/// The object of a request. Throws what the server says about a text that is none.
json::value object_of(const Request& request, const Resource& resource) {
  boost::system::error_code wrong;
  auto object = json::parse(request.body, wrong);
  if (!wrong && object.is_object()) return object;
  throw std::runtime_error(
      fmt::format("the object provided is unrecognized (must be of type {}): couldn't get "
                  "version/kind; json parse error",
                  resource.kind));
}

}  // namespace

std::optional<Api::Target> Api::route(const std::string& path) const {
  auto parts = segments(path);
  std::string group;
  std::string version;
  if (parts.size() >= 2 && parts[0] == "api") {
    version = parts[1];
    parts.erase(parts.begin(), parts.begin() + 2);
  } else if (parts.size() >= 3 && parts[0] == "apis") {
    group = parts[1];
    version = parts[2];
    parts.erase(parts.begin(), parts.begin() + 3);
  } else {
    return std::nullopt;
  }
  Target target;
  if (parts.size() >= 3 && parts[0] == "namespaces") {
    target.name_space = parts[1];
    parts.erase(parts.begin(), parts.begin() + 2);
  }
  if (parts.empty() || parts.size() > 3) return std::nullopt;
  for (const auto& resource : settings_.resources) {
    if (resource.group == group && resource.version == version && resource.plural == parts[0]) {
      target.resource = &resource;
    }
  }
  if (target.resource == nullptr) return std::nullopt;
  if (parts.size() > 1) target.name = parts[1];
  if (parts.size() > 2) target.subresource = parts[2];
  return target;
}

Answer Api::handle(const Request& request) {
  const auto user = settings_.authenticate(request.token);
  About about{.user = user.name, .verb = "get"};
  if (user.access == Access::none) return {about, failure(401, "Unauthorized", "Unauthorized")};
  if (request.path == "/healthz" || request.path == "/readyz" || request.path == "/livez") {
    return {about, Response{200, {}, "text/plain; charset=utf-8", "ok"}};
  }
  if (request.path == "/openapi/v2") {
    // A document without definitions, so that kubectl has nothing to validate against: by its
    // protobuf encoding, the only one that kubectl reads.
    return {about, Response{200,
                            {},
                            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
                            "\x0a\x03"
                            "2.0"}};
  }
  if (auto document = discovery(settings_.resources, settings_.kubernetes, request.path)) {
    return {about, Response{200, std::move(*document)}};
  }
  const auto target = route(request.path);
  if (!target) {
    if (!discovery(settings_.resources, settings_.kubernetes, group_version(request.path))) {
      return {about, no_such_page()};
    }
    return {about, failure(404, "NotFound", "the server could not find the requested resource")};
  }
  about.verb = verb_of(request, target->name);
  about.resource = target->resource->id();
  about.name_space = target->name_space;
  about.name = target->name;
  about.subresource = target->subresource;
  if ((user.access == Access::reads && !reads(about)) || forbids(settings_.forbidden, about)) {
    return {about, forbidden(about, *target->resource)};
  }
  try {
    if (request.content_type == "application/vnd.kubernetes.protobuf" &&
        !access_review_of_protobuf(request.body)) {
      return {about, unsupported_media_type("application/json")};
    }
    auto result = dispatch(request, *target, about);
    // For people, who ask without -o.
    if (auto* response = std::get_if<Response>(&result);
        response != nullptr && response->code == 200 &&
        (about.verb == "get" || about.verb == "list") &&
        request.accept.find("as=Table") != std::string::npos) {
      response->body = table(*target->resource, response->body);
    }
    return {about, std::move(result)};
  } catch (const std::exception& error) {
    return {about, failure(400, "BadRequest", error.what())};
  }
}

std::variant<Response, Watch> Api::dispatch(const Request& request, const Target& target,
                                            const About& about) {
  if (!target.subresource.empty() && !has_subresource(*target.resource, target.subresource)) {
    // For a custom resource the server answers as if the object were not there.
    return target.resource->is_custom()
               ? not_found(*target.resource, target.name)
               : failure(404, "NotFound", "the server could not find the requested resource");
  }
  if (about.verb == "create") return create(request, target, about);
  if (target.name.empty()) return collection(request, target, about.verb);
  const ObjectKey key{target.resource->id(), target.name_space, target.name};
  if (about.verb == "watch") return collection(request, target, about.verb);
  if (about.verb != "get" && settings_.before_change) settings_.before_change(about);
  const auto* present = store_.find(key);
  if (present == nullptr) return not_found(*target.resource, target.name);
  if (about.verb == "get") return Response{200, *present};
  if (about.verb == "update") {
    return replace(key, target, object_of(request, *target.resource));
  }
  if (about.verb == "patch") return patch(request, key, target);
  return remove(request, key, target);
}

Response Api::create(const Request& request, const Target& target, const About& about) {
  if (target.resource->plural.ends_with("reviews")) return review(request, target, about);
  if (settings_.before_change) settings_.before_change(about);
  auto object = object_of(request, *target.resource);
  auto name = text_at(object, "/metadata/name");
  if (name.empty()) name = text_at(object, "/metadata/generateName") + random_suffix(5);
  const ObjectKey key{target.resource->id(), target.name_space, name};
  if (store_.find(key) != nullptr) {
    return already_exists(*target.resource, name);
  }
  put(object, "/apiVersion", target.resource->api_version());
  put(object, "/kind", target.resource->kind);
  for (const auto* given : {"uid", "resourceVersion", "creationTimestamp"}) {
    object.at("metadata").as_object().erase(given);
  }
  if (target.resource->status == StatusSubresource::present) object.as_object().erase("status");
  return {201, store_.create(key, std::move(object))};
}

Response Api::replace(const ObjectKey& key, const Target& target, json::value object) {
  const auto& present = *store_.find(key);
  const auto name = text_at(object, "/metadata/name");
  if (name != key.name) {
    return failure(
        400, "BadRequest",
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name,
                    key.name));
  }
  const auto expected = text_at(object, "/metadata/resourceVersion");
  if (expected.empty() && target.resource->needs_version()) {
    return invalid(*target.resource, key.name, "metadata.resourceVersion",
                   "Invalid value: 0x0: must be specified for an update");
  }
  if (!expected.empty() && expected != text_at(present, "/metadata/resourceVersion")) {
    return conflict(*target.resource, key.name,
                    "the object has been modified; please apply your changes to the latest version "
                    "and try again");
  }
  const auto uid = text_at(object, "/metadata/uid");
  const auto present_uid = text_at(present, "/metadata/uid");
  if (!uid.empty() && uid != present_uid) {
    return conflict(*target.resource, key.name,
                    fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: "
                                "{}",
                                uid, present_uid));
  }
  if (target.resource->status == StatusSubresource::present) {
    object = written(target.subresource, present, object);
  }
  for (const std::string_view fixed : {"/metadata/uid", "/metadata/creationTimestamp"}) {
    put(object, fixed, text_at(present, fixed));
  }
  const auto* generation = find_at(present, "/metadata/generation");
  if (generation != nullptr) {
    const auto* before = find_at(present, "/spec");
    const auto* after = find_at(object, "/spec");
    const auto same = before != nullptr && after != nullptr && *before == *after;
    put(object, "/metadata/generation", generation->to_number<std::int64_t>() + (same ? 0 : 1));
  }
  store_.update(key, std::move(object));
  return {200, *store_.find(key)};
}

Response Api::patch(const Request& request, const ObjectKey& key, const Target& target) {
  auto object = *store_.find(key);
  if (target.resource->is_custom() &&
      request.content_type.starts_with("application/strategic-merge-patch+json")) {
    return unsupported_media_type("application/json-patch+json, application/merge-patch+json");
  }
  const auto change = json::parse(request.body);
  if (request.content_type.starts_with("application/json-patch+json")) {
    json_patch(object, change.as_array());
  } else {
    merge_patch(object, change);
  }
  return replace(key, target, std::move(object));
}

Response Api::remove(const Request& request, const ObjectKey& key, const Target& target) {
  auto object = *store_.find(key);
  if (!request.body.empty()) {
    const auto options = json::parse(request.body);
    const auto uid = text_at(options, "/preconditions/uid");
    if (!uid.empty() && uid != text_at(object, "/metadata/uid")) {
      return conflict(*target.resource, key.name,
                      fmt::format("the UID in the precondition ({}) does not match the UID in "
                                  "record ({}). The object might have been deleted and then "
                                  "recreated",
                                  uid, text_at(object, "/metadata/uid")));
    }
  }
  if (key.resource == "pods") {
    // A pod on a node is told to go, and it is for the kubelet to say that it went.
    if (text_at(object, "/metadata/deletionTimestamp").empty()) {
      put(object, "/metadata/deletionTimestamp", now_text());
      store_.update(key, std::move(object));
    }
    return {200, *store_.find(key)};
  }
  store_.remove(key);
  json::object status;
  status["kind"] = "Status";
  status["apiVersion"] = "v1";
  status["metadata"] = json::object{};
  status["status"] = "Success";
  auto details = details_of(*target.resource, key.name);
  details["uid"] = text_at(object, "/metadata/uid");
  status["details"] = std::move(details);
  return {200, std::move(status)};
}

}  // namespace retrust::sandbox
