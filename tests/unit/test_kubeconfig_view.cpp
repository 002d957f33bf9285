// What a session remembers of a kubeconfig.
#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "base/json.h"
#include "observe/kubeconfig.h"
#include "observe/login.h"

namespace retrust {
namespace {

namespace json = boost::json;

json::value view_of(const std::string& user) {
  return json::parse(
      R"({"current-context": "a", "clusters": [{"name": "c", "cluster": {"server": "https://x"}}],
          "contexts": [{"name": "a", "context": {"user": "u"}}],
          "users": [{"name": "u", "user": )" +
      user + "}]}");
}

TEST_CASE("what is remembered of a kubeconfig has no value of its user") {
  for (const auto* user :
       {R"({"token": "s3cret"})", R"({"username": "s3cret", "password": "s3cret"})",
        R"({"client-key-data": "s3cret", "client-certificate-data": "s3cret"})",
        R"({"tokenFile": "/s3cret"})", R"({"as": "s3cret", "as-groups": ["s3cret"]})",
        R"({"exec": {"command": "login", "args": ["s3cret"], "env": [{"value": "s3cret"}]}})",
        R"({"auth-provider": {"name": "oidc", "config": {"id-token": "s3cret"}}})"}) {
    CAPTURE(user);
    const auto kept = without_secrets(view_of(user));
    CHECK(json::serialize(kept).find("s3cret") == std::string::npos);
    CHECK(text_at(kept, "/clusters/0/cluster/server") == "https://x");
    CHECK(text_at(kept, "/users/0/name") == "u");
    // By what the user logs in stays.
    const auto given = view_of(user);
    for (const auto& member : given.at_pointer("/users/0/user").as_object()) {
      CHECK(kept.at_pointer("/users/0/user").as_object().contains(member.key()));
    }
    CHECK(login_of(kept) == login_of(given));
  }
  const auto asks = R"({"exec": {"command": "login", "interactiveMode": "Always"}})";
  CHECK(login_of(without_secrets(view_of(asks))) == Login::always_asks);
  CHECK(text_at(without_secrets(view_of(R"({"token": ""})")), "/users/0/user/token").empty());
  // A kubeconfig without users, or no object at all, stays as it is.
  CHECK(without_secrets(json::parse("{}")) == json::parse("{}"));
  CHECK(without_secrets(nullptr).is_null());
}

}  // namespace
}  // namespace retrust
