#include <functional>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "base/failure.h"
#include "base/json.h"
#include "base/json_stream.h"
#include "base/redactor.h"
#include "fuzz/checks.h"
#include "fuzz/target.h"
#include "observe/affected.h"
#include "observe/kubeconfig.h"
#include "observe/listed_cluster.h"
#include "observe/live_comparison.h"
#include "observe/parse.h"
#include "observe/trim.h"

namespace retrust::fuzz {
namespace {

namespace json = boost::json;

/// Shorter texts are not registered.
constexpr std::size_t shortest_secret = 8;

void check_masked(const Redactor& redactor, std::string_view secret) {
  if (secret.size() < shortest_secret) return;
  require(
      redactor.mask(std::string("x").append(secret).append("y")).find(secret) == std::string::npos,
      "a secret that was read is masked from then on");
}

/// The document as kubectl's answer is read: its items are trimmed one by one.
json::value trimmed(std::string_view input, Trim trim) {
  json::value document;
  DocumentStream stream(std::move(trim));
  stream.feed(input, [&](json::value each) { document = std::move(each); });
  return document;
}

std::vector<std::string> names_of(const std::vector<TokenSecret>& tokens) {
  std::vector<std::string> names;
  for (const auto& token : tokens) names.push_back(token.name);
  return names;
}

void check_downstream(const json::value& list, std::string_view input) {
  constexpr std::string_view name_space = "cattle-system";
  Redactor redactor;
  const auto whole = parse_downstream(list, name_space, redactor);
  for (const auto& each : whole.tokens) check_masked(redactor, each.credentials.token.reveal());
  for (const auto& each : whole.other_tokens) check_masked(redactor, each.token.reveal());
  for (const auto& each : whole.agent_credentials) check_masked(redactor, each.token.reveal());
  const auto less = parse_downstream(trimmed(input, downstream_trim()), name_space, redactor);
  require(names_of(less.tokens) == names_of(whole.tokens) &&
              less.other_tokens.size() == whole.other_tokens.size() &&
              less.agent_credentials == whole.agent_credentials &&
              less.secret_names == whole.secret_names && less.pods.size() == whole.pods.size() &&
              less.root_ca == whole.root_ca && less.missing_secrets == whole.missing_secrets &&
              less.agent_image == whole.agent_image &&
              less.own_namespaces == whole.own_namespaces &&
              less.kube_system_uid == whole.kube_system_uid,
          "trimming the downstream cluster's objects loses nothing that is read");
}

void check_rancher(const json::value& list, std::string_view input) {
  const auto whole = parse_rancher(list);
  const auto less = parse_rancher(trimmed(input, local_trim("c-x7k2p")));
  require(less.version_text == whole.version_text && less.deployment == whole.deployment &&
              less.name_space == whole.name_space && less.pods.size() == whole.pods.size(),
          "trimming the local cluster's objects loses nothing that is read");
  const auto& version = whole.version;
  require(!version || (version->major >= 0 && version->minor >= 0 && version->patch >= 0),
          "a version has no negative part");
}

void check_affected(const json::value& list, std::string_view input) {
  constexpr std::string_view name_space = "cattle-system";
  constexpr std::string_view since = "2026-06-01T00:00:00Z";
  WorkloadCount whole;
  for (const auto& item : array_at(list, "/items")) {
    unavailable(item);
    ca_change(item, {}, {});
    if (!text_at(item, "/metadata/name").empty() && uses_old_ca(item, name_space, since)) {
      whole.add(item);
    }
  }
  WorkloadCount less;
  const auto left = trimmed(input, old_pod_trim(name_space, std::string(since)));
  for (const auto& item : array_at(left, "/items")) {
    if (!text_at(item, "/metadata/name").empty()) less.add(item);
  }
  const auto texts_of = [](const WorkloadCount& count) {
    std::vector<std::string> texts;
    for (const auto& each : count.result().first) texts.push_back(each.text());
    return texts;
  };
  require(texts_of(less) == texts_of(whole), "trimming pods of others loses nothing that is read");
}

void check_listed(const json::value& list, std::string_view input) {
  const auto clusters = trimmed(input, listed_cluster_trim(Digests::keep));
  const auto secrets = trimmed(input, credential_trim(Digests::keep));
  const auto registrations = trimmed(input, registration_trim());
  const auto held = trimmed(input, live_trim());
  const auto listed = listed_clusters({&clusters, &list, &secrets, &registrations});
  require(listed.size() == items_of(list, "Cluster").size(), "no cluster of a list is lost");
  const ListLimits limits{parse_time("2026-11-26T03:00:00Z"), 60};
  auto sorted = listed;
  sort_by_urgency(sorted, limits);
  require(sorted.size() == listed.size(), "no cluster is lost by its place");
  for (const auto& cluster : sorted) {
    require(!cluster.id.empty(), "a cluster has an ID");
    const auto live = live_digests(held, cluster);
    const auto compared = compare_live(cluster, live);
    const auto is_hash = [](const std::string& text) { return text.empty() || text.size() == 64; };
    require(is_hash(live.token) && is_hash(cluster.digests.token), "no token is kept");
    require(cluster.has_token != Known::no || compared.token == LiveComparison::Part::differs,
            "a token that Rancher lacks is not the same");
    for (const auto& clause : attention(cluster, limits)) {
      require(is_one_line(clause), "why a cluster needs attention is one line");
    }
  }
}

void check_resource(const json::value& document) {
  Redactor redactor;
  const auto resource = parse_cluster(document, redactor);
  check_masked(redactor, resource.stored.token.reveal());
}

/// A name that is none refuses the whole object.
void unless_refused(const std::function<void()>& check) {
  try {
    check();
  } catch (const Failure& failure) {
    require(failure.status == ExitStatus::refused && is_one_line(failure.what()),
            "an object is refused in one line");
  }
}

}  // namespace

void kubeconfig(std::string_view input) {
  const auto view = parsed(input);
  if (!view) return;
  Redactor redactor;
  keep_users(redactor, *view, "/nonexistent");
  for (const auto& user : array_at(*view, "/users")) {
    for (const auto* secret : {"/user/token", "/user/password", "/user/client-key-data"}) {
      check_masked(redactor, text_at(user, secret));
    }
  }
  const auto parsed_view = parse_kubeconfig(*view);
  const auto id = through_rancher(parsed_view.server);
  require(id.find_first_of("/?") == std::string::npos, "a cluster's ID is one part of a path");
}

void cluster(std::string_view input) {
  const auto document = parsed(input);
  if (!document) return;
  unless_refused([&] { check_downstream(*document, input); });
  unless_refused([&] { check_rancher(*document, input); });
  unless_refused([&] { check_affected(*document, input); });
  unless_refused([&] { check_resource(*document); });
  unless_refused([&] { check_listed(*document, input); });
}

}  // namespace retrust::fuzz
