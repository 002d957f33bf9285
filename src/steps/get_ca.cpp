// Section 2.4: reads the live CA certificate.
#include <fmt/format.h>

#include "base/text.h"
#include "credentials/certificate.h"
#include "steps/step.h"
#include "steps/token_secret.h"

namespace retrust {
namespace {

PlannedStep plan(const Situation& situation) {
  return {Step::get_ca, situation.performed(Step::get_ca) ? Need::not_needed : Need::needed,
          "reads the CA that Rancher should have, from the same secret"};
}

boost::asio::awaitable<void> run(Context context) {
  const auto live = co_await read_live_secret(context);
  const RenderNotes notes{says(live.verdict), context.seen().seen_at};
  context.run_journal().finding(joined(render_ca(live.credentials.ca_pem, notes)));
}

StepResult result(const Observation& seen) {
  const auto credentials = seen.live_credentials();
  if (!credentials || !seen.seen_at) return {"there is none"};
  return {fmt::format("CA certificate, {}", validity_text(credentials->ca_pem, *seen.seen_at))};
}

}  // namespace

extern const StepWork get_ca{.plan = plan, .run = run, .result = result};

}  // namespace retrust
