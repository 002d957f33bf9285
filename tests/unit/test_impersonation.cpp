#include <deque>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/encoding.h"
#include "observe/impersonation.h"
#include "observe/permissions.h"
#include "secrets.h"
#include "steps/step.h"

namespace retrust {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;

json::value secret(const std::string& name, const std::string& token) {
  auto made = json::parse(R"({"type": "kubernetes.io/service-account-token",
      "metadata": {"namespace": "cattle-impersonation-system", "uid": "u", "resourceVersion": "7",
                   "annotations": {"kubernetes.io/service-account.name":
                                   "cattle-impersonation-u-1"}}})");
  made.at("metadata").as_object()["name"] = name;
  if (!token.empty()) made.as_object()["data"].emplace_object()["token"] = base64_encode(token);
  return made;
}

std::string page(const std::vector<json::value>& secrets, const std::string& next) {
  json::object metadata;
  if (!next.empty()) metadata["continue"] = next;
  json::object list;
  list["metadata"] = std::move(metadata);
  list["items"] = json::array(secrets.begin(), secrets.end());
  return json::serialize(list);
}

/// Answers in their turn; an empty one is an expired list, "boom" another failure.
class Server {
 public:
  explicit Server(std::deque<std::string> answers) : answers_(std::move(answers)) {}

  TokenPages::Fetch fetch() {
    return [this](std::string path) { return answer(std::move(path)); };
  }

  std::vector<std::string> paths;

 private:
  awaitable<json::value> answer(std::string path) {
    paths.push_back(std::move(path));
    auto text = std::move(answers_.front());
    answers_.pop_front();
    if (text.empty()) {
      throw KubectlFailure(KubectlError::other,
                           Failure(ExitStatus::failed, "kubectl get failed", {},
                                   "Error from server (Expired): The provided continue parameter "
                                   "is too old to display a consistent list result."));
    }
    if (text == "boom") {
      throw KubectlFailure(KubectlError::forbidden, Failure(ExitStatus::refused, "no", {}, "no"));
    }
    co_return json::parse(text);
  }

  std::deque<std::string> answers_;
};

/// Every page of the list: how it begins, and the names on it.
awaitable<void> read_all(TokenPages& pages, std::vector<std::string>& read) {
  while (pages.more()) {
    const auto next = co_await pages.next();
    std::string names = next.begins_again ? "again:" : "";
    for (const auto& token : next.tokens) names += " " + token.name.text();
    read.push_back(names);
  }
}

std::vector<std::string> read_all(Server& server, Redactor& redactor) {
  TokenPages pages("cattle-impersonation-system", server.fetch(), redactor);
  std::vector<std::string> read;
  boost::asio::io_context io;
  std::exception_ptr failure;
  boost::asio::co_spawn(io, read_all(pages, read),
                        [&](std::exception_ptr error) { failure = std::move(error); });
  io.run();
  if (failure) std::rethrow_exception(failure);
  return read;
}

TEST_CASE("token secrets are read page by page, and registered") {
  Redactor redactor;
  const auto token = test::jwt_of("u-1");
  Server server({page({secret("a", token), secret("unfilled", "")}, "next+/="),
                 page({secret("b", test::jwt_of("another-token-of-theirs"))}, "")});
  CHECK(read_all(server, redactor) == std::vector<std::string>{" a", " b"});
  const std::string path =
      "/api/v1/namespaces/cattle-impersonation-system/"
      "secrets?fieldSelector=type%3Dkubernetes.io%2Fservice-account-token"
      "&limit=398";
  CHECK(server.paths == std::vector<std::string>{path, path + "&continue=next%2B%2F%3D"});
  CHECK(redactor.mask(token).find(token.substr(30)) == std::string::npos);
}

TEST_CASE("a list that took longer than the server remembers begins again") {
  Redactor redactor;
  Server server({page({secret("a", test::jwt_of("the-token-of-a-user"))}, "x"), "",
                 page({secret("a", test::jwt_of("the-token-of-a-user"))}, "y"),
                 page({secret("b", test::jwt_of("the-token-of-another"))}, "")});
  CHECK(read_all(server, redactor) == std::vector<std::string>{" a", "again: a", " b"});
  CHECK_FALSE(server.paths.at(2).ends_with("x"));

  Server endless({page({}, "x"), "", page({}, "x"), "", page({}, "x"), "", page({}, "x"), "",
                  page({}, "x"), "", page({}, "x"), ""});
  CHECK_THROWS_AS(read_all(endless, redactor), KubectlFailure);
  Server forbidden({"boom"});
  CHECK_THROWS_AS(read_all(forbidden, redactor), KubectlFailure);
  Server nonsense({"[]"});
  try {
    read_all(nonsense, redactor);
    FAIL_CHECK("nonsense was taken for a list");
  } catch (const Failure& failure) {
    CHECK(failure.status == ExitStatus::refused);
  }
}

TEST_CASE("a rejection is told from an error") {
  struct Row {
    std::string status;
    Verdict verdict;
  };
  const std::vector<Row> rows{
      {R"({"authenticated": true})", Verdict::accepted},
      {R"({})", Verdict::rejected},
      {R"({"error": "invalid bearer token"})", Verdict::rejected},
      {R"({"error": "[invalid bearer token, square/go-jose: error in cryptographic primitive]"})",
       Verdict::rejected},
      {R"({"error": "[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]"})",
       Verdict::rejected},
      // What becomes of any secret that could not be read just then, too.
      {R"({"error": "[invalid bearer token, service account token has been invalidated]"})",
       Verdict::unknown},
      {R"({"error": "the token in secret a/b for service account a/c has been marked invalid."})",
       Verdict::rejected},
      // A webhook that is away says nothing of a token whose signature was found to be wrong.
      {R"({"error": "[go-jose/go-jose: error in cryptographic primitive, Post webhook: timeout]"})",
       Verdict::rejected},
      {R"({"error": "[invalid bearer token, Post \"https://127.0.0.1:6440/\": dial tcp: refused]"})",
       Verdict::unknown},
      {R"({"error": "[invalid bearer token, invalid signature, no keys found]"})",
       Verdict::rejected},
      // A key of another type was put in the place of the old one.
      {R"({"error": "[invalid bearer token, square/go-jose: unknown/unsupported algorithm]"})",
       Verdict::rejected},
      {R"({"error": "[invalid bearer token, service account token has expired]"})",
       Verdict::rejected},
      {R"({"error": "context deadline exceeded"})", Verdict::unknown},
      {R"({"error": "[invalid bearer token, context deadline exceeded]"})", Verdict::unknown},
      {R"({"error": "authentication failed unexpectedly"})", Verdict::unknown},
      {R"({"error": "[invalid bearer token, Token does not match server's copy]"})",
       Verdict::unknown},
  };
  for (const auto& row : rows) {
    json::object review;
    review["status"] = json::parse(row.status);
    CAPTURE(row.status);
    CHECK(verdict_of(review).first == row.verdict);
  }
  CHECK(verdict_of(json::object{}).first == Verdict::unknown);
}

TEST_CASE("a status with a verdict of another type rejects no token") {
  for (const std::string verdict : {R"("true")", R"("")", "1", "null", "{}", "[]"}) {
    CAPTURE(verdict);
    const auto review = json::parse(R"({"status":{"authenticated":)" + verdict + "}}");
    CHECK(verdict_of(review).first == Verdict::unknown);
  }
  // API servers leave a false verdict out.
  CHECK(verdict_of(json::parse(R"({"status":{"user":{}}})")).first == Verdict::rejected);
  CHECK(verdict_of(json::parse(R"({"status":{"authenticated":false}})")).first ==
        Verdict::rejected);
}

TEST_CASE("whose a token is") {
  const auto owner = [](std::string name_space, std::string account) {
    UserToken token;
    token.name_space = std::move(name_space);
    token.account = std::move(account);
    return owner_of(token, "cattle-system");
  };
  CHECK_FALSE(owner("cattle-system", "cattle"));
  CHECK(owner("cattle-system", "default") == TokenOwner::other);
  CHECK(owner("cattle-fleet-system", "cattle") == TokenOwner::other);
  CHECK(owner("cattle-impersonation-system", "cattle-impersonation-u-1") == TokenOwner::user);
  CHECK(owner("cattle-impersonation-system", "default") == TokenOwner::other);
  CHECK(owner("cattle-system", "cattle-impersonation-u-1") == TokenOwner::other);
}

TEST_CASE("only the namespaces that Rancher's agents make are its own") {
  const auto list = json::parse(R"({"items": [
      {"kind": "Namespace", "metadata": {"name": "cattle-impersonation-system"}},
      {"kind": "Namespace", "metadata": {"name": "cattle-monitoring-system"}},
      {"kind": "Namespace", "metadata": {"name": "cattle-fleet-system"}},
      {"kind": "Namespace", "metadata": {"name": "default"}},
      {"kind": "Namespace", "metadata": {"name": "cattle-system"}}]})");
  CHECK(own_namespaces(list, "cattle-system") ==
        std::vector<NamespaceName>{"cattle-impersonation-system", "cattle-fleet-system",
                                   "cattle-system"});
}

TEST_CASE("what nobody would make again is left alone") {
  struct Row {
    TokenOwner owner;
    std::string rancher;
    std::string kubernetes;
    std::string name;
    bool made_again;
  };
  const std::vector<Row> rows{
      {TokenOwner::user, "v2.12.3", "v1.30.14", "a-token-bcdfg", true},
      {TokenOwner::user, "v2.12.3", "", "a-token-bcdfg", true},
      {TokenOwner::user, "v2.7.0", "v1.24.17", "a-token", true},
      {TokenOwner::user, "dev", "v1.30.14", "a-token-bcdfg", true},
      {TokenOwner::user, "v2.6.6", "v1.24.17", "a-token-bcdfg", false},
      {TokenOwner::user, "v2.6.6", "v1.23.0", "a-token-bcdfg", true},
      {TokenOwner::user, "v2.6.6", "v1.23.0", "by-hand", false},
      {TokenOwner::other, "v2.12.3", "v1.30.14", "a-token-bcdfg", false},
      {TokenOwner::other, "v2.12.3", "v1.20.2+k3s1", "a-token-bcdfg", true},
      {TokenOwner::other, "v2.12.3", "v1.20.2+k3s1", "a-token-by-hand", false},
      {TokenOwner::other, "v2.12.3", "", "a-token-bcdfg", false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.rancher);
    CAPTURE(row.kubernetes);
    CAPTURE(row.name);
    Observation seen;
    seen.local.rancher.version_text = row.rancher;
    seen.local.rancher.version = parse_version(row.rancher);
    seen.downstream.kubernetes_version = row.kubernetes;
    UserToken token;
    token.name = row.name;
    token.account = "a";
    CHECK(not_made_again(token, row.owner, seen).empty() == row.made_again);
  }
}

UserTokens::Group users(std::size_t total, std::size_t rejected) {
  UserTokens::Group group;
  group.name_space = "cattle-impersonation-system";
  group.total = total;
  group.rejected = rejected;
  group.reason = "invalid bearer token";
  return group;
}

UserTokens looked_at(std::vector<UserTokens::Group> groups) {
  UserTokens own;
  own.look = UserTokens::Look::done;
  own.groups = std::move(groups);
  return own;
}

PlannedStep planned(const UserTokens& own, Impersonation choice) {
  Observation seen;
  seen.local.cluster.id = "c-x7k2p";
  seen.user_tokens = own;
  PlanOptions options;
  options.impersonation = choice;
  return make_plan(seen, options)[Step::repair_impersonation];
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("the repair is needed where it was asked for and something is rejected") {
  using enum Impersonation;
  auto spared = users(3, 2);
  spared.kept = 2;
  spared.kept_because["nobody would make another one"] = spared.kept;
  auto some_spared = users(3, 2);
  some_spared.kept = 1;
  some_spared.kept_because["made by hand"] = 1;
  UserTokens failed;
  failed.look = UserTokens::Look::failed;
  failed.trouble = "may not list";
  struct Row {
    UserTokens own;
    Impersonation choice;
    Need need;
    std::string words;
  };
  const std::vector<Row> rows{
      {{}, repair, Need::not_needed, "were looked at"},
      {looked_at({}), repair, Need::not_needed, "there are no tokens"},
      {looked_at({users(3, 0)}), repair, Need::not_needed, "rejects none of 3 tokens"},
      {looked_at({users(3, 2)}), leave, Need::not_needed,
       "the cluster rejects 2 of 3 users' tokens in cattle-impersonation-system; "
       "recommended: --repair-impersonation, which deletes them"},
      {looked_at({users(3, 2)}), repair, Need::needed, "rejects 2 of 3 users' tokens"},
      {looked_at({some_spared}), leave, Need::not_needed, "deletes some of them"},
      {looked_at({some_spared}), repair, Need::needed, "rejects 2 of 3"},
      {looked_at({spared}), repair, Need::not_needed, "left alone: nobody would make another"},
      {failed, leave, Need::not_needed, "cannot be looked at: may not list"},
      {failed, repair, Need::needed, "cannot be looked at: may not list"},
  };
  for (const auto& row : rows) {
    const auto step = planned(row.own, row.choice);
    CAPTURE(row.words);
    CAPTURE(step.reason);
    CHECK(step.need == row.need);
    CHECK(has(step.reason, row.words));
  }
  const auto step = planned(looked_at({users(20'000, 19'000)}), repair);
  REQUIRE(step.commands.size() == 4);
  CHECK(has(step.commands[3], "delete -f - --ignore-not-found --wait=false"));
  REQUIRE(step.notes.size() == 2);
  CHECK(has(step.notes[0], "beyond the documentation"));
  CHECK(has(step.notes[1], "cannot be taken back"));
}

TEST_CASE("Rancher up to 2.5 has no accounts for its users") {
  Observation seen;
  seen.local.cluster.id = "c-x7k2p";
  seen.local.rancher.version_text = "v2.5.15";
  seen.local.rancher.version = Version{2, 5, 15};
  CHECK(make_plan(seen, {})[Step::repair_impersonation].reason ==
        "Rancher v2.5.15 has no accounts for its users");
}

TEST_CASE("the repair comes last, and needs no permission where there is nothing to delete") {
  CHECK(all_steps().back().step == Step::repair_impersonation);
  CHECK(find_step("3.2") == Step::repair_impersonation);
  const auto permissions = [](const UserTokens& own, Impersonation choice) {
    Observation seen;
    seen.user_tokens = own;
    PlanOptions options;
    options.impersonation = choice;
    return work_of(Step::repair_impersonation).permissions(seen, options);
  };
  CHECK(permissions(looked_at({users(3, 0)}), Impersonation::repair).empty());
  const auto own = looked_at({users(3, 2), users(1, 1)});
  CHECK(permissions(own, Impersonation::leave).empty());
  const auto needed = permissions(own, Impersonation::repair);
  REQUIRE(needed.size() == 2);
  CHECK(text_of(needed[0]) == "delete secrets in cattle-impersonation-system (downstream cluster)");
  CHECK(text_of(needed[1]) == "get secrets in cattle-impersonation-system (downstream cluster)");
}

TEST_CASE("a repair of what cannot be looked at is refused") {
  Observation seen;
  seen.local.cluster.id = "c-x7k2p";
  seen.user_tokens.look = UserTokens::Look::failed;
  seen.user_tokens.trouble = "may not list";
  PlanOptions options;
  CHECK_NOTHROW(check_may_change(seen, make_plan(seen, options), options));
  options.impersonation = Impersonation::repair;
  CHECK_THROWS_AS(check_may_change(seen, make_plan(seen, options), options), Failure);
}

TEST_CASE("findings tell how many are rejected, and why") {
  auto unclear = users(5, 0);
  unclear.unclear = 5;
  unclear.reason = "context deadline exceeded";
  CHECK(user_token_findings(looked_at({users(3, 0)})).empty());
  CHECK(user_token_findings(looked_at({users(3, 2), unclear})) ==
        std::vector<std::string>{
            "2 of 3 users' tokens in cattle-impersonation-system are rejected: invalid bearer "
            "token; for these users all access through Rancher fails: logs, the web shell, "
            "kubeconfigs from Rancher, and Fleet",
            "whether 5 of 5 users' tokens in cattle-impersonation-system are good is not clear: "
            "context deadline exceeded"});
}

TEST_CASE("tens of thousands of tokens are masked as one is") {
  Redactor redactor;
  const auto token_of = [](int i) {
    return fmt::format("eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9{:032}.claims{:064}.signature{:064}", i, i,
                       i);
  };
  for (int i = 0; i < 20'000; ++i) {
    redactor.add(token_of(i), fmt::format("‹{}›", i));
    redactor.add(token_of(i).substr(token_of(i).rfind('.') + 1), fmt::format("‹{}›", i));
  }
  CHECK(redactor.mask("a " + token_of(1234) + ", " + token_of(19'999) + " b") ==
        "a ‹1234›, ‹19999› b");
  const auto stranger = token_of(20'000);
  // Known to nobody, it is masked by its shape alone.
  CHECK(redactor.mask(stranger) == "‹token›");
}

}  // namespace
}  // namespace retrust
