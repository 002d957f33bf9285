// Section 3.2: tokens of Rancher's users that the cluster rejects are deleted, and Rancher makes
// others. Not in Rancher's documentation; from its source.
#include <algorithm>
#include <sstream>
#include <unordered_set>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/text.h"
#include "observe/commands.h"
#include "observe/impersonation.h"
#include "process/gather.h"
#include "run/execution.h"

namespace retrust {

using boost::asio::awaitable;
namespace json = boost::json;

namespace {

/// Deleted in one process; two run side by side.
constexpr std::size_t deletions_at_once = 200;
/// How often it is all looked at again because secrets changed while they were looked at.
constexpr int most_rounds = 3;
/// Up to so many are named on the terminal; the transcript for programs has them all.
constexpr std::size_t named_at_most = 5;

struct Deleting {
  Kubectl downstream;
  Redactor& redactor;
  Secret control;  ///< the agents' token, which has to be good
  NamespaceName agents_namespace;
  std::function<void(const std::string&, json::object)> announce;
  std::function<void(std::string)> progress;
};

/// As kubectl takes them on standard input.
std::string list_of(const std::vector<OwnToken>& secrets) {
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

std::string version_line(const OwnToken& secret) {
  return fmt::format("{} {} {}", secret.name, secret.uid, secret.resource_version);
}

class RejectedTokens {
 public:
  RejectedTokens(Deleting how, const Observation& seen) : how_(std::move(how)), seen_(seen) {}

  /// Every one that is rejected now, and that somebody makes again.
  awaitable<void> remove(const std::vector<NamespaceName>& name_spaces) {
    for (int round = 0; round < most_rounds; ++round) {
      changed_meanwhile_ = 0;
      for (const auto& name_space : name_spaces) co_await remove_from(name_space);
      if (changed_meanwhile_ == 0) break;
    }
  }

  /// Throws where one of them is still there.
  awaitable<void> verify(const std::vector<NamespaceName>& name_spaces) {
    std::size_t left = 0;
    for (const auto& name_space : name_spaces) {
      TokenPages pages(name_space, how_.downstream, how_.redactor);
      std::size_t here = 0;
      while (pages.more()) {
        const auto page = co_await pages.next();
        if (page.begins == TokenPage::Begins::again) here = 0;
        for (const auto& token : page.tokens) here += deleted_.contains(token.uid.text()) ? 1U : 0U;
      }
      left += here;
    }
    if (left > 0) {
      throw Failure(ExitStatus::failed,
                    fmt::format("{} that {} deleted {} still there", counted(left, "token secret"),
                                left == 1 ? "was" : "were", left == 1 ? "is" : "are"),
                    "see whether they have finalizers: " +
                        how_.downstream.shown(
                            {"get", "secrets", "-A", "-o",
                             "custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,"
                             "FINALIZERS:.metadata.finalizers"}));
    }
  }

  std::size_t deleted() const { return deleted_.size(); }
  std::size_t changed_meanwhile() const { return changed_meanwhile_; }

 private:
  awaitable<void> remove_from(NamespaceName name_space) {
    const auto used = co_await names_in_pods(how_.downstream, name_space);
    TokenPages pages(name_space, how_.downstream, how_.redactor);
    while (pages.more()) {
      const auto page = co_await pages.next();
      const auto rulings = co_await rule(how_.downstream, page.tokens, how_.control);
      std::vector<OwnToken> doomed;
      for (std::size_t i = 0; i < page.tokens.size(); ++i) {
        const auto& token = page.tokens[i];
        const auto owner = owner_of(token, how_.agents_namespace);
        const auto ours = owner && not_made_again(token, *owner, seen_).empty();
        if (ours && rulings[i].first == Ruling::rejected && !used.contains(token.name.text())) {
          doomed.push_back(token);
        }
      }
      co_await remove_these(std::move(doomed));
    }
  }

  awaitable<void> remove_these(std::vector<OwnToken> doomed) {
    for (auto begin = doomed.begin(); begin != doomed.end();) {
      std::vector<awaitable<void>> tasks;
      while (tasks.size() < 2 && begin != doomed.end()) {
        const auto size = std::min<std::ptrdiff_t>(deletions_at_once, doomed.end() - begin);
        tasks.push_back(remove_batch(std::vector<OwnToken>(begin, begin + size)));
        begin += size;
      }
      co_await gather(std::move(tasks));
    }
    if (!doomed.empty()) how_.progress(fmt::format("{} deleted", deleted_.size()));
  }

  /// A page may show what was true minutes ago: only what is still as it was reviewed is deleted.
  awaitable<void> remove_batch(std::vector<OwnToken> batch) {
    auto input = list_of(batch);
    const auto now = co_await how_.downstream.ask(commands::versions_given(), std::move(input),
                                                  counted(batch.size(), "name"));
    // Of what is printed only that which was asked for: a server may send more.
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
                  [&](const OwnToken& secret) { return !there.contains(secret.name.text()); });
    changed_meanwhile_ += std::erase_if(
        batch, [&](const OwnToken& secret) { return !lines.contains(version_line(secret)); });
    if (batch.empty()) co_return;
    announce(batch);
    for (const auto& secret : batch) deleted_.insert(secret.uid.text());
    input = list_of(batch);
    co_await how_.downstream.change_given(commands::delete_given(), std::move(input),
                                          counted(batch.size(), "name"));
  }

  void announce(const std::vector<OwnToken>& batch) const {
    json::array secrets;
    std::vector<std::string> names;
    for (const auto& secret : batch) {
      json::object entry;
      entry["name"] = secret.name.text();
      entry["uid"] = secret.uid.text();
      entry["account"] = secret.account.text();
      secrets.emplace_back(std::move(entry));
      if (batch.size() <= named_at_most) names.push_back(secret.name.text());
    }
    json::object data;
    data["namespace"] = batch.front().name_space.text();
    data["secrets"] = std::move(secrets);
    how_.announce(
        fmt::format("deleting {} in {}, rejected by the cluster{}",
                    counted(batch.size(), "token secret"), batch.front().name_space,
                    names.empty() ? " (transcript.jsonl names them)" : ": " + enumerated(names)),
        std::move(data));
  }

  Deleting how_;
  const Observation& seen_;
  std::unordered_set<std::string> deleted_;  ///< uids
  std::size_t changed_meanwhile_ = 0;
};

}  // namespace

awaitable<void> Execution::repair_impersonation() {
  const auto* live = observation_.live();
  if (live == nullptr || !live->complete()) {
    throw Failure(ExitStatus::failed,
                  "without a good token of the agents' nothing shows that a rejection is certain",
                  "run sections 2.1 to 2.5 first");
  }
  auto& own = observation_.own_tokens;
  std::vector<NamespaceName> name_spaces;
  for (const auto& group : own.groups) {
    const auto known = std::find(name_spaces.begin(), name_spaces.end(), group.name_space);
    if (group.doomed() > 0 && known == name_spaces.end()) name_spaces.push_back(group.name_space);
  }
  // No patience: a deletion that is tried again later, by name, might meet another secret.
  RejectedTokens rejected({downstream(Step::repair_impersonation).with(Patience{}),
                           clusters_.redactor, live->credentials.token, options_.plan.name_space,
                           [this](const std::string& text, json::object data) {
                             announce("3.2", text, std::move(data));
                           },
                           [this](std::string text) { journal("3.2").progress(std::move(text)); }},
                          observation_);
  journal("3.2").wait_without_limit("for what is rejected to be found, tried again and deleted");
  co_await rejected.remove(name_spaces);
  co_await rejected.verify(name_spaces);
  journal("3.2").wait_ended(
      fmt::format("{} deleted and gone; Rancher makes others when these users look at logs or open "
                  "the shell",
                  counted(rejected.deleted(), "token secret")));
  if (rejected.changed_meanwhile() == 0) {
    for (auto& group : own.groups) group.rejected = group.kept;
  }
  if (rejected.changed_meanwhile() > 0) {
    journal("3.2").warning(
        fmt::format("{} changed whenever they were to be deleted, and are left: run again",
                    counted(rejected.changed_meanwhile(), "rejected token secret")));
  }
}

}  // namespace retrust
