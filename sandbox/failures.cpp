#include "failures.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

namespace retrust::sandbox {

namespace json = boost::json;

Response failure(unsigned code, const std::string& reason, const std::string& message,
                 json::object details) {
  json::object status;
  status["kind"] = "Status";
  status["apiVersion"] = "v1";
  status["metadata"] = json::object{};
  status["status"] = "Failure";
  status["message"] = message;
  status["reason"] = reason;
  if (!details.empty()) status["details"] = std::move(details);
  status["code"] = code;
  return {code, std::move(status), "application/json", {}};
}

json::object details_of(const Resource& resource, const std::string& name) {
  json::object details;
  if (!name.empty()) details["name"] = name;
  if (!resource.group.empty()) details["group"] = resource.group;
  details["kind"] = resource.plural;
  return details;
}

Response not_found(const Resource& resource, const std::string& name) {
  return failure(404, "NotFound", fmt::format("{} \"{}\" not found", resource.id(), name),
                 details_of(resource, name));
}

Response forbidden(const About& about, const Resource& resource) {
  // A namespace itself is taken to be in itself.
  const auto& name_space = resource.id() == "namespaces" ? about.name : about.name_space;
  const auto where = name_space.empty() ? std::string(" at the cluster scope")
                                        : fmt::format(" in the namespace \"{}\"", name_space);
  const auto part = about.subresource.empty() ? std::string() : "/" + about.subresource;
  const auto name = about.name.empty() ? std::string() : fmt::format(" \"{}\"", about.name);
  return failure(
      403, "Forbidden",
      fmt::format(
          "{}{} is forbidden: User \"{}\" cannot {} resource \"{}{}\" in API group \"{}\"{}",
          resource.id(), name, about.user, about.verb, resource.plural, part, resource.group,
          where),
      details_of(resource, about.name));
}

Response already_exists(const Resource& resource, const std::string& name) {
  return failure(409, "AlreadyExists", fmt::format("{} \"{}\" already exists", resource.id(), name),
                 details_of(resource, name));
}

Response conflict(const Resource& resource, const std::string& name, const std::string& why) {
  return failure(
      409, "Conflict",
      fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", resource.id(), name, why),
      details_of(resource, name));
}

Response invalid(const Resource& resource, const std::string& name, const std::string& field,
                 const std::string& why) {
  json::object cause;
  cause["reason"] = "FieldValueInvalid";
  cause["message"] = why;
  cause["field"] = field;
  auto details = details_of(resource, name);
  details["causes"] = json::array{cause};
  return failure(422, "Invalid",
                 fmt::format("{} \"{}\" is invalid: {}: {}", resource.id(), name, field, why),
                 std::move(details));
}

Response unsupported_media_type(const std::string& accepted) {
  return failure(
      415, "UnsupportedMediaType",
      "the body of the request was in an unknown format - accepted media types include: " +
          accepted);
}

Response no_such_page() {
  return {404, {}, "text/plain; charset=utf-8", "404 page not found\n"};
}

}  // namespace retrust::sandbox
