#include "app/toolbox.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <unistd.h>
#include <utility>

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/text.h"
#include "observe/login.h"
#include "process/executable.h"
#include "process/lent_terminal.h"
#include "steps/step.h"
#include "tools/kuberc.h"
#include "tools/session.h"

namespace retrust {

namespace {

/// As root, a program from the folder in which retrust happens to be called is anybody's. Also for
/// what kubectl and docker start by themselves, as login plugins.
void check_search_path() {
  const auto path = search_path();
  const auto entry = relative_entry(path);
  if (::geteuid() != 0 || !entry) return;
  throw Failure(
      ExitStatus::refused,
      fmt::format("PATH holds {}: as root, retrust starts no program that may come from "
                  "the current folder",
                  entry->empty() ? "an empty entry, which means the current folder"
                                 : "the relative entry " + *entry),
      {"set PATH without it", "export " + shell_line({"PATH=" + without_relative_entries(path)})});
}

bool reads_kuberc(const Kubectl& kubectl) {
  return kubectl.target().defaults == KubectlDefaults::of_kuberc;
}

void tell_kuberc(Events& events, const std::filesystem::path& kuberc) {
  Journal(events).finding(
      fmt::format("kubectl reads the kuberc {}: the options that retrust gives override its "
                  "defaults",
                  DisplayText(kuberc.string())));
}

}  // namespace

Kubectl Toolbox::with_kubeconfig(Side side, const std::string& kubeconfig,
                                 const std::string& context) const {
  KubectlTarget target{side, absolute_program(options_.kubectl), kubeconfig, context,
                       options_.command_timeout};
  target.named = options_.kubectl;
  target.version = version_;
  return {runner_, events_, std::move(target)};
}

Kubectl Toolbox::in_container() const {
  KubectlTarget target;
  target.side = Side::local;
  if (options_.local_kubeconfig.empty()) target.context = options_.local_context;
  target.command_timeout = options_.command_timeout;
  target.container = options_.rancher_container;
  target.docker = absolute_program(options_.docker);
  target.named_docker = options_.docker;
  return {runner_, events_, std::move(target)};
}

Kubectl Toolbox::for_local() const {
  return options_.local_kubeconfig.empty()
             ? in_container()
             : with_kubeconfig(Side::local, options_.local_kubeconfig, options_.local_context);
}

bool Toolbox::reads_by_sessions() const {
  return options_.reads == Reads::by_sessions || (options_.reads == Reads::as_kubectl_allows &&
                                                  !is_script(absolute_program(options_.kubectl)));
}

Kubectl Toolbox::local_process(std::chrono::milliseconds patience) const {
  check_search_path();
  const auto kubectl = for_local();
  auto target = kubectl.target();
  target.command_timeout = std::min(target.command_timeout, patience);
  return {runner_, events_, std::move(target)};
}

boost::asio::awaitable<Clusters> Toolbox::connect() {
  check_search_path();
  const auto contained = options_.local_kubeconfig.empty();
  Clusters reached{with_kubeconfig(Side::downstream, options_.kubeconfig, options_.context),
                   shared_local_ ? *shared_local_ : for_local(), redactor_};
  // A version is asked for where something depends on it.
  const auto kuberc = kuberc_file();
  if (kuberc) {
    auto downstream = co_await reached.downstream.of_its_age();
    reached.downstream = std::move(downstream);
  }
  const auto shared = shared_local_.has_value();
  if ((kuberc || contained) && !shared) {
    auto local = co_await reached.local.of_its_age();
    reached.local = std::move(local);
  }
  if (kuberc && (reads_kuberc(reached.downstream) || reads_kuberc(reached.local))) {
    tell_kuberc(events_, *kuberc);
  }
  const auto by_sessions = reads_by_sessions();
  // A session logs in once. Processes are at least those of observe(): 2 and 1.
  if (can_lend_terminal() && !shared) {
    const auto follow = by_sessions ? Logins{1, 1} : Logins{2, 1};
    co_await log_in(reached, follow, Journal(events_));
  }
  if (by_sessions) {
    const auto executor = co_await boost::asio::this_coro::executor;
    // A rollback may do without that cluster.
    if (!options_.kubeconfig.empty()) {
      reached.downstream = reached.downstream.in_session(executor);
    }
    sessions_ = {reached.downstream.session()};
    if (!contained && !shared) {
      reached.local = reached.local.in_session(executor);
      sessions_.push_back(reached.local.session());
    }
  }
  co_return reached;
}

boost::asio::awaitable<Kubectl> Toolbox::connect_local() {
  check_search_path();
  auto local = for_local();
  const auto contained = options_.local_kubeconfig.empty();
  const auto kuberc = kuberc_file();
  if (kuberc || contained) {
    auto of_its_age = co_await local.of_its_age();
    local = std::move(of_its_age);
  }
  if (kuberc && reads_kuberc(local)) tell_kuberc(events_, *kuberc);
  const auto by_sessions = reads_by_sessions();
  if (can_lend_terminal()) {
    // Without a session each of the four lists logs in.
    constexpr std::size_t lists = 4;
    co_await log_in(local, redactor_, by_sessions ? 1 : lists, Journal(events_));
  }
  if (by_sessions && !contained) {
    const auto executor = co_await boost::asio::this_coro::executor;
    local = local.in_session(executor);
    sessions_ = {local.session()};
  }
  co_return local;
}

boost::asio::awaitable<std::function<Kubectl(const std::string&, const std::string&)>>
Toolbox::downstream_kubectls() {
  check_search_path();
  auto like = with_kubeconfig(Side::downstream, {}, {});
  if (kuberc_file()) {
    auto of_its_age = co_await like.of_its_age();
    like = std::move(of_its_age);
  }
  std::function<Kubectl(const std::string&, const std::string&)> make =
      [this, target = like.target()](const std::string& file, const std::string& context) {
        auto own = target;
        own.kubeconfig = file;
        own.context = context;
        return Kubectl(runner_, events_, std::move(own));
      };
  co_return make;
}

void Toolbox::rest() {
  for (const auto& session : sessions_) {
    if (session) session->rest();
  }
}

void Toolbox::end_sessions() {
  for (const auto& session : sessions_) {
    if (session) session->close();
  }
  sessions_.clear();
}

BackupTools Toolbox::backup_tools() const {
  std::optional<Kubectl> inside;
  if (!options_.local_kubeconfig.empty() && !options_.rancher_container.empty()) {
    inside = in_container();
  }
  return {Docker(runner_, events_,
                 {absolute_program(options_.docker), options_.command_timeout, options_.docker}),
          std::move(inside), Rke(runner_, events_, options_.rke, options_.command_timeout),
          K3s(runner_, events_, options_.backup.distribution().value_or(Distribution::k3s),
              options_.command_timeout),
          Tar(runner_, events_, absolute_program("tar"), options_.command_timeout)};
}

PlanOptions Toolbox::plan_options(const Clusters& clusters) const {
  PlanOptions plan;
  plan.name_space = options_.name_space;
  plan.extent = options_.extent;
  plan.pods = options_.pods;
  plan.agent_loss = options_.agent_loss;
  plan.impersonation = options_.impersonation;
  plan.skip = options_.skip;
  plan.backup = options_.backup;
  plan.downstream_kubectl = clusters.downstream.shown_line();
  plan.local_kubectl = clusters.local.shown_line();
  plan.consent = options_.consented ? Consent::given_ahead : Consent::asked;
  plan.docker = options_.docker;
  plan.local_age = clusters.local.target().age;
  plan.downstream_session = clusters.downstream.session() != nullptr;
  plan.local_session = clusters.local.session() != nullptr;
  return plan;
}

UserTokensChoice Toolbox::user_tokens_choice() const {
  const auto redeploys =
      options_.command == CommandName::step && options_.step == Step::redeploy_agents;
  if (redeploys || options_.skip.contains(Step::repair_impersonation)) {
    return UserTokensChoice::for_redeployment;
  }
  // What a single other step does has nothing to do with the tokens of Rancher's users.
  if (options_.command == CommandName::step && options_.step != Step::repair_impersonation) {
    return UserTokensChoice::leave;
  }
  const auto repairs = options_.impersonation == Impersonation::repair ||
                       options_.step == Step::repair_impersonation;
  return repairs ? UserTokensChoice::look : UserTokensChoice::with_cause;
}

AffectedChoice Toolbox::affected_choice() const {
  return options_.command == CommandName::step ? AffectedChoice::leave : AffectedChoice::look;
}

ObserveOptions Toolbox::observe_options(Permissions permissions, const Clusters& clusters) const {
  ObserveOptions options{options_.cluster,     options_.name_space, {},
                         user_tokens_choice(), affected_choice(),   options_.cluster_uid};
  if (permissions == Permissions::ask) {
    options.permissions = [plan = plan_options(clusters)](const Observation& seen) {
      return permissions_of_steps(seen, plan);
    };
  }
  return options;
}

}  // namespace retrust
