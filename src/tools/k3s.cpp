#include "tools/k3s.h"

#include <fmt/format.h>

#include "base/lines.h"
#include "base/text.h"
#include "process/executable.h"
#include "tools/announced.h"

namespace retrust {
namespace {

using boost::asio::awaitable;

/// Limit in bytes of the output that retrust reads.
constexpr std::size_t most_log = std::size_t{1} << 20U;

std::vector<std::string> candidates_of(Distribution distribution) {
  if (distribution == Distribution::k3s) return {"k3s", "/usr/local/bin/k3s", "/opt/bin/k3s"};
  return {"rke2", "/usr/local/bin/rke2", "/opt/rke2/bin/rke2"};
}

Failure refused(std::string happened, Advice advice, std::string detail) {
  return {FailureCode::backup_failed, std::move(happened), std::move(advice), std::move(detail)};
}

std::string service_of(Distribution distribution) {
  return distribution == Distribution::k3s ? "k3s" : "rke2-server";
}

}  // namespace

Failure no_etcd(Distribution distribution, const std::string& data, std::string detail) {
  const auto name = name_of(distribution);
  return refused(
      fmt::format("{} does not keep its data in etcd here (but in SQLite or a database elsewhere, "
                  "or on other servers), so there is nothing to take a snapshot of",
                  name),
      fmt::format(
          "nothing was changed; where other servers have etcd, run this on one of them; for "
          "SQLite stop the server (systemctl stop {}), copy {}/server/db and "
          "{}/server/token, start it again; a database elsewhere is backed up by its own "
          "means; then give --no-rancher-backup",
          service_of(distribution), data, data),
      std::move(detail));
}

Failure no_server(Distribution distribution, std::string detail) {
  const auto name = name_of(distribution);
  return refused(fmt::format("this node is no server of {}: only a server has etcd's data", name),
                 fmt::format("nothing was changed; run this on a server node of Rancher's cluster, "
                             "or take the snapshot there ({} etcd-snapshot save) and give "
                             "--no-rancher-backup",
                             name),
                 std::move(detail));
}

Failure explain_k3s(Distribution distribution, const Outcome& outcome, const std::string& data) {
  const auto name = name_of(distribution);
  const auto text = outcome.out + "\n" + outcome.err;
  const auto log = read_k3s_snapshot_log(text);
  auto detail = log.warnings.empty() ? own_words(outcome) : joined(texts_of(log.warnings));
  // For a user other than root, k3s looks for a server in the home directory.
  const auto of_a_user = contains(text, "/.rancher/") || contains(text, "permission denied");
  if (of_a_user) {
    return refused(fmt::format("{} takes snapshots for root alone", name),
                   "nothing was changed; run retrust as root", std::move(detail));
  }
  if (contains(text, "etcd datastore disabled") || contains(text, "etcd database not found in") ||
      contains(text, "managed etcd database has not been initialized")) {
    return no_etcd(distribution, data, std::move(detail));
  }
  if (contains(text, "server/token: no such file or directory") ||
      contains(text, "server/tls: no such file or directory")) {
    return no_server(distribution, std::move(detail));
  }
  if (contains(text, "see server log for details: Unauthorized")) {
    // Some versions say this if the server has no etcd (k3s-io/k3s 11411).
    auto failure = no_etcd(distribution, data, std::move(detail));
    failure.advice.sentence += "; if it is etcd after all, see why";
    failure.advice.command = "journalctl -u " + service_of(distribution);
    return failure;
  }
  if (contains(text, "connection refused") || contains(text, "failed to get CA certs")) {
    return refused(fmt::format("{}'s server does not answer on this node", name),
                   {"nothing was changed; run again when the server runs; see its state",
                    "systemctl status " + service_of(distribution)},
                   std::move(detail));
  }
  return refused(
      outcome.succeeded() ? fmt::format("{} did not say that the snapshot was saved", name)
                          : fmt::format("{} took no snapshot: {}", name, ending_text(outcome)),
      {fmt::format("nothing was changed; see to what {} says, then run again; its log says more",
                   name),
       "journalctl -u " + service_of(distribution)},
      std::move(detail));
}

Arguments K3s::save_args(const std::string& name) {
  return Arguments{"etcd-snapshot", "save"}.path("--name", name);
}

awaitable<Outcome> K3s::start(Arguments args, std::string section, TimeLimit deadline,
                              Weight weight) const {
  return start_program(program_, std::move(args), std::move(section), deadline, weight);
}

awaitable<Outcome> K3s::start_program(std::string program, Arguments args, std::string section,
                                      TimeLimit deadline, Weight weight) const {
  const auto& shown = program == program_ ? name_ : program;
  Announcement announcement;
  announcement.section = std::move(section);
  announcement.line = shell_line({shown}, args);
  announcement.name = fmt::format("{} {}", name_of(distribution_), args.list().front());
  announcement.about.program = program;
  announcement.output = Output::public_text;
  announcement.weight = weight;
  Command command;
  command.program = std::move(program);
  command.args = args.list();
  command.deadline = deadline;
  command.output_limit = most_log;
  command.excess = Excess::is_dropped;
  if (weight == Weight::routine) command.on_parent_death = OnParentDeath::ends_child;
  return run_announced(*runner_, *events_, std::move(announcement), std::move(command));
}

awaitable<DisplayText> K3s::version() {
  const auto candidates = candidates_of(distribution_);
  const auto name = name_of(distribution_);
  Outcome outcome;
  for (const auto& candidate : candidates) {
    name_ = candidate;
    program_ = absolute_program(candidate);
    Arguments args{"--version"};
    outcome = co_await start(std::move(args), std::string(), command_timeout_, Weight::routine);
    if (outcome.ending != Ending::not_found) break;
  }
  const auto first = first_line(outcome.out);
  if (!outcome.succeeded() || !first.starts_with(fmt::format("{} version", name))) {
    const auto missing = outcome.ending == Ending::not_found;
    throw Failure(
        FailureCode::no_program,
        missing ? fmt::format("cannot find {}", enumerated(candidates))
                : fmt::format("{} --version does not answer as {} does", name_, name),
        fmt::format("run this on a server node of Rancher's own cluster, with {} on PATH", name),
        own_words(outcome));
  }
  co_return first;
}

awaitable<std::string> K3s::cluster_uid(std::string data) const {
  Arguments args;
  auto program = program_;
  if (distribution_ == Distribution::k3s) {
    args.words({"kubectl"});
  } else {
    program = data + "/bin/kubectl";
    args.words({"--kubeconfig=/etc/rancher/rke2/rke2.yaml"});
  }
  args.words({"get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"});
  const auto outcome = co_await start_program(std::move(program), std::move(args), std::string(),
                                              command_timeout_, Weight::routine);
  const std::string uid(last_line(outcome.out));
  if (!outcome.succeeded() || uid.empty() || first_line(outcome.out) != uid) {
    throw refused("cannot tell which cluster this node is of: its own kubectl does not say",
                  Advice("nothing was changed; run retrust as root, on a server node that is up",
                         "systemctl status " + service_of(distribution_)),
                  own_words(outcome));
  }
  co_return uid;
}

awaitable<K3sSnapshotLog> K3s::save_snapshot(std::string name, std::string data) const {
  const auto outcome = co_await start(save_args(name), "1.2", std::nullopt, Weight::documented);
  auto log = read_k3s_snapshot_log(outcome.out + "\n" + outcome.err);
  if (!outcome.succeeded() || log.name.empty()) throw explain_k3s(distribution_, outcome, data);
  co_return log;
}

awaitable<ListedSnapshot> K3s::find(std::string name) const {
  Arguments args{"etcd-snapshot", "ls"};
  const auto outcome = co_await start(std::move(args), "1.2", command_timeout_, Weight::routine);
  if (!outcome.succeeded()) co_return ListedSnapshot{};
  co_return find_snapshot(outcome.out, name);
}

}  // namespace retrust
