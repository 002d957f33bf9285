// Sections 2.1, 2.3 and 2.4: the agents' token secret.
#include <algorithm>
#include <tuple>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "observe/agent_token.h"
#include "observe/commands.h"
#include "observe/parse.h"
#include "observe/same_cluster.h"
#include "observe/trim.h"
#include "process/gather.h"
#include "run/execution.h"
#include "run/preflight.h"

namespace retrust {

using boost::asio::awaitable;
using Clock = std::chrono::steady_clock;

namespace {

/// How long agents that are ready may take to make their token secret.
constexpr std::chrono::milliseconds agents_token_wait{std::chrono::seconds{30}};
/// Between two looks at two objects of different kinds, which no single watch shows.
constexpr std::chrono::milliseconds pause_between{500};
constexpr int replace_attempts = 5;

/// The token controller has filled it in, with the CA that the cluster has now.
bool is_usable(const Downstream& downstream, const TokenSecret& secret) {
  return secret.complete() && agree_on_ca(downstream, secret);
}

}  // namespace

awaitable<void> Execution::delete_token() {
  const auto names = secrets_to_delete(observation_, options_.plan);
  auto& seen = observation_.downstream;
  std::set<Uid> doomed;
  for (const auto& secret : seen.tokens) {
    if (std::find(names.begin(), names.end(), secret.name) != names.end())
      doomed.insert(secret.uid);
  }
  const auto maker = token_maker(observation_);
  std::vector<awaitable<void>> tasks;
  // The watch begins with the deletion, not after it: a new secret is there within a tenth of a
  // second.
  if (maker == TokenMaker::kubernetes) tasks.push_back(wait_for_token(doomed));
  if (!names.empty()) {
    co_await check_same_cluster(downstream(Step::delete_token), seen.kube_system_uid);
    announce("2.1", fmt::format("deleting token {} {}", names.size() == 1 ? "secret" : "secrets",
                                enumerated(texts_of(names))));
    Deletion deletion{"secret", options_.plan.name_space, {}};
    for (const auto& secret : seen.tokens) {
      if (doomed.contains(secret.uid)) deletion.uids[secret.name] = secret.uid;
    }
    tasks.push_back(delete_secrets(std::move(deletion), names));
    for (const auto& name : names) seen.secret_names.erase(name);
    deleted_secrets_.insert(names.begin(), names.end());
  }
  co_await together(std::move(tasks));
  if (maker == TokenMaker::kubernetes) co_return;
  std::erase_if(seen.tokens,
                [&](const TokenSecret& secret) { return doomed.contains(secret.uid); });
  if (maker == TokenMaker::agents) co_return;
  if (seen.tokens.empty()) co_await make_token("2.1");
  co_await list_token_first();
}

awaitable<void> Execution::delete_secrets(Deletion deletion, std::vector<ObjectName> names) {
  const auto kubectl = downstream(Step::delete_token);
  auto printed = co_await kubectl.change(commands::delete_secrets(deletion.name_space, names));
  co_await check_deleted(kubectl, std::move(deletion), std::move(printed));
}

awaitable<void> Execution::wait_for_token(std::set<Uid> doomed) {
  journal("2.1").wait_started("for a new token secret of cattle, with token and CA", options_.wait);
  const auto in_time = co_await watch_for_token("2.1", std::move(doomed), options_.wait);
  if (!in_time) {
    throw Failure(ExitStatus::gave_up,
                  fmt::format("no complete token secret of cattle appeared within {}",
                              duration_text(options_.wait)),
                  "is kube-controller-manager running, with --service-account-private-key-file? "
                  "Then run again: what is left is done");
  }
  journal("2.1").wait_ended(
      fmt::format("{} is there", observation_.downstream.tokens.front().name));
}

awaitable<bool> Execution::watch_for_token(std::string section, std::set<Uid> doomed,
                                           std::chrono::milliseconds limit) {
  auto& seen = observation_.downstream;
  std::vector<TokenSecret> found;
  const auto on_event = [&](const WatchEvent& event) {
    auto secret = parse_token_secret(event.object, agent_account, clusters_.redactor);
    if (!secret || doomed.contains(secret->uid)) return Flow::go_on;
    std::erase_if(found, [&](const TokenSecret& other) { return other.name == secret->name; });
    if (event.type == WatchEvent::Type::deleted) return Flow::go_on;
    if (!is_usable(seen, *secret)) {
      journal(section).wait_progress(
          fmt::format("{} is there, but {}", secret->name,
                      secret->foreign_token ? secret->lack()
                      : secret->complete()  ? "its CA is not the one in kube-root-ca.crt yet"
                                            : "not filled in yet"));
    }
    if (found.size() >= most_token_secrets) {
      throw Failure(
          ExitStatus::refused,
          fmt::format("the watch shows more than {} token secrets of cattle", most_token_secrets),
          "no cluster has so many. Find out what answers at the cluster's address");
    }
    const auto usable = is_usable(seen, *secret);
    // Of no use to anybody, and as large as a server stores.
    if (!usable) std::string().swap(secret->credentials.ca_pem);
    found.insert(found.begin(), std::move(*secret));
    return usable ? Flow::stop : Flow::go_on;
  };
  const auto args = commands::token_secrets(options_.plan.name_space);
  const auto in_time = co_await downstream(Step::delete_token)
                           .watch(
                               args, limit, [&] { found.clear(); }, on_event);
  if (!in_time) {
    co_await downstream(Step::delete_token)
        .check_answers(fmt::format("whether a token secret of cattle was made within {}",
                                   duration_text(limit)));
    co_return false;
  }
  for (const auto& secret : found) seen.secret_names.insert(secret.name);
  seen.tokens = std::move(found);
  co_return true;
}

awaitable<void> Execution::make_token(std::string section) {
  const auto& seen = observation_.downstream;
  const auto kubectl = clusters_.downstream.in_section(section).with(Patience{options_.wait});
  co_await check_same_cluster(kubectl, seen.kube_system_uid);
  announce(section, "making a token secret for the service account cattle");
  auto secret = new_account_secret(options_.plan.name_space, seen.service_account_uid);
  const auto made = co_await kubectl.create(std::move(secret));
  const ObjectName name = text_at(made, "/metadata/name");
  journal(section).wait_started(fmt::format("for token and CA in {}", name), options_.wait);
  const auto in_time = co_await watch_for_token(section, {}, options_.wait);
  if (!in_time) {
    throw Failure(ExitStatus::gave_up,
                  fmt::format("{} was not filled in within {}", name, duration_text(options_.wait)),
                  "is kube-controller-manager running, with --service-account-private-key-file? "
                  "Then run again: what is left is done");
  }
  journal(section).wait_ended(fmt::format("{} holds token and CA", name));
}

awaitable<void> Execution::list_token_first() {
  auto& seen = observation_.downstream;
  const auto* live = observation_.live();
  if (live == nullptr || seen.account_secret == live->name) co_return;
  const auto kubectl = downstream(Step::delete_token);
  for (int attempt = 1; attempt <= replace_attempts; ++attempt) {
    auto account =
        co_await kubectl.get(commands::service_account(options_.plan.name_space, agent_account));
    if (!account.is_object()) break;
    if (text_at(account, "/metadata/uid") != seen.service_account_uid.text()) {
      co_await check_same_cluster(kubectl, seen.kube_system_uid);
    }
    folder_.save("serviceaccount-" + std::string(agent_account), account.get_object(),
                 journal("2.1"), fmt::format("the service account {}", agent_account));
    list_secret_first(account.get_object(), live->name, seen.secret_names);
    announce("2.1", fmt::format("listing {} first in the service account cattle", live->name));
    auto conflict = false;
    try {
      co_await kubectl.replace(std::move(account.get_object()));
    } catch (const KubectlFailure& failure) {
      // The token controller takes the deleted one out of the list at this very time.
      if (failure.kind != KubectlError::conflict) throw;
      conflict = true;
    }
    if (conflict) continue;
    seen.account_secret = live->name;
    co_return;
  }
  throw Failure(ExitStatus::failed,
                fmt::format("the service account cattle was changed by somebody else {} times in a "
                            "row",
                            replace_attempts),
                "find out who does, then run again");
}

awaitable<void> Execution::await_agents_token() {
  const auto limit = std::min(options_.wait, agents_token_wait);
  journal("2.2").wait_started("for a token secret of the agents' own making", limit);
  const auto in_time = co_await watch_for_token("2.2", {}, limit);
  if (in_time) {
    journal("2.2").wait_ended(
        fmt::format("{} is there", observation_.downstream.tokens.front().name));
  } else {
    journal("2.2").warning(
        fmt::format("no agent made a token secret within {}", duration_text(limit)));
    co_await make_token("2.2");
  }
  note_live();
}

awaitable<void> Execution::read_tokens_again() {
  const auto kubectl = downstream(Step::get_token);
  const auto& name_space = options_.plan.name_space;
  const auto list =
      co_await kubectl.get(commands::accounts_and_secrets(name_space), downstream_trim());
  auto tokens = parse_tokens(list, name_space, clusters_.redactor);
  std::erase_if(tokens, [](const TokenSecret& secret) { return !secret.complete(); });
  if (tokens.empty()) co_return;
  std::vector<Secret> values;
  for (const auto& secret : tokens) values.push_back(secret.credentials.token);
  const auto verdicts = co_await review_tokens(kubectl, std::move(values));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::tie(tokens[i].verdict, tokens[i].reason) = verdicts[i];
  }
  observation_.downstream.tokens = std::move(tokens);
  note_live();
}

awaitable<void> Execution::read_live(Step step) {
  const auto* live = observation_.live();
  if (live == nullptr) {
    throw Failure(ExitStatus::failed, "there is no token secret of cattle to read",
                  "run step delete-token, which waits for one, or run");
  }
  const auto kubectl = downstream(Step::get_token);
  // 2.3 and 2.4 read the same secret; the watch of 2.1 has just brought it.
  if (!progress_.performed.contains(Step::get_token) &&
      !progress_.performed.contains(Step::delete_token)) {
    const auto object =
        co_await kubectl.get(commands::secret(options_.plan.name_space, live->name));
    auto fresh = parse_token_secret(object, agent_account, clusters_.redactor);
    if (!fresh || !fresh->complete()) {
      throw Failure(ExitStatus::failed,
                    fmt::format("the secret {} of the downstream cluster cannot be used: {}",
                                live->name, fresh ? fresh->lack() : "it is of another account now"),
                    "let retrust replace it: retrust step delete-token");
    }
    const auto known = live->credentials.token == fresh->credentials.token;
    fresh->verdict = known ? live->verdict : Verdict::unknown;
    if (known) fresh->reason = live->reason;
    observation_.downstream.tokens = {std::move(*fresh)};
    live = observation_.live();
  }
  if (live->verdict == Verdict::rejected && step == Step::get_token) {
    journal(std::string(info_of(step).section))
        .warning(fmt::format("the cluster rejects the token in {}{}{}", live->name,
                             live->reason.empty() ? "" : ": ", live->reason));
  }
  const RenderNotes notes{says(live->verdict), observation_.seen_at};
  const auto lines = step == Step::get_token ? render_token(live->credentials.token, notes)
                                             : render_ca(live->credentials.ca_pem, notes);
  journal_.finding(joined(lines));
}

awaitable<void> Execution::await_one_ca() {
  const auto* live = observation_.live();
  if (live == nullptr || agree_on_ca(observation_.downstream, *live)) co_return;
  const auto name = live->name;
  journal_.wait_started(fmt::format("for one CA in {} and kube-root-ca.crt", name), options_.wait);
  const auto end = Clock::now() + options_.wait;
  const auto args = commands::ca_holders(options_.plan.name_space, name);
  for (auto agreed = false; !agreed && Clock::now() < end;) {
    co_await pause(pause_between);
    const auto list = co_await clusters_.downstream.find(args);
    if (!list) break;
    const auto now = parse_downstream(*list, options_.plan.name_space, clusters_.redactor);
    agreed = now.tokens.empty() || agree_on_ca(now, now.tokens.front());
  }
  auto now = co_await observe(clusters_, options_.observe, journal_);
  check_same_clusters(observation_, now);
  observation_ = std::move(now);
  check_one_ca(observation_);
  journal_.wait_ended("the cluster hands out one CA");
}

}  // namespace retrust
