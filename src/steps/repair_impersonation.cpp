// Section 3.2: deletes tokens of Rancher's users that the cluster rejects, and Rancher makes
// others. Not in Rancher's documentation; from its source.
#include <algorithm>
#include <optional>
#include <set>
#include <sstream>
#include <unordered_set>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "observe/commands.h"
#include "observe/impersonation.h"
#include "observe/redeployment.h"
#include "process/tasks.h"
#include "steps/context.h"
#include "steps/outlook.h"
#include "steps/step.h"

namespace retrust {

using boost::asio::awaitable;
namespace json = boost::json;

namespace {

/// Counts for each namespace: "2 of 3 tokens in cattle-impersonation-system".
std::string rejected_text(const UserTokens& own) {
  std::vector<std::string> parts;
  for (const auto& group : own.groups) {
    if (group.rejected == 0) continue;
    parts.push_back(fmt::format("{} of {} {} in {}", group.rejected, group.total,
                                group.owner == TokenOwner::user ? "users' tokens" : "other tokens",
                                group.name_space));
  }
  return fmt::format("the cluster rejects {}", enumerated(parts));
}

/// Rejected tokens that the repair keeps, with the reason, for each group.
std::vector<std::string> kept_texts(const UserTokens& own) {
  std::vector<std::string> texts;
  for (const auto& group : own.groups) {
    for (const auto& [why, count] : group.kept_because) {
      texts.push_back(fmt::format("{} of those in {} {} left alone: {}", count, group.name_space,
                                  count == 1 ? "is" : "are", why));
    }
  }
  return texts;
}

PlannedStep plan(const Situation& situation) {
  const auto& options = situation.options;
  const auto step = Step::repair_impersonation;
  const auto& own = situation.seen.user_tokens;
  const auto wanted = options.impersonation == Impersonation::repair;
  const auto& system = own.system;
  const auto alone = !wanted && needs_system_token(situation) && system.kept_because.empty();
  switch (own.look) {
    case UserTokens::Look::none: {
      const auto& rancher = situation.seen.local.rancher;
      const auto old = rancher.version && *rancher.version < Version{2, 6, 0};
      return {step, Need::not_needed,
              old ? fmt::format("Rancher {} has no accounts for its users", rancher.version_text)
                  : "no accounts of Rancher's users were looked at"};
    }
    case UserTokens::Look::failed:
      return {step, wanted ? Need::needed : Need::not_needed,
              fmt::format("the tokens of Rancher's users cannot be looked at: {}", own.trouble)};
    case UserTokens::Look::done:
      break;
  }
  if (own.rejected() == 0) {
    if (own.total() == 0) return {step, Need::not_needed, "there are no tokens of Rancher's users"};
    return {step, Need::not_needed,
            own.unreviewed() > 0
                ? fmt::format("nothing shows that the cluster rejects one of {}",
                              counted(own.total(), "token"))
                : fmt::format("the cluster rejects none of {}", counted(own.total(), "token"))};
  }
  const auto rejected = rejected_text(own);
  auto notes = kept_texts(own);
  if (own.doomed() == 0) {
    return {step, Need::not_needed, fmt::format("{}; {}", rejected, enumerated(notes))};
  }
  if (!wanted && !alone) {
    return {step, Need::not_needed,
            fmt::format("{}; recommended: --repair-impersonation, which deletes {}", rejected,
                        notes.empty() ? "them" : "some of them")};
  }
  std::vector<std::string> shown;
  for (const auto& group : own.groups) {
    if (group.doomed() == 0) continue;
    if (alone && group.name_space != impersonation_namespace) continue;
    const auto path = fmt::format("/api/v1/namespaces/{}/secrets?...", group.name_space);
    auto command =
        shell_line(options.downstream_kubectl, Arguments{"get", "--raw"}.absolute_path(path));
    if (shown.empty() || shown.back() != command) shown.push_back(std::move(command));
  }
  for (const auto& args :
       {Kubectl::create_args(), commands::versions_given(), commands::delete_given()}) {
    shown.push_back(shell_line(options.downstream_kubectl, args));
  }
  notes.insert(
      notes.begin(),
      {"goes beyond the documentation, inferred from Rancher's source: it makes another token when "
       "a user who has none looks at logs or opens the shell",
       "only what the cluster rejects when it is asked once more is deleted; cannot be taken "
       "back"});
  auto reason = alone ? fmt::format(
                            "Rancher deploys its agents as {}, whose token the cluster "
                            "rejects; no other token is deleted",
                            system.account)
                      : rejected;
  return {step, Need::needed, std::move(reason), std::move(shown), std::move(notes)};
}

/// Number of deletions in one process. Two processes run side by side.
constexpr std::size_t deletions_at_once = 200;
/// Limit of rounds. Another round follows if secrets changed during the last one.
constexpr int most_rounds = 3;
/// Largest number of names on the terminal. The transcript for programs has them all.
constexpr std::size_t named_at_most = 5;

/// A List of the secrets for kubectl's standard input.
std::string list_of(const std::vector<UserToken>& secrets) {
  json::array items;
  for (const auto& secret : secrets) {
    json::object metadata;
    metadata["name"] = secret.name.text();
    metadata["namespace"] = secret.name_space.text();
    json::object item;
    item["apiVersion"] = "v1";
    item["kind"] = "Secret";
    item["metadata"] = std::move(metadata);
    items.emplace_back(std::move(item));
  }
  json::object list;
  list["apiVersion"] = "v1";
  list["kind"] = "List";
  list["items"] = std::move(items);
  return json::serialize(list);
}

std::string version_line(const UserToken& secret) {
  return fmt::format("{} {} {}", secret.name, secret.uid, secret.resource_version);
}

class RejectedTokens {
 public:
  /// The control is the agents' token, which has to be good.
  /// `only` is the one account whose token goes; empty: every account's.
  RejectedTokens(const Context& context, Secret control, ObjectName only)
      : context_(context),
        only_(std::move(only)),
        downstream_(context.downstream()),
        control_(std::move(control)) {}

  /// Deletes every token that is rejected now and that somebody makes again.
  awaitable<void> remove(const std::vector<NamespaceName>& name_spaces) {
    for (int round = 0; round < most_rounds; ++round) {
      changed_meanwhile_ = 0;
      for (const auto& name_space : name_spaces) co_await remove_from(name_space);
      if (changed_meanwhile_ == 0) break;
    }
  }

  /// Throws Failure if a deleted secret is still there.
  awaitable<void> verify(const std::vector<NamespaceName>& name_spaces) {
    std::size_t left = 0;
    for (const auto& name_space : name_spaces) {
      TokenPages pages(name_space, downstream_, context_.redactor());
      std::size_t here = 0;
      while (pages.more()) {
        const auto page = co_await pages.next();
        if (page.begins_again) here = 0;
        for (const auto& token : page.tokens) here += deleted_.contains(token.uid.text()) ? 1U : 0U;
      }
      left += here;
    }
    if (left > 0) {
      constexpr const char* columns =
          "custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,"
          "FINALIZERS:.metadata.finalizers";
      throw Failure(ExitStatus::failed,
                    fmt::format("{} that {} deleted {} still there", counted(left, "token secret"),
                                left == 1 ? "was" : "were", left == 1 ? "is" : "are"),
                    "see whether they have finalizers: " +
                        downstream_.shown({"get", "secrets", "-A", "-o", columns}));
    }
  }

  std::size_t deleted() const { return deleted_.size(); }
  std::size_t changed_meanwhile() const { return changed_meanwhile_; }

 private:
  awaitable<void> remove_from(NamespaceName name_space) {
    const auto used = co_await names_in_pods(downstream_, name_space);
    TokenPages pages(name_space, downstream_, context_.redactor());
    while (pages.more()) {
      const auto page = co_await pages.next();
      const auto verdicts = co_await rule(downstream_, page.tokens, control_);
      std::vector<UserToken> doomed;
      for (std::size_t i = 0; i < page.tokens.size(); ++i) {
        const auto& token = page.tokens[i];
        const auto owner = owner_of(token, context_.options().name_space);
        const auto chosen = only_.empty() || token.account == only_;
        const auto ours = owner && chosen && not_made_again(token, *owner, context_.seen()).empty();
        if (ours && verdicts[i].first == Verdict::rejected && !used.contains(token.name.text())) {
          doomed.push_back(token);
        }
      }
      co_await remove_these(std::move(doomed));
    }
  }

  awaitable<void> remove_these(std::vector<UserToken> doomed) {
    for (auto begin = doomed.begin(); begin != doomed.end();) {
      std::vector<awaitable<void>> tasks;
      while (tasks.size() < 2 && begin != doomed.end()) {
        const auto size = std::min<std::ptrdiff_t>(deletions_at_once, doomed.end() - begin);
        tasks.push_back(remove_batch(std::vector<UserToken>(begin, begin + size)));
        begin += size;
      }
      co_await wait_all(std::move(tasks));
    }
    if (!doomed.empty()) context_.journal().progress(fmt::format("{} deleted", deleted_.size()));
  }

  /// Leaves the secrets of the batch that are there and unchanged since their review: a page may be
  /// minutes old.
  awaitable<void> leave_unchanged(std::vector<UserToken>& batch) {
    auto input = list_of(batch);
    const auto now = co_await downstream_.ask(commands::versions_given(), std::move(input),
                                              counted(batch.size(), "name"));
    // Only names that were asked for count: a server may send more.
    std::set<std::string> asked;
    for (const auto& secret : batch) asked.insert(secret.name.text());
    std::set<std::string> there;
    std::set<std::string> lines;
    std::istringstream stream(now);
    for (std::string name, uid, version; stream >> name >> uid >> version;) {
      if (!asked.contains(name) || !there.insert(name).second) continue;
      lines.insert(fmt::format("{} {} {}", name, uid, version));
    }
    std::erase_if(batch,
                  [&](const UserToken& secret) { return !there.contains(secret.name.text()); });
    changed_meanwhile_ += std::erase_if(
        batch, [&](const UserToken& secret) { return !lines.contains(version_line(secret)); });
  }

  /// Deletes by name. Another attempt, which might meet other secrets of these names, begins with
  /// another look.
  awaitable<void> remove_batch(std::vector<UserToken> batch) {
    auto retries = downstream_.retries();
    const auto once = downstream_.with(RetryPolicy{});
    for (;;) {
      co_await leave_unchanged(batch);
      if (batch.empty()) break;
      announce(batch);
      for (const auto& secret : batch) deleted_.insert(secret.uid.text());
      auto input = list_of(batch);
      std::optional<KubectlFailure> failed;
      try {
        co_await once.change_given(commands::delete_given(), std::move(input),
                                   counted(batch.size(), "name"));
      } catch (const KubectlFailure& failure) {
        failed = failure;
      }
      if (!failed) break;
      co_await retries.wait_out(std::move(*failed));
    }
    retries.answered();
  }

  void announce(const std::vector<UserToken>& batch) const {
    Change change{batch.front().name_space.text()};
    std::vector<std::string> names;
    for (const auto& secret : batch) {
      change.secrets.push_back({secret.name.text(), secret.uid.text(), secret.account.text()});
      if (batch.size() <= named_at_most) names.push_back(secret.name.text());
    }
    context_.announce(
        fmt::format("deleting {} in {}, rejected by the cluster{}",
                    counted(batch.size(), "token secret"), batch.front().name_space,
                    names.empty() ? " (transcript.jsonl names them)" : ": " + enumerated(names)),
        std::move(change));
  }

  Context context_;
  ObjectName only_;
  Kubectl downstream_;
  Secret control_;
  std::unordered_set<std::string> deleted_;  ///< uids
  std::size_t changed_meanwhile_ = 0;
};

/// Namespaces with rejected tokens to delete, each once.
std::vector<NamespaceName> doomed_namespaces(const UserTokens& own) {
  std::vector<NamespaceName> name_spaces;
  for (const auto& group : own.groups) {
    const auto known = std::find(name_spaces.begin(), name_spaces.end(), group.name_space);
    if (group.doomed() > 0 && known == name_spaces.end()) name_spaces.push_back(group.name_space);
  }
  return name_spaces;
}

awaitable<void> run(Context context) {
  const auto* live = context.seen().live();
  if (live == nullptr || !live->complete()) {
    throw Failure(ExitStatus::failed,
                  "without a good token of the agents' nothing shows that a rejection is certain",
                  "run sections 2.1 to 2.5 first");
  }
  const auto alone = context.options().impersonation == Impersonation::leave &&
                     needs_system_token(context.situation());
  const auto name_spaces = alone
                               ? std::vector<NamespaceName>{NamespaceName(impersonation_namespace)}
                               : doomed_namespaces(context.seen().user_tokens);
  RejectedTokens rejected(context, live->credentials.token,
                          alone ? context.seen().user_tokens.system.account : ObjectName());
  const auto& journal = context.journal();
  journal.wait_without_limit("for what is rejected to be found, tried again and deleted");
  co_await rejected.remove(name_spaces);
  co_await rejected.verify(name_spaces);
  journal.wait_ended(
      fmt::format("{} deleted and gone; Rancher makes others when these users look at logs or open "
                  "the shell",
                  counted(rejected.deleted(), "token secret")));
  if (alone && rejected.deleted() == 0) {
    throw Failure(
        ExitStatus::failed,
        fmt::format("the token of {}, as which Rancher deploys its agents, was not "
                    "deleted: the cluster does not reject it for certain, or a pod uses it",
                    context.seen().user_tokens.system.account),
        Advice::retrust("see what the cluster says of it", "status", "--verbose"));
  }
  if (rejected.changed_meanwhile() == 0) {
    if (alone) {
      context.system_token_is_gone();
    } else {
      context.users_tokens_are_gone();
    }
  } else {
    journal.warning(
        fmt::format("{} changed whenever they were to be deleted, and are left: run "
                    "again",
                    counted(rejected.changed_meanwhile(), "rejected token secret")));
  }
}

StepResult result(const Observation& seen) {
  return {fmt::format("{} left that Rancher would create again",
                      counted(seen.user_tokens.doomed(), "rejected token"))};
}

std::string effect(const PlanOptions&) {
  return "3.2 deletes tokens that the cluster rejects already, and Rancher makes new ones when "
         "its users need them";
}

std::vector<Permission> permissions(const Observation& seen, const PlanOptions& options) {
  std::vector<Permission> needed;
  const auto alone = rancher_redeploys(seen) && seen.user_tokens.system.rejected;
  if (options.impersonation == Impersonation::leave && !alone) return needed;
  for (const auto& name_space : doomed_namespaces(seen.user_tokens)) {
    needed.push_back({Side::downstream, "delete", "", "secrets", name_space});
    needed.push_back({Side::downstream, "get", "", "secrets", name_space});
  }
  return needed;
}

void check(const Situation& situation) {
  const auto& seen = situation.seen;
  const auto& own = seen.user_tokens;
  if (own.look != UserTokens::Look::failed) return;
  throw Failure(ExitStatus::refused,
                fmt::format("the tokens of Rancher's users cannot be looked at, let alone "
                            "repaired: {}",
                            own.trouble),
                "use an administrator's kubeconfig, or do without --repair-impersonation");
}

}  // namespace

extern const StepWork repair_impersonation{.plan = plan,
                                           .run = run,
                                           .result = result,
                                           .effect = effect,
                                           .permissions = permissions,
                                           .check = check};

}  // namespace retrust
