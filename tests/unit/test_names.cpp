#include <boost/json/parse.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/names.h"
#include "tools/object_check.h"

namespace retrust {
namespace {

const char* const words_of_attack[] = {"--all",
                                       "--kubeconfig=FILE",
                                       "-A",
                                       "name with space",
                                       "Done.\nExit status 0.",
                                       "\x1b[2J",
                                       "a/b",
                                       "a\\b",
                                       "../x",
                                       "a'b",
                                       "$(id)",
                                       "\xe2\x80\xae",
                                       "\xff",
                                       ".",
                                       "a..b",
                                       "a-",
                                       "UPPER"};

TEST_CASE("no name is what a program could take for an option, a path or markup") {
  for (const std::string text : words_of_attack) {
    CAPTURE(text);
    CHECK_FALSE(ObjectNameRule::allows(text));
    CHECK_FALSE(LabelRule::allows(text));
    CHECK_THROWS_AS(ObjectName{text}, Failure);
    CHECK_THROWS_AS(NamespaceName{text}, Failure);
  }
  for (const std::string text : {"--all", "--kubeconfig=FILE", "a b", "a\nb", "a/b", "\xff", "-"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(Uid{text}, Failure);
    CHECK_THROWS_AS(ResourceVersion{text}, Failure);
    CHECK_THROWS_AS(ContainerName{text}, Failure);
  }
  CHECK_THROWS_AS(ObjectName{std::string(254, 'a')}, Failure);
  CHECK_THROWS_AS(NamespaceName{std::string(64, 'a')}, Failure);
}

TEST_CASE("names that Kubernetes, Rancher and docker give are allowed") {
  for (const auto* text : {"cattle-token-x7k2p", "kube-root-ca.crt", "c-m-abcdefgh", "local", "a",
                           "clusters.management.cattle.io", "0"}) {
    CAPTURE(text);
    CHECK(ObjectName(text) == text);
  }
  CHECK(ObjectName(std::string(253, 'a')).text().size() == 253);
  CHECK(NamespaceName(std::string(63, 'a')).text().size() == 63);
  CHECK(Uid("d7cd2330-c670-4fe0-971e-a7bf4b3ea52c").text().size() == 36);
  CHECK(ResourceVersion("4711") == "4711");
  CHECK(ContainerName("Rancher_2.x-1") == "Rancher_2.x-1");
  CHECK(ObjectName().empty());
}

TEST_CASE("a refusal tells the text in one short printable line") {
  try {
    ObjectName name(std::string(4000, 'A') + "\n\x1b[2J");
    FAIL("was taken");
  } catch (const Failure& failure) {
    const std::string words = failure.what();
    CHECK(failure.status == ExitStatus::refused);
    CHECK(words.size() < 300);
    CHECK(words.find('\n') == std::string::npos);
    CHECK(words.find('\x1b') == std::string::npos);
  }
}

TEST_CASE("each kind has its own rule for names") {
  CHECK(allows_name("Pod", "a.b-c"));
  CHECK_FALSE(allows_name("Pod", "v1."));
  CHECK(allows_name("APIService", "v1."));
  CHECK(allows_name("ClusterRole", "system:node"));
  CHECK_FALSE(allows_name("ClusterRole", "--all"));
  CHECK_FALSE(allows_name("ClusterRole", "a/b"));
  CHECK_FALSE(allows_name("Namespace", "a.b"));
}

/// What is said of an object; empty where nothing is.
std::string said_of(const std::string& json, std::string_view name_space = {}) {
  try {
    check_objects(boost::json::parse(json), {"downstream cluster", "kubectl get pods", name_space});
  } catch (const Failure& failure) {
    CHECK(failure.status == ExitStatus::refused);
    return failure.what();
  }
  return {};
}

TEST_CASE("a name within an object is refused by the object and the cluster that it stands in") {
  struct Case {
    std::string members;
    std::string member;
  };
  const std::vector<Case> cases{
      {R"("spec":{"serviceAccountName":"--all"})", "spec.serviceAccountName"},
      {R"("status":{"serviceAccountTokenSecret":"--all"})", "status.serviceAccountTokenSecret"}};
  for (const auto& [members, member] : cases) {
    CAPTURE(members);
    const auto object =
        R"({"kind":"Thing","metadata":{"name":"x","namespace":"cattle-system"},)" + members + "}";
    const auto said = "the downstream cluster sent a Thing called x in cattle-system whose " +
                      member + " is \"--all\", which Kubernetes does not allow";
    CHECK(said_of(object) == said);
    CHECK(said_of(R"({"kind":"ThingList","items":[)" + object + "]}") == said);
    CHECK(said_of(R"({"type":"ADDED","object":)" + object + "}") == said);
  }
  const std::string secret =
      R"({"kind":"Secret","metadata":{"name":"x","annotations":{"kubernetes.io/service-account.name":
      "--all"}},"type":)";
  CHECK(said_of(secret + R"("kubernetes.io/service-account-token"})")
            .find("a Secret called x whose annotation kubernetes.io/service-account.name is "
                  "\"--all\"") != std::string::npos);
  CHECK(said_of(secret + R"("Opaque"})").empty());
  CHECK(said_of(R"({"spec":{"serviceAccountName":7}})").find("an object whose") !=
        std::string::npos);
  for (const auto* fine : {R"({"spec":{"serviceAccountName":""},"secrets":null,"status":{}})",
                           R"({"spec":{"volumes":[{"secret":{"secretName":"A_b"}}]}})",
                           R"({"secrets":[{"name":"A_b"}]})"}) {
    CHECK(said_of(fine).empty());
  }
}

TEST_CASE("every object that a cluster sends is checked, wherever it stands") {
  const char* const frames[] = {
      "{}", R"({{"kind":"List","items":[{{"kind":"Pod","metadata":{{"name":"good"}}}},{}]}})",
      R"({{"type":"ADDED","object":{}}})"};
  const char* const members[] = {
      R"("name":"--all")",
      R"("name":7)",
      R"("name":null)",
      R"("name":"")",
      R"("name":"x","namespace":"a b")",
      R"("name":"x","namespace":[])",
      R"("name":"x","uid":"--uid")",
      R"("name":"x","resourceVersion":{})",
      R"("name":"x","ownerReferences":[{"kind":"ReplicaSet","name":"--all"}])",
      R"("name":"x","ownerReferences":["x"])",
  };
  for (const auto* frame : frames) {
    for (const auto* member : members) {
      const auto object = fmt::format(R"({{"kind":"Pod","metadata":{{{}}}}})", member);
      const auto json =
          std::string(frame) == "{}" ? object : fmt::format(fmt::runtime(frame), object);
      CAPTURE(json);
      const auto said = said_of(json);
      CHECK(said.find("the downstream cluster sent a Pod") == 0);
      CHECK(said.find("metadata.") != std::string::npos);
    }
  }
  CHECK(said_of(R"({"kind":"Pod","metadata":[]})").find("whose metadata is") != std::string::npos);
}

TEST_CASE("an object of another namespace than was asked for is never taken") {
  const std::string pod = R"({"kind":"Pod","metadata":{"name":"a","namespace":"default"}})";
  CHECK(said_of(pod, "cattle-system").find("is not the namespace that was asked for") !=
        std::string::npos);
  CHECK(said_of(R"({"kind":"List","items":[)" + pod + "]}", "cattle-system").find("default") !=
        std::string::npos);
  CHECK(said_of(pod, "default").empty());
  CHECK(said_of(R"({"kind":"Namespace","metadata":{"name":"x"}})", "cattle-system").empty());
}

TEST_CASE("objects that a cluster really sends pass the check") {
  CHECK(said_of(R"({"kind":"TokenReview","metadata":{"creationTimestamp":null}})").empty());
  CHECK(said_of(R"({"kind":"List","metadata":{"resourceVersion":""},"items":[]})").empty());
  CHECK(said_of(R"({"kind":"Status","metadata":{},"status":"Failure"})").empty());
  CHECK(said_of(R"({"kind":"Pod","metadata":{"name":"a","namespace":"b","uid":"1-2",
                    "resourceVersion":"5","ownerReferences":[{"kind":"ReplicaSet","name":"r",
                    "uid":"3"}]}})")
            .empty());
  CHECK(said_of(R"({"kind":"Pod","metadata":{"name":"a","ownerReferences":[{"kind":"Image",
                    "name":"sha256:1a2b"}]}})")
            .empty());
  CHECK(said_of("[]").empty());
  CHECK(said_of("null").empty());
}

}  // namespace
}  // namespace retrust
