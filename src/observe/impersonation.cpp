#include "observe/impersonation.h"

#include <algorithm>
#include <chrono>
#include <map>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "credentials/token.h"
#include "observe/commands.h"
#include "observe/parse.h"
#include "observe/permissions.h"
#include "observe/redeployment.h"
#include "observe/trim.h"
#include "process/tasks.h"
#include "tools/object_check.h"

namespace retrust {
namespace {

namespace json = boost::json;
using boost::asio::awaitable;

/// Number of reviews in one process, without the control. More would not be faster, and closer to a
/// time-out.
constexpr std::size_t reviews_at_once = 199;
/// Number of reviews in two such processes, side by side.
constexpr std::size_t page_size = 2 * reviews_at_once;
/// Limit of restarts: a list that takes longer than the server remembers will not be faster the
/// next time.
constexpr int most_restarts = 5;
constexpr std::size_t most_examples = 3;
/// Limit of tokens in one namespace, above any cluster seen (rancher/rancher 44347: 37,000).
constexpr std::size_t most_tokens = 100'000;
constexpr int most_pages = 2'000;
/// Time limit of one list from its first page to its last, with the work on each page.
constexpr std::chrono::minutes longest_list{30};

/// Escapes a text for a URL's query: the server's text is base64, letter by letter.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      result += c;
    } else {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

std::string page_path(const NamespaceName& name_space, const std::string& next) {
  auto path = fmt::format(
      "/api/v1/namespaces/{}/secrets?fieldSelector=type%3Dkubernetes.io%2Fservice-account-token"
      "&limit={}",
      name_space, page_size);
  if (!next.empty()) path += "&continue=" + escaped(next);
  return path;
}

awaitable<void> store_first(TokenPages& pages, TokenPage& page) {
  page = co_await pages.next();
}

using Verdicts = std::vector<std::pair<Verdict, DisplayText>>;

awaitable<void> rule_some(Kubectl downstream, const std::vector<UserToken>& tokens,
                          std::size_t begin, Secret control, Verdicts& verdicts) {
  const auto end = std::min(tokens.size(), begin + reviews_at_once);
  json::array reviews;
  for (auto i = begin; i < end; ++i) reviews.push_back(token_review(tokens[i].token));
  if (!control.empty()) reviews.push_back(token_review(control));
  const auto answers = co_await downstream.review(std::move(reviews));
  if (!control.empty()) {
    const auto [verdict, reason] = verdict_of(answers.back());
    if (verdict != Verdict::accepted) {
      throw Failure(ExitStatus::refused,
                    "the cluster does not accept the agents' own token either, so what it says of "
                    "others' proves nothing",
                    "run sections 2.1 to 2.5 first; if it stays so, the key that tokens are signed "
                    "with and the keys that they are verified with are no pair",
                    reason);
    }
  }
  for (auto i = begin; i < end; ++i) verdicts[i] = verdict_of(answers[i - begin]);
}

/// True if something shows that the cluster may reject the users' tokens.
bool has_cause(const Observation& seen) {
  const auto& tokens = seen.downstream.tokens;
  const auto rejected = [](const TokenSecret& secret) {
    return secret.verdict == Verdict::rejected;
  };
  // Rancher deploys its agents by the token of its system user: rancher/rancher v2.15.0,
  // pkg/controllers/management/clusterdeploy/clusterdeploy.go.
  return std::any_of(tokens.begin(), tokens.end(), rejected) ||
         seen.stored_verdict == Verdict::rejected || seen.registration.keeps_out() ||
         seen.local.cluster.agent_deployed.status == "False";
}

/// IDs of the keys with which accepted tokens were signed. An API server finds the key of a token
/// by this ID: kubernetes/kubernetes v1.31.0, pkg/serviceaccount/jwt.go (pull request 125177).
std::set<std::string> good_keys(const Observation& seen) {
  std::set<std::string> keys;
  const auto add = [&](const Secret& token) {
    const auto claims = parse_token(token.reveal());
    if (claims && !claims->key_id.empty()) keys.insert(claims->key_id.str());
  };
  for (const auto& secret : seen.downstream.tokens) {
    if (secret.verdict == Verdict::accepted) add(secret.credentials.token);
  }
  if (seen.stored_verdict == Verdict::accepted) add(seen.local.cluster.stored.token);
  return keys;
}

/// True if Rancher takes the first secret of a user's account for the token: rancher/rancher
/// v2.6.6, pkg/impersonation/impersonation.go (GetToken).
bool takes_first_secret(const Observation& seen) {
  const auto& version = seen.local.rancher.version;
  return version && *version < Version{2, 6, 7};
}

/// True if OpenShift made dockercfg secrets for the accounts of Rancher's users.
awaitable<bool> has_dockercfg(const Kubectl& downstream) {
  const auto list = co_await downstream.get_raw(
      fmt::format("/api/v1/namespaces/{}/secrets?fieldSelector=type%3Dkubernetes.io%2Fdockercfg"
                  "&limit=1",
                  impersonation_namespace),
      token_trim());
  co_return !array_at(list, "/items").empty();
}

/// Counts the tokens of the pages.
class Survey {
 public:
  Survey(const Clusters& clusters, const Observation& seen, const ObserveOptions& options,
         Journal journal)
      : clusters_(clusters),
        seen_(seen),
        journal_(std::move(journal)),
        agents_namespace_(options.name_space),
        every_(options.user_tokens == UserTokensChoice::look || has_cause(seen)),
        good_keys_(good_keys(seen)) {}

  void add(const NamespaceName& name_space, TokenPage page) {
    if (page.begins_again) {
      std::erase_if(groups_, [&](const auto& entry) {
        return entry.second.counted.name_space == name_space;
      });
      std::erase_if(waiting_,
                    [&](const UserToken& token) { return token.name_space == name_space; });
    }
    for (auto& token : page.tokens) {
      if (every_ || is_suspect(token)) {
        waiting_.push_back(std::move(token));
      } else if (auto* group = group_of(token)) {
        ++group->counted.total;
        ++group->counted.unreviewed;
      }
    }
  }

  bool full() const { return waiting_.size() >= page_size; }

  awaitable<void> review() {
    const auto tokens = std::exchange(waiting_, {});
    if (reviewed_ > 0) say_progress();
    reviewed_ += tokens.size();
    const auto verdicts = co_await rule(clusters_.downstream, tokens, Secret());
    for (std::size_t i = 0; i < tokens.size(); ++i) count(tokens[i], verdicts[i]);
  }

  awaitable<UserTokens> finish() {
    if (said_) journal_.wait_ended(fmt::format("{} tokens reviewed", reviewed_));
    std::vector<awaitable<void>> questions;
    for (auto& [key, group] : groups_) {
      if (!group.doomed.empty()) {
        questions.push_back(spare_used(group.counted, group.doomed));
      }
    }
    co_await wait_all(std::move(questions));
    UserTokens found{.look = UserTokens::Look::done,
                     .system = system_,
                     .dockercfg = seen_.user_tokens.dockercfg};
    for (auto& [key, group] : groups_) found.groups.push_back(std::move(group.counted));
    co_return found;
  }

 private:
  struct Entry {
    UserTokens::Group counted;
    std::vector<std::string> doomed;  ///< names of the secrets to delete
  };

  /// Reports progress, from the second batch on. Most clusters have one batch.
  void say_progress() {
    if (!said_) {
      journal_.wait_without_limit("for the cluster to review the tokens of Rancher's users");
    }
    said_ = true;
    journal_.wait_progress(fmt::format("{} so far", reviewed_));
  }

  /// True if another key signed the token than those of accepted tokens.
  bool is_suspect(const UserToken& token) const {
    const auto claims = parse_token(token.token.reveal());
    return claims && !claims->key_id.empty() && !good_keys_.empty() &&
           !good_keys_.contains(claims->key_id.str());
  }

  /// Null for a token of the agents'.
  Entry* group_of(const UserToken& token) {
    const auto owner = owner_of(token, agents_namespace_);
    if (!owner) return nullptr;
    auto& entry = groups_[{token.name_space, *owner}];
    entry.counted.name_space = token.name_space;
    entry.counted.owner = *owner;
    return &entry;
  }

  void count(const UserToken& token, const std::pair<Verdict, DisplayText>& verdict) {
    auto* entry = group_of(token);
    if (entry == nullptr) return;
    auto& [group, doomed] = *entry;
    if (group.owner == TokenOwner::user &&
        token.account == system_account(seen_.local.cluster.id)) {
      take_system(token, verdict.first);
    }
    ++group.total;
    if (verdict.first == Verdict::accepted) return;
    if (verdict.first == Verdict::rejected) {
      if (++group.rejected == 1) group.reason = verdict.second;
      if (group.examples.size() < most_examples) group.examples.push_back(token.name);
      if (auto why = not_made_again(token, group.owner, seen_); why.empty()) {
        doomed.push_back(token.name.text());
      } else {
        ++group.kept;
        ++group.kept_because[why];
      }
    } else {
      ++group.unclear;
      if (group.reason.empty()) group.reason = verdict.second;
    }
  }

  /// Of several, an accepted one counts: Rancher takes the one that the account refers to.
  void take_system(const UserToken& token, Verdict verdict) {
    if (!system_.account.empty() && !system_.rejected) return;
    system_.account = token.account;
    system_.rejected = verdict == Verdict::rejected;
    system_.kept_because = not_made_again(token, TokenOwner::user, seen_);
  }

  /// Keeps the tokens that pods use: a pod that mounts a secret would not start again without it.
  awaitable<void> spare_used(UserTokens::Group& group, const std::vector<std::string>& doomed) {
    const auto used = co_await names_in_pods(clusters_.downstream, group.name_space);
    const auto count = std::count_if(doomed.begin(), doomed.end(),
                                     [&](const std::string& name) { return used.contains(name); });
    if (count == 0) co_return;
    group.kept += static_cast<std::size_t>(count);
    group.kept_because["pods use them; delete them and recreate those pods by hand"] +=
        static_cast<std::size_t>(count);
  }

  const Clusters& clusters_;
  const Observation& seen_;
  Journal journal_;
  NamespaceName agents_namespace_;
  std::size_t reviewed_ = 0;
  bool said_ = false;
  bool every_;  ///< whether all tokens are reviewed
  std::set<std::string> good_keys_;
  std::vector<UserToken> waiting_;
  std::map<std::pair<NamespaceName, TokenOwner>, Entry> groups_;
  UserTokens::System system_;
};

awaitable<UserTokens> survey(const Clusters& clusters, const ObserveOptions& options,
                             const Journal& journal, const Observation& seen,
                             const std::vector<UserToken>& others) {
  const auto& agents_namespace = options.name_space;
  Survey survey(clusters, seen, options, journal);
  std::vector<TokenPages> lists;
  for (const auto& name_space : seen.downstream.own_namespaces) {
    if (name_space == agents_namespace) continue;
    lists.emplace_back(name_space, clusters.downstream, clusters.redactor);
  }
  // The first pages are read side by side. Most lists have one page, and one review is enough.
  std::vector<TokenPage> first(lists.size());
  std::vector<awaitable<void>> questions;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    questions.push_back(store_first(lists[i], first[i]));
  }
  co_await wait_all(std::move(questions));
  // The secrets of the agents' namespace came with the first observation.
  TokenPage came;
  came.tokens = others;
  survey.add(agents_namespace, std::move(came));
  for (std::size_t i = 0; i < lists.size(); ++i) {
    survey.add(lists[i].name_space(), std::move(first[i]));
    while (lists[i].more()) {
      if (survey.full()) co_await survey.review();
      auto page = co_await lists[i].next();
      survey.add(lists[i].name_space(), std::move(page));
    }
  }
  co_await survey.review();
  auto found = co_await survey.finish();
  co_return found;
}

/// True if the secret has a name of the token controller: ACCOUNT-token-xxxxx, with the letters
/// that Kubernetes takes for such names.
bool is_automatic(const UserToken& token) {
  const auto prefix = token.account.text() + "-token-";
  const std::string_view name(token.name.text());
  if (!name.starts_with(prefix)) return false;
  const auto suffix = name.substr(prefix.size());
  return suffix.size() == 5 &&
         suffix.find_first_not_of("bcdfghjklmnpqrstvwxz2456789") == std::string_view::npos;
}

void collect_texts(const json::value& value, std::set<std::string>& texts) {
  if (const auto* text = value.if_string()) {
    texts.emplace(*text);
  } else if (const auto* array = value.if_array()) {
    for (const auto& element : *array) collect_texts(element, texts);
  } else if (const auto* object = value.if_object()) {
    for (const auto& member : *object) collect_texts(member.value(), texts);
  }
}

}  // namespace

TokenPages::TokenPages(NamespaceName name_space, const Kubectl& kubectl, Redactor& redactor)
    : TokenPages(
          std::move(name_space),
          [kubectl](std::string path) { return kubectl.get_raw(std::move(path), token_trim()); },
          redactor) {
  shown_ = kubectl.shown(Kubectl::get_args(commands::token_secrets(name_space_)));
}

awaitable<TokenPage> TokenPages::next() {
  TokenPage page;
  const Question question{name_of(Side::downstream), shown_, name_space_.text()};
  for (;;) {
    json::value list;
    auto expired = false;
    try {
      list = co_await fetch_(page_path(name_space_, continue_));
    } catch (const KubectlFailure& failure) {
      expired = !continue_.empty() && is_expired(failure) && ++restarts_ <= most_restarts;
      if (!expired) throw;
    }
    if (expired) {
      continue_.clear();
      page.begins_again = true;
      continue;
    }
    if (!list.is_object()) {
      throw Failure(
          FailureCode::bad_answer,
          fmt::format("the downstream cluster's list of secrets in {} is no list", name_space_),
          Advice("this may be an attack, and retrust uses nothing of that answer. See what the "
                 "cluster sends",
                 question.command));
    }
    check_objects(list, question);
    for (const auto& secret : array_at(list, "/items")) {
      if (auto token = parse_user_token(secret, *redactor_))
        page.tokens.push_back(std::move(*token));
    }
    continue_ = text_at(list, "/metadata/continue");
    more_ = !continue_.empty();
    read_ = page.begins_again ? page.tokens.size() : read_ + page.tokens.size();
    const auto late = std::chrono::steady_clock::now() - began_ > longest_list;
    if (++pages_ > most_pages || read_ > most_tokens || late) {
      throw Failure(FailureCode::bad_answer,
                    fmt::format("the downstream cluster's list of secrets in {} does not end: {} "
                                "read so far",
                                name_space_, counted(read_, "token")),
                    "leave section 3.2 out: --skip 3.2");
    }
    co_return page;
  }
}

awaitable<Verdicts> rule(const Kubectl& downstream, const std::vector<UserToken>& tokens,
                         Secret control) {
  Verdicts verdicts(tokens.size());
  for (std::size_t begin = 0; begin < tokens.size();) {
    std::vector<awaitable<void>> questions;
    for (; questions.size() < 2 && begin < tokens.size(); begin += reviews_at_once) {
      questions.push_back(rule_some(downstream, tokens, begin, control, verdicts));
    }
    co_await wait_all(std::move(questions));
  }
  co_return verdicts;
}

std::string not_made_again(const UserToken& token, TokenOwner owner,
                           const Observation& observation) {
  const auto& rancher = observation.local.rancher;
  const auto old = takes_first_secret(observation);
  // Rancher itself makes another one, from 2.6.7 on. A version that is no release counts as recent.
  if (owner == TokenOwner::user && !old) return {};
  const auto& version = observation.downstream.kubernetes_version;
  const auto kubernetes = parse_version(version);
  if (kubernetes && *kubernetes < Version{1, 24, 0}) {
    // Up to 1.23 the token controller makes one for every account, but not in the place of a secret
    // made by hand.
    if (is_automatic(token) && owner == TokenOwner::user && observation.user_tokens.dockercfg)
      return fmt::format(
          "Rancher {} takes the first secret that the account lists, and the next token would be "
          "listed behind the account's dockercfg secret",
          rancher.version_text);
    if (is_automatic(token)) return {};
    return "made by hand, so that nobody would make another one";
  }
  return fmt::format("nobody would make another one on Kubernetes {}{}",
                     kubernetes ? version : "of unknown version",
                     owner == TokenOwner::user ? " with Rancher " + rancher.version_text : "");
}

awaitable<std::set<std::string>> names_in_pods(const Kubectl& downstream,
                                               NamespaceName name_space) {
  auto args = commands::pods(name_space);
  const auto list = co_await downstream.get(std::move(args), spec_trim());
  std::set<std::string> texts;
  for (const auto* pod : items_of(list, "Pod")) {
    if (const auto* spec = find_at(*pod, "/spec")) collect_texts(*spec, texts);
  }
  co_return texts;
}

awaitable<void> observe_user_tokens(const Clusters& clusters, const ObserveOptions& options,
                                    Journal journal, Observation& seen) {
  auto& own = seen.user_tokens;
  // Secrets are kept no longer than they are needed.
  const auto others = std::exchange(seen.downstream.other_tokens, {});
  const auto choice = options.user_tokens;
  const auto left = choice == UserTokensChoice::leave ||
                    (choice == UserTokensChoice::for_redeployment && !rancher_redeploys(seen));
  if (left) co_return;
  const auto& there = seen.downstream.own_namespaces;
  const auto& version = seen.local.rancher.version;
  // Earlier versions have no such accounts: logs and the shell use the agents' token.
  const auto old = version && *version < Version{2, 6, 0};
  const auto used = std::find(there.begin(), there.end(), impersonation_namespace) != there.end();
  if (old && !used) co_return;
  // Only permissions that the findings add are reviewed here.
  const auto asked = options.permissions ? options.permissions(seen) : std::vector<Permission>{};
  try {
    if (used && takes_first_secret(seen)) {
      own.dockercfg = co_await has_dockercfg(clusters.downstream);
    }
    own = co_await survey(clusters, options, journal, seen, others);
    if (const auto count = own.unreviewed(); count > 0) {
      journal.note(
          fmt::format("not reviewed: {} of Rancher's users and agents. Nothing shows that the "
                      "cluster rejects them, and the review of an accepted one writes a label into "
                      "its Secret from Kubernetes 1.27 on",
                      counted(count, "token")));
    }
  } catch (const Failure& failure) {
    own.groups.clear();
    own.look = UserTokens::Look::failed;
    own.trouble = failure.in_full();
    // The wait is over, if one began.
    journal.wait_ended(fmt::format("not all tokens could be reviewed: {}", own.trouble),
                       Weight::routine);
  }
  if (!options.permissions) co_return;
  auto permissions = options.permissions(seen);
  std::erase_if(permissions, [&](const Permission& each) {
    return std::find(asked.begin(), asked.end(), each) != asked.end();
  });
  co_await review_permissions(clusters.downstream, std::move(permissions), seen);
}

}  // namespace retrust
