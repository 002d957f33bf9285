#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "base/failure.h"
#include "base/json.h"
#include "observe/commands.h"
#include "observe/permissions.h"
#include "tools/api_status.h"
#include "tools/query.h"
#include "tools/session.h"

namespace retrust {
namespace {

namespace json = boost::json;

TEST_CASE("the paths of reads") {
  const auto secrets = ApiRead::list(Resource::secrets, "cattle-system");
  CHECK(secrets.page() == "/api/v1/namespaces/cattle-system/secrets?limit=500");
  CHECK(secrets.page("a+/=&x") ==
        "/api/v1/namespaces/cattle-system/secrets?limit=500&continue=a%2B%2F%3D%26x");
  CHECK(secrets.whole() == "/api/v1/namespaces/cattle-system/secrets");
  CHECK(secrets.watch("4711") ==
        "/api/v1/namespaces/cattle-system/secrets?watch=true&resourceVersion=4711");
  const auto chosen = secrets.with_field("type", "kubernetes.io/service-account-token");
  CHECK(chosen.page() ==
        secrets.page() + "&fieldSelector=type%3Dkubernetes.io%2Fservice-account-token");
  CHECK(ApiRead::object(Resource::namespaces, {}, "kube-system").path() ==
        "/api/v1/namespaces/kube-system");
  CHECK(ApiRead::object(Resource::clusters, {}, "c-x7k2p").path() ==
        "/apis/management.cattle.io/v3/clusters/c-x7k2p");
  const auto one = ApiRead::one_or_all(Resource::clusters, "c-x7k2p");
  CHECK(one.page() ==
        "/apis/management.cattle.io/v3/clusters?limit=500&fieldSelector="
        "metadata.name%3Dc-x7k2p");
  CHECK(one.all().page() == "/apis/management.cattle.io/v3/clusters?limit=500");
  CHECK_THROWS_AS(secrets.page(std::string(5000, 'x')), Failure);
}

TEST_CASE("of all clusters one is read by its ID where it can be one") {
  const auto clusters = [](const std::string& wanted) {
    return commands::observe_local("cattle-system", wanted).reads().front().form();
  };
  CHECK(clusters("c-x7k2p") == ApiRead::Form::one_or_all);
  CHECK(clusters("production") == ApiRead::Form::one_or_all);
  CHECK(clusters("My cluster") == ApiRead::Form::list);
  CHECK(clusters("") == ApiRead::Form::list);
}

TEST_CASE("reviews, and nothing else, can be sent") {
  const auto path = [](const char* text) { return review_path(json::parse(text)); };
  CHECK(path(R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview"})") ==
        "/apis/authentication.k8s.io/v1/tokenreviews");
  CHECK(path(R"({"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview"})") ==
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
  for (const auto* other :
       {R"({"apiVersion":"v1","kind":"Secret"})", R"({"apiVersion":"v1","kind":"TokenReview"})",
        R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest"})", "{}", "[]"}) {
    CAPTURE(other);
    CHECK_FALSE(path(other));
  }
  // All that retrust asks for.
  CHECK(review_path(token_review({})));
}

TEST_CASE("an item of a list is made what kubectl prints of it") {
  auto item = json::parse(R"({"metadata":{"name":"a","managedFields":[1]},"data":{}})");
  const auto secrets = ApiRead::list(Resource::secrets, "cattle-system");
  secrets.complete(item);
  CHECK(item == json::parse(R"({"metadata":{"name":"a"},"data":{},"kind":"Secret",
                                "apiVersion":"v1"})"));
  auto other = json::parse(R"({"kind":"Pod","apiVersion":"v1","metadata":7})");
  const auto same = other;
  secrets.complete(other);
  CHECK(other == same);
  auto none = json::parse("7");
  secrets.complete(none);
  CHECK(none == 7);
}

TEST_CASE("what an API server refuses with") {
  const auto refusal = [](int status, const std::string& rest) {
    return api_refusal(status, R"({"kind":"Status","status":"Failure",)" + rest + "}");
  };
  const auto forbidden =
      refusal(403, R"("reason":"Forbidden","message":"secrets is forbidden: User \"x\" cannot")");
  REQUIRE(forbidden);
  CHECK(forbidden->kind == KubectlError::forbidden);
  CHECK(forbidden->words ==
        "Error from server (Forbidden): secrets is forbidden: User \"x\" cannot");
  CHECK(refusal(401, R"("reason":"Unauthorized","message":"Unauthorized")")->words ==
        "error: You must be logged in to the server (Unauthorized)");
  CHECK(refusal(404, R"("reason":"NotFound","message":"x","details":{"name":"x"})")->kind ==
        KubectlError::not_found);
  CHECK(refusal(503, R"("reason":"ServiceUnavailable","message":"x")")->kind ==
        KubectlError::unreachable);
  CHECK(refusal(504, R"("reason":"Timeout","message":"x")")->kind == KubectlError::timed_out);
  CHECK(refusal(500, R"("reason":"InternalError","message":"etcdserver: leader changed")")->kind ==
        KubectlError::unreachable);
  CHECK(refusal(410, R"("reason":"Expired","message":"too old")")->expired);
  // The words of a server are none about what the operator has.
  CHECK(
      refusal(403, R"("reason":"Forbidden","message":"x509: (NotFound) //localhost:8080")")->kind ==
      KubectlError::forbidden);
  CHECK(refusal(500, R"("reason":"InternalError","message":"x509: getting credentials: ")")->kind ==
        KubectlError::server_error);
}

TEST_CASE("what no API server refuses with is asked for again by kubectl") {
  CHECK_FALSE(api_refusal(500, "x509: certificate signed by unknown authority\n"));
  CHECK_FALSE(api_refusal(404, "404 page not found\n"));
  CHECK_FALSE(api_refusal(403, "<h1>Forbidden</h1>"));
  CHECK_FALSE(api_refusal(502, ""));
  CHECK_FALSE(api_refusal(500, R"({"kind":"Status","reason":"x\nError: y"})"));
  CHECK_FALSE(api_refusal(500, R"({"kind":"Secret","reason":"InternalError"})"));
  // A kind of object that the server does not know: kubectl looks whether it does.
  CHECK_FALSE(api_refusal(404, R"({"kind":"Status","reason":"NotFound","message":"x"})"));
}

TEST_CASE("the path of a URL") {
  CHECK(url_path("https://rancher.example:8443/k8s/clusters/local") == "/k8s/clusters/local");
  CHECK(url_path("https://10.0.0.1:6443") == "");
  CHECK(url_path("https://10.0.0.1/?x=/y") == "/");
  CHECK(url_path("10.0.0.1/x#y") == "/x");
  CHECK_FALSE(url_path("https://10.0.0.1/a b"));
  CHECK_FALSE(url_path("https://10.0.0.1/\r\nX: y"));
}

}  // namespace
}  // namespace retrust
