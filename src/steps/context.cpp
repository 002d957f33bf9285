#include "steps/context.h"

#include <fmt/format.h>

#include "base/text.h"
#include "observe/same_cluster.h"
#include "tools/session.h"

namespace retrust {

using boost::asio::awaitable;

RunData::RunData(Clusters clusters, BackupTools tools, Journal journal, const RunFolder& folder,
                 PlanOptions options, std::chrono::milliseconds wait)
    : clusters_(std::move(clusters)),
      tools_(std::move(tools)),
      journal_(std::move(journal)),
      folder_(folder),
      options_(std::move(options)),
      wait_(wait) {}

namespace {

void forget_verdict(Observation& seen) {
  seen.stored_verdict = Verdict::unknown;
  seen.stored_reason = {};
}

}  // namespace

Kubectl Context::downstream() const {
  return data_->clusters_.downstream.in_section(section_).with(RetryPolicy{wait()});
}

Kubectl Context::local() const {
  return data_->clusters_.local.in_section(section_).with(RetryPolicy{wait()});
}

void Context::announce(const std::string& text, Change change) const {
  journal_.change(text, std::move(change));
  state().changed = true;
  data_->clusters_.downstream.be_patient(wait());
  data_->clusters_.local.be_patient(wait());
}

void Context::connected(Side side, std::chrono::steady_clock::time_point at) const {
  data_->connected_[side] = at;
}

awaitable<void> Context::check_and_announce(Kubectl kubectl, std::string text, Names names) const {
  const auto side = kubectl.target().side;
  const auto now = std::chrono::steady_clock::now();
  const auto last = data_->connected_.find(side);
  const auto fresh = names == Names::random && last != data_->connected_.end() &&
                     now - last->second <= fresh_for && kubectl.session() &&
                     kubectl.session()->usable();
  if (!fresh) {
    const auto uid =
        side == Side::downstream ? seen().downstream.kube_system_uid : seen().local.kube_system_uid;
    co_await check_same_cluster(std::move(kubectl), uid);
    connected(side, now);
  }
  announce(text);
}

void Context::note_live() const {
  const auto* live = seen().live();
  if (live == nullptr || !live->complete()) return;
  auto digest = digest_of(*seen().live_credentials());
  if (data_->noted_ == digest) return;
  folder().save("live-" + seen().local.cluster.id.text(), to_json(digest), run_journal(),
                "digests of the live credentials", Weight::routine);
  data_->noted_ = std::move(digest);
}

void Context::observed(Observation now) const {
  data_->seen_ = std::move(now);
  data_->clusters_.downstream.call_cluster(data_->seen_.local.cluster.display_name);
  data_->token_read_ = seen().local.cluster.stored.token;
  // The command lines now name the contexts that were seen.
  data_->options_.downstream_kubectl = data_->clusters_.downstream.shown_line();
  data_->options_.local_kubectl = data_->clusters_.local.shown_line();
}

void Context::repair_impersonation_too() const {
  data_->options_.impersonation = Impersonation::repair;
}

void Context::note_equal(const Comparison& before) const {
  const auto now = seen().comparison();
  if ((!before.equal() && now.equal()) || (!before.same() && now.same())) {
    state().stored_changed =
        std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  }
}

void Context::saw_cluster(ClusterResource now, Token token) const {
  auto& cluster = data_->seen_.local.cluster;
  check_same_resource(cluster, now);
  const auto before = seen().comparison();
  // The verdict is about the token that was read last. A token that is due may be the same.
  if (token == Token::read) {
    if (now.stored.token != data_->token_read_) forget_verdict(data_->seen_);
    data_->token_read_ = now.stored.token;
  }
  cluster = std::move(now);
  state().stored_token_due = token == Token::due;
  // A token that was proven before it was read here is no unknown one.
  if (token == Token::read && state().proven) were_accepted(*state().proven);
  if (token == Token::read) state().written.reset();
  note_equal(before);
}

void Context::forget_readiness() const {
  data_->seen_.local.cluster.ready = {};
}

void Context::saw_tokens(std::vector<TokenSecret> now) const {
  const auto before = seen().comparison();
  auto& downstream = data_->seen_.downstream;
  for (const auto& secret : now) downstream.secret_names.insert(secret.name);
  downstream.tokens = std::move(now);
  note_equal(before);
}

void Context::secrets_are_gone(const Deletion& deletion) const {
  auto& downstream = data_->seen_.downstream;
  for (const auto& [name, uid] : deletion.uids) {
    downstream.secret_names.erase(name);
    std::erase_if(downstream.tokens,
                  [&uid = uid](const TokenSecret& secret) { return secret.uid == uid; });
  }
}

void Context::were_gone(Step step, const Deletion& deletion,
                        const std::vector<ObjectName>& gone) const {
  const auto all = gone.size() == deletion.uids.size();
  auto& others = state().others_deleted.try_emplace(step, true).first->second;
  others = others && all;
  if (gone.empty()) return;
  journal_.finding(fmt::format("{} {} already gone: somebody else deleted or replaced {}",
                               enumerated(texts_of(gone)), gone.size() == 1 ? "was" : "were",
                               gone.size() == 1 ? "it" : "them"));
}

void Context::account_lists_first(ObjectName secret) const {
  data_->seen_.downstream.account_secret = std::move(secret);
}

void Context::saw_pods(std::vector<Pod> now) const {
  data_->seen_.downstream.pods = std::move(now);
}

void Context::saw_new_pods(NewPods now) const {
  data_->seen_.new_pods = std::move(now);
}

void Context::saw_agents(Downstream now) const {
  auto& downstream = data_->seen_.downstream;
  downstream.pods = std::move(now.pods);
  downstream.secret_names = std::move(now.secret_names);
  downstream.missing_secrets = std::move(now.missing_secrets);
  downstream.agent_credentials = std::move(now.agent_credentials);
  downstream.agent_image = std::move(now.agent_image);
}

void Context::saw_registration(Registration now) const {
  data_->seen_.registration = std::move(now);
}

void Context::were_accepted(const Credentials& credentials) const {
  if (compare(seen().local.cluster.stored, credentials).equal()) {
    data_->seen_.stored_verdict = Verdict::accepted;
    data_->seen_.stored_reason = {};
  }
}

void Context::system_token_is_gone() const {
  auto& tokens = data_->seen_.user_tokens;
  tokens.system.rejected = false;
  for (auto& group : tokens.groups) {
    if (group.owner == TokenOwner::user && group.rejected > 0) --group.rejected;
  }
}

void Context::backup_is_stored(DisplayText where) const {
  data_->seen_.backup.stored_as = std::move(where);
}

void Context::users_tokens_are_gone() const {
  data_->seen_.user_tokens.system.rejected = false;
  for (auto& group : data_->seen_.user_tokens.groups) group.rejected = group.kept;
}

}  // namespace retrust
