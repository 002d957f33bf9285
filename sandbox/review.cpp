#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "api.h"
#include "json_util.h"
#include "protobuf.h"

namespace retrust::sandbox {

namespace json = boost::json;

bool reads(const About& about) {
  if (about.resource == "pods" && about.name_space.empty()) return false;
  return about.verb == "get" || about.verb == "list" || about.verb == "watch" ||
         about.resource.starts_with("tokenreviews") ||
         about.resource.starts_with("selfsubjectaccessreviews");
}

bool forbids(const std::string& list, const About& about) {
  // The rights of the parties that the sandbox plays are their own.
  if (list.empty() || about.user.starts_with("system:serviceaccount:")) return false;
  const auto part = about.subresource.empty() ? "" : "/" + about.subresource;
  const auto listed = [&](const std::string& entry) {
    return fmt::format(",{},", list).find(fmt::format(",{},", entry)) != std::string::npos;
  };
  return listed(about.resource) || listed(fmt::format("{}:{}{}", about.verb, about.resource, part));
}

Response Api::review(const Request& request, const Target& target, const About& about) const {
  const auto sent = access_review_of_protobuf(request.body);
  auto object = sent ? *sent : json::parse(request.body);
  json::object status;
  if (target.resource->plural == "tokenreviews") {
    const auto user = settings_.authenticate(text_at(object, "/spec/token"));
    const auto trouble = settings_.review_trouble ? settings_.review_trouble() : std::string();
    if (!trouble.empty()) {
      status["user"] = json::object{};
      status["error"] = trouble;
    } else if (user.access == Access::none) {
      status["user"] = json::object{};
      status["error"] = user.rejection.empty()
                            ? "invalid bearer token"
                            : fmt::format("[invalid bearer token, {}]", user.rejection);
    } else {
      status["authenticated"] = true;
      json::object described;
      described["username"] = user.name;
      status["user"] = std::move(described);
    }
  } else {
    const auto verb = text_at(object, "/spec/resourceAttributes/verb");
    const auto user = settings_.authenticate(request.token);
    About asked{.user = user.name, .verb = verb};
    asked.resource = text_at(object, "/spec/resourceAttributes/resource");
    const auto group = text_at(object, "/spec/resourceAttributes/group");
    auto named = asked;
    if (!group.empty()) named.resource += "." + group;
    named.subresource = text_at(object, "/spec/resourceAttributes/subresource");
    status["allowed"] =
        !forbids(settings_.forbidden, named) && (user.access == Access::everything || reads(asked));
    status["reason"] = fmt::format("decided for {}", about.user);
  }
  object.as_object()["status"] = std::move(status);
  put(object, "/metadata/creationTimestamp", json::value());
  return {201, std::move(object)};
}

}  // namespace retrust::sandbox
