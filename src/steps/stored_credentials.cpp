#include "steps/stored_credentials.h"

#include <fmt/format.h>

#include "base/text.h"
#include "observe/commands.h"
#include "observe/parse.h"
#include "observe/stored_token.h"
#include "steps/token_secret.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

Context in_2_5(const Context& context) {
  return context.in_section_of(Step::check_cluster);
}

Failure replaced(const Observation& seen) {
  return {FailureCode::changed_meanwhile,
          fmt::format("somebody else changed what Rancher has stored for {} ({}) after the live "
                      "credentials were there: {}",
                      seen.local.cluster.display_name, seen.local.cluster.id,
                      text_of(seen.comparison())),
          Advice::retrust("find out who does; see what is left to do", "plan")};
}

}  // namespace

void take_stored(const Context& context, const boost::json::value& object) {
  auto fresh = parse_cluster(object, context.redactor());
  take_read_place(fresh, context.seen().local.rancher, context.redactor());
  if (fresh.token_secret_name.empty()) {
    context.saw_cluster(std::move(fresh));
    return;
  }
  // Rancher may write into the same Secret or name another one, so the Secret is read before
  // anything is judged.
  take_token_secret(fresh, std::nullopt, context.redactor());
  context.saw_cluster(std::move(fresh), Context::Token::due);
}

awaitable<void> watch_stored(Context context) {
  const auto reader = in_2_5(context);
  ClusterWatch::Take on_object = [reader](const boost::json::value& object) {
    take_stored(reader, object);
  };
  auto query = commands::cluster(context.seen().local.cluster.id);
  co_await context.shown_reads().begin(reader.local(), std::move(query));
  co_await context.cluster_watch().begin(reader.local(), context.seen().local.cluster.id,
                                         std::move(on_object));
}

awaitable<void> read_due_token(Context context) {
  if (!context.state().stored_token_due) co_return;
  context.state().stored_token_due = false;
  auto copy = context.seen().local.cluster;
  co_await read_stored_token(in_2_5(context).local(), copy, context.redactor());
  // The watch has named a Secret meanwhile, whose reading is due next.
  if (context.state().stored_token_due) co_return;
  context.saw_cluster(std::move(copy));
  // The agents may have made and reported a token secret of their own.
  const auto differs = context.seen().comparison().token == Comparison::Part::differs;
  if (differs) co_await read_tokens_again(context);
}

awaitable<bool> await_cluster(Context context, Target target) {
  co_await watch_stored(context);
  std::string last;
  const auto look = [&] {
    if (context.state().stored_token_due) return Flow::stop;
    const auto& ready = context.seen().local.cluster.ready;
    const auto equal = context.situation().is_stored();
    auto text = fmt::format("stored and live {}; Rancher says: Ready {}{}",
                            equal ? "are the same" : "differ", ready.status,
                            ready.message.empty() ? "" : ": " + ready.message);
    if (text != last) {
      in_2_5(context).journal().wait_progress(text);
      last = std::move(text);
    }
    const auto reached = equal && (target == Target::stored || ready.status == "True");
    return reached ? Flow::stop : Flow::go_on;
  };
  const auto deadline = context.deadline();
  for (;;) {
    const auto seen = co_await context.cluster_watch().until(deadline.left(), look);
    if (!seen) {
      co_await in_2_5(context).local().check_answers(
          fmt::format("whether {} within {}",
                      target == Target::stored ? "Rancher stored the live token and CA"
                                               : "Rancher said that the cluster is ready",
                      duration_text(context.wait())));
    }
    if (!seen || !context.state().stored_token_due) co_return seen;
    co_await read_due_token(context);
  }
}

Failure not_ready(const Observation& seen, std::chrono::milliseconds limit) {
  if (!seen.comparison().equal()) return replaced(seen);
  const auto& ready = seen.local.cluster.ready;
  return {ExitStatus::gave_up,
          fmt::format("the live credentials are stored, but Rancher did not say that the cluster "
                      "is ready within {}",
                      duration_text(limit)),
          Advice::retrust("look at the agents' logs; see what Rancher says", "status"),
          fmt::format("Ready {} {}", ready.status, ready.message)};
}

void check_still_stored(const Observation& seen) {
  if (!seen.comparison().equal()) throw replaced(seen);
}

awaitable<void> await_ready(Context context) {
  if (context.seen().local.cluster.ready.status == "True") co_return;
  const auto journal = in_2_5(context).journal();
  journal.wait_started("for Rancher to say that the cluster is ready", context.wait());
  const auto in_time = co_await await_cluster(context, Target::ready);
  while (context.state().stored_token_due) co_await read_due_token(context);
  if (!in_time) throw not_ready(context.seen(), context.wait());
  journal.wait_ended("Rancher says that the cluster is ready");
}

}  // namespace retrust
