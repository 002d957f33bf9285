#include "steps/token_secret.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "observe/agent_token.h"
#include "observe/commands.h"
#include "observe/live_account.h"
#include "observe/parse.h"
#include "observe/trim.h"
#include "tools/new_name.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

/// True if the token controller has filled in the secret, with the CA that the cluster has now.
bool is_usable(const Downstream& downstream, const TokenSecret& secret) {
  return secret.complete() && agree_on_ca(downstream, secret);
}

}  // namespace

awaitable<bool> watch_for_token(Context context, std::chrono::milliseconds limit,
                                std::set<Uid> doomed) {
  std::vector<TokenSecret> found;
  const auto account = context.seen().downstream.account.text();
  const auto on_event = [&](const WatchEvent& event) {
    auto secret = parse_token_secret(event.object, account, context.redactor());
    if (!secret || doomed.contains(secret->uid)) return Flow::go_on;
    std::erase_if(found, [&](const TokenSecret& other) { return other.name == secret->name; });
    if (event.type == WatchEvent::Type::deleted) return Flow::go_on;
    const auto usable = is_usable(context.seen().downstream, *secret);
    if (!usable) {
      context.journal().wait_progress(
          fmt::format("{} is there, but {}", secret->name,
                      secret->foreign_token ? secret->lack()
                      : secret->complete()  ? "its CA is not the one in kube-root-ca.crt yet"
                                            : "not filled in yet"));
    }
    if (found.size() >= most_token_secrets) {
      throw Failure(ExitStatus::refused,
                    fmt::format("the watch shows more than {} token secrets of {}",
                                most_token_secrets, account),
                    "no cluster has so many. Find out what answers at the cluster's address");
    }
    // An unusable CA may be as large as the server stores.
    if (!usable) std::string().swap(secret->credentials.ca_pem);
    found.insert(found.begin(), std::move(*secret));
    return usable ? Flow::stop : Flow::go_on;
  };
  const auto kubectl = context.downstream();
  const auto args = commands::token_secrets(context.options().name_space);
  const auto in_time = co_await kubectl.watch(
      args, limit, [&] { found.clear(); }, on_event);
  if (!in_time) {
    co_await kubectl.check_answers(fmt::format("whether a token secret of {} was made within {}",
                                               account, duration_text(limit)));
    co_return false;
  }
  context.saw_tokens(std::move(found));
  co_return true;
}

awaitable<void> make_account_secret(Context context) {
  const auto kubectl = context.downstream();
  const auto account = context.seen().downstream.account;
  const auto chosen = new_name(account.text() + "-token-");
  auto text = fmt::format("making the token secret {} for the service account {}", chosen, account);
  co_await context.check_and_announce(kubectl, std::move(text));
  std::set<Uid> present;
  for (const auto& other : context.seen().downstream.tokens) present.insert(other.uid);
  const auto& accounts = context.seen().downstream.accounts;
  const auto found = accounts.find(account);
  const auto uid = found == accounts.end() ? Uid() : found->second;
  auto secret = new_account_secret(context.options().name_space, account, uid, chosen);
  const auto made = co_await kubectl.create(std::move(secret));
  const ObjectName name = text_at(made, "/metadata/name");
  context.journal().wait_started(fmt::format("for token and CA in {}", name), context.wait());
  const auto in_time = co_await watch_for_token(context, context.wait(), std::move(present));
  if (!in_time) {
    throw Failure(
        ExitStatus::gave_up,
        fmt::format("{} was not filled in within {}", name, duration_text(context.wait())),
        "is kube-controller-manager running, with --service-account-private-key-file? "
        "Then run again: what is left is done");
  }
  context.journal().wait_ended(fmt::format("{} holds token and CA", name));
}

awaitable<void> read_tokens_again(Context context) {
  const auto kubectl = context.in_section_of(Step::get_token).downstream();
  const auto& name_space = context.options().name_space;
  const auto list =
      co_await kubectl.get(commands::accounts_and_secrets(name_space), downstream_trim());
  const auto account = context.seen().downstream.account;
  auto tokens = parse_tokens(list, name_space, account, context.redactor());
  std::erase_if(tokens, [](const TokenSecret& secret) { return !secret.complete(); });
  if (tokens.empty()) co_return;
  std::vector<Secret> values;
  for (const auto& secret : tokens) values.push_back(secret.credentials.token);
  const auto verdicts = co_await review_tokens(kubectl, std::move(values));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::tie(tokens[i].verdict, tokens[i].reason) = verdicts[i];
  }
  context.saw_tokens(std::move(tokens));
  context.note_live();
}

awaitable<void> show_live_secret(Context context) {
  const auto* live = context.seen().live();
  if (live == nullptr) co_return;
  auto query = commands::secret(context.options().name_space, live->name);
  const auto kubectl = context.in_section_of(Step::get_token).downstream();
  co_await context.shown_reads().begin(kubectl, std::move(query));
}

awaitable<TokenSecret> read_live_secret(Context context) {
  const auto* found = context.seen().live();
  if (found == nullptr) {
    throw Failure(
        ExitStatus::failed,
        fmt::format("there is no token secret of {} to read", account_text(context.seen())),
        "run step delete-token, which waits for one, or run");
  }
  const auto live = *found;
  co_await show_live_secret(context);
  // 2.3 and 2.4 read the same secret, and the watch of 2.1 has just brought it.
  const auto& performed = context.state().performed;
  if (performed.contains(Step::get_token) || performed.contains(Step::delete_token)) co_return live;
  const auto kubectl = context.in_section_of(Step::get_token).downstream();
  const auto reader = kubectl.session() ? kubectl : kubectl.documented();
  const auto object =
      co_await reader.get(commands::secret(context.options().name_space, live.name));
  const auto account = context.seen().downstream.account.text();
  auto fresh = parse_token_secret(object, account, context.redactor());
  if (!fresh || !fresh->complete()) {
    throw Failure(ExitStatus::failed,
                  fmt::format("the secret {} of the downstream cluster cannot be used: {}",
                              live.name, fresh ? fresh->lack() : "it is of another account now"),
                  Advice::retrust("let retrust replace it", "step", "delete-token"));
  }
  if (live.credentials.token == fresh->credentials.token) {
    fresh->verdict = live.verdict;
    fresh->reason = live.reason;
  }
  auto tokens = context.seen().downstream.tokens;
  for (auto& each : tokens) {
    if (each.name == fresh->name) each = *fresh;
  }
  context.saw_tokens(std::move(tokens));
  co_return std::move(*fresh);
}

}  // namespace retrust
