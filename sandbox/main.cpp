// Two small clusters on this machine, to rehearse and test with.
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "fleet.h"
#include "live.h"
#include "world.h"

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
namespace po = boost::program_options;
namespace fs = std::filesystem;

constexpr std::string_view help = R"(Usage: retrust-sandbox DIR [OPTION]...
Serve two small Kubernetes clusters on 127.0.0.1, one with a Rancher that does not trust the other
any more, and write their kubeconfigs to DIR. Runs until it is interrupted.

  --rancher VERSION      2.0 to 2.5, 2.12 or 2.15, or a full version, e.g. 2.5.17, 2.6.6, 2.7.0;
                         dev and v2.N-head too (default: 2.4). The agents are of that version
  --kubernetes VERSION   of the downstream cluster, e.g. 1.20, 1.24, 1.30 (default: 1.20)
  --local-kubernetes VERSION      of Rancher's own cluster, e.g. v1.30.4+k3s1 (default: v1.20.15)
  --backup-operator N    the Rancher backup operator of that major version, 1 to 11, is installed in
                         Rancher's own cluster (default: 0, none)
  --driver NAME          status.driver of the downstream cluster (default: imported)
  --clusters N           N downstream clusters, 1 to 1000: production, store-002, store-003 and so on, each
                         with its own CA, agents and record. DIR/kubeconfigs/NAME.yaml leads to each,
                         by a context of that name. The other files are those of production
  --mix STATE,...        the states that these are in, in turn (default: all, in this order):
      renewed, ca-only, healthy    as --scenario
      silent                       renewed, and the agents do not report
      wrong-kubeconfig             renewed, and its file leads to the cluster of other.kubeconfig
      unreachable                  renewed, and nothing listens where its file leads
      hosted                       renewed, of EKS: the stored token is of Rancher's own account
      elsewhere                    renewed, and its agents are registered with another Rancher, by the
                                   same ID
  --records N            N clusters more, prod-0001 and so on, of which Rancher has its records alone:
                         no API server is behind them. The first 20 show every state, driver, end of
                         a CA and gap; the rest repeats these (default: 0)
  --agent-replicas N     1 or 2 pods of cattle-cluster-agent (default: 1)
  --impersonation-users N         how many users have looked at logs before (Rancher 2.6 and later;
                                  default: 3)
  --fresh-impersonation-users N   of these, how many did so after the renewal (default: 0)
  --workloads N          a network plugin, Fleet's agent, rancher-webhook and N Deployments of users,
                         all started before the renewal (default: none of these)
  --scenario NAME        what was renewed: renewed (CA and service account key), ca-only, key-only,
                         healthy (default: renewed)
  --fault NAME[=VALUE]   may be given several times:
      agents-never-report          agents start, but do not report
      linger-old-agent[=MS]        an old agent stays and reports the old credentials again
      node-away                    the pods of DaemonSets that are deleted stay, as on a dead node
      close-watches[=MS]           the servers end every watch early
      restart-downstream           the server restarts after the first deletion of a pod
      restart-local                the server restarts after the first watch on clusters
      conflict                     somebody else changes the clusters resource in between
      slow-token[=MS]              a new token secret stays without its token
      two-tokens                   two token secrets of cattle
      no-token=late|never          none at the start
      old-ca-handed-out            the controller manager still has the old CA
      secrets-later[=MS]           a renewed CA comes into token secrets later: after that time, or not
                                   before hand-out-ca
      map-later[=MS]               a renewed CA comes into kube-root-ca.crt later, in the same manner
      review-trouble[=TEXT]        the downstream API server answers each TokenReview with an error of
                                   its own (default: context deadline exceeded)
      dockercfg[=last]             as on OpenShift, each service account of the downstream cluster lists
                                   a dockercfg secret first (last), which belongs to a token secret
      twin-name                    two clusters of one display name
      cattle-deployment            Rancher's deployment is called cattle
      registered-elsewhere         the agents are registered with another Rancher, by the same ID, and
                                   connect there
      unreachable                  nothing listens at the downstream API server's address
      broken-credentials           the secret that the agents mount is missing
      no-agents-start              new agent pods stay pending
      new-pods=unauthorized|image|crash|config|unscheduled|wrong-ca
                                   new agent pods do not start: the network plugin's token is old,
                                   there is no such image, they end at once, a Secret lacks a key, no
                                   node takes them, or Rancher's own CA is another one
      forbidden=[VERB:]RESOURCE,…  nobody may use these in the downstream cluster, e.g. events or
                                   delete:secrets
      forbidden-local=[VERB:]RESOURCE,…
                                   nobody may use these in Rancher's own cluster, e.g.
                                   update:clusters.management.cattle.io/status
      no-leases                    Rancher's own cluster has no coordination.k8s.io/v1, as before
                                   Kubernetes 1.14
      others-start=unauthorized|unauthorized-before
                                   another pod did not start for that reason, now or an hour ago
      node=not-ready|cordoned      the only node takes no new pods
      slow-rancher=MS              Rancher's pods take their time
      rollout-awaits-reader        a rollout ends in the moment after its deployment was read
      credential-missing           the Secret that holds the stored token was deleted
      stored-crlf                  the stored CA has the line ends of Windows
      additional-ca                Rancher has stored an additional CA of its own behind the cluster's
      registration=dead|previous|expired
                                   Rancher does not know the agents' registration token; knows it as
                                   the previous one, for two hours more, or did so until an hour ago
      no-managed-fields            nothing says when the CA in kube-root-ca.crt changed
      metrics-away                 the APIService of metrics-server is not available
      backup=fails|fails-once|nowhere|silent|basic-only
                                   the backup operator fails for good, or once; has no storage; does
                                   nothing; has no resource set with secrets
      ca-bundle                    the cluster has two CAs; stored are both, in another order
  --hostile "SERVER ATTACK"       that server (downstream or local) rewrites what it sends; may be given
                         several times. DIR/places-SERVER lists each string that it came by. ATTACK is
                         none, or PLACE REPLACEMENT, or RESOURCE BEHAVIOUR. PLACE is a resource,
                         #NAME for one object of it (without random parts; .1 for another of that name),
                         and a JSON pointer with * for the index of an array: pods/metadata/name,
                         secrets#cattle-token/data/token@base64 for what is encoded there,
                         secrets/data/token@base64@jwt/sub for a claim. A resource is as kubectl names
                         it, e.g. clusters.management.cattle.io, with :list, :event or :status for what
                         is around its objects, or the path of any other page; * is every resource.
      json=VALUE, base64=TEXT      this instead of the string; base64 of this
      duplicate=VALUE              its key a second time
      long[=BYTES], nested[=DEPTH], certificates[=N], encrypted-pem, invalid-utf8
      bearer[=TEXT]                the token of whoever asks, behind this text
      slow[=MS]                    a behaviour, as all below: everything comes late
      refuse[=CODE[,REASON,MESSAGE]]
                                   by default with a message that pretends to be retrust's
      garbage, many[=N]            what is no JSON; N more objects in each list
      bare[=N], tokens[=N]         N more objects with a name alone; N more secrets of the agents' account,
                                   each with a token of its own
      error-event, bookmark, junk-events, repeat, flood, multiply, swell[=BYTES]
                                   what its watches send: multiply makes each object a new one, and swell
                                   makes it large, too
  --quick                everybody acts ten times as fast
  --control-plane PLANE  fill the clusters of a real control plane that scripts/control-plane started in
                         PLANE, all downstream ones that it has, and stand in for kubelet, agents and
                         Rancher there; what is renewed, and when, is scripts/control-plane's business
  --until-stdin-closes   end with standard input; its lines are commands: fault NAME[=VALUE], mend NAME,
                         restart local|downstream, stop local|downstream (for good), bump, renew,
                         dump: every object into DIR/dump.json;
                         hostile SERVER ATTACK (where --hostile was given), hand-out-ca: into token
                         secrets and kube-root-ca.crt, too; gain-ca: the cluster hands out one CA
                         more; use-impersonation: every user looks at logs. With --clusters the name or
                         ID of a cluster may follow, e.g. renew store-002, restart store-002,
                         fault agents-never-report store-002 (default: production)
                         (on a real control plane: fault and use-impersonation, behind which the
                         name or ID of a cluster may follow, too)
  --help
)";

struct Options {
  fs::path directory;
  fs::path control_plane;  // empty: the clusters are played
  Settings settings;
  enum class Input { ignored, commands } input = Input::ignored;
};

int number(const po::variables_map& map, const std::string& name, int least, int most) {
  const auto value = map[name].as<int>();
  if (value < least || value > most) {
    throw std::runtime_error(fmt::format("--{} takes {} to {}", name, least, most));
  }
  return value;
}

void set_mix(Settings& settings, const po::variables_map& map) {
  const auto mix = map.count("mix") > 0 ? map["mix"].as<std::string>() : std::string();
  if (map.count("clusters") == 0) {
    if (!mix.empty()) throw std::runtime_error("--mix is for --clusters");
    return;
  }
  if (!map["scenario"].defaulted()) {
    throw std::runtime_error("--scenario is for one cluster; use --mix");
  }
  settings.mix = states_of(mix);
}

Settings settings_of(const po::variables_map& map) {
  static const std::map<std::string, Scenario> scenarios{{"renewed", Scenario::renewed},
                                                         {"ca-only", Scenario::ca_only},
                                                         {"key-only", Scenario::key_only},
                                                         {"healthy", Scenario::healthy}};
  const auto scenario = scenarios.find(map["scenario"].as<std::string>());
  if (scenario == scenarios.end()) throw std::runtime_error("there is no such scenario");
  Settings settings{.rancher = rancher_profile(map["rancher"].as<std::string>()),
                    .kubernetes = kubernetes_profile(map["kubernetes"].as<std::string>()),
                    .driver = map["driver"].as<std::string>(),
                    .local_version = map["local-kubernetes"].as<std::string>(),
                    .backup_operator = number(map, "backup-operator", 0, 11),
                    .clusters = map.count("clusters") > 0 ? number(map, "clusters", 1, 1000) : 1,
                    .records = number(map, "records", 0, 100'000),
                    .agent_replicas = number(map, "agent-replicas", 1, 2),
                    .impersonation_users = number(map, "impersonation-users", 0, 100'000),
                    .fresh_impersonation_users = 0,
                    .scenario = scenario->second,
                    .pace = map.count("quick") > 0 ? Pace::quick : Pace::lifelike,
                    .faults = {}};
  set_mix(settings, map);
  settings.fresh_impersonation_users =
      number(map, "fresh-impersonation-users", 0, settings.impersonation_users);
  if (map.count("workloads") > 0) settings.workloads = number(map, "workloads", 0, 100'000);
  if (map.count("fault") > 0) {
    for (const auto& fault : map["fault"].as<std::vector<std::string>>()) {
      settings.faults.set_from(fault);
    }
  }
  return settings;
}

Options parse(int argc, char** argv) {
  const auto text = [](const char* standard) {
    return po::value<std::string>()->default_value(standard);
  };
  const auto count = [](int standard) { return po::value<int>()->default_value(standard); };
  po::options_description described;
  described.add_options()("help", "")("directory", po::value<std::string>()->required(), "")(
      "rancher", text("2.4"), "")("kubernetes", text("1.20"), "")("driver", text("imported"), "")(
      "local-kubernetes", text(""), "")("backup-operator", count(0), "")("records", count(0), "")(
      "clusters", po::value<int>(), "")("mix", po::value<std::string>(), "")(
      "agent-replicas", count(1), "")("impersonation-users", count(3), "")(
      "fresh-impersonation-users", count(0), "")("workloads", po::value<int>(), "")(
      "scenario", text("renewed"), "")("fault", po::value<std::vector<std::string>>(), "")(
      "quick", "")("until-stdin-closes", "")("control-plane", text(""), "")(
      "hostile", po::value<std::vector<std::string>>(), "");
  po::positional_options_description positional;
  positional.add("directory", 1);
  po::variables_map map;
  po::store(po::command_line_parser(argc, argv).options(described).positional(positional).run(),
            map);
  if (map.count("help") > 0) {
    fmt::print("{}", help);
    std::exit(0);
  }
  po::notify(map);
  Options options{.directory = map["directory"].as<std::string>(),
                  .control_plane = map["control-plane"].as<std::string>(),
                  .settings = settings_of(map)};
  if (map.count("hostile") > 0) {
    options.settings.attacks = map["hostile"].as<std::vector<std::string>>();
  }
  if (map.count("until-stdin-closes") > 0) options.input = Options::Input::commands;
  if (options.control_plane.empty()) return options;
  if (!map["scenario"].defaulted()) {
    throw std::runtime_error("--scenario is for played clusters; use scripts/control-plane renew");
  }
  if (!options.settings.attacks.empty()) {
    throw std::runtime_error("--hostile is for played clusters");
  }
  for (const auto* played : {"kubernetes", "fresh-impersonation-users", "workloads",
                             "local-kubernetes", "backup-operator", "records", "clusters"}) {
    if (map.count(played) > 0 && !map[played].defaulted()) {
      throw std::runtime_error(fmt::format("--{} is for played clusters", played));
    }
  }
  return options;
}

/// Answers the lines of standard input, and calls `at_end` when it closes.
class Commands {
 public:
  Commands(asio::io_context& io, Stage& stage, std::function<void()> at_end)
      : input_(io, ::dup(STDIN_FILENO)), stage_(stage), at_end_(std::move(at_end)) {}

  void read() {
    asio::async_read_until(input_, asio::dynamic_buffer(text_), '\n',
                           [this](boost::system::error_code error, std::size_t size) {
                             if (error) {
                               at_end_();
                               return;
                             }
                             const auto problem = obeyed(text_.substr(0, size - 1));
                             text_.erase(0, size);
                             fmt::print("{}\n", problem.empty() ? "ok" : "error: " + problem);
                             std::fflush(stdout);
                             read();
                           });
  }
  void close() {
    boost::system::error_code ignored;
    input_.close(ignored);
  }

 private:
  std::string obeyed(const std::string& line) {
    try {
      return stage_.command(line);
    } catch (const std::exception& error) {
      return error.what();
    }
  }

  asio::posix::stream_descriptor input_;
  Stage& stage_;
  std::function<void()> at_end_;
  std::string text_;
};

std::unique_ptr<Stage> staged(asio::io_context& io, const Options& options) {
  if (options.control_plane.empty()) {
    return std::make_unique<World>(io, options.settings, options.directory);
  }
  return std::make_unique<Live>(io, options.settings, options.directory, options.control_plane);
}

int run(const Options& options) {
  if (fs::exists(options.directory) && !fs::is_empty(options.directory)) {
    throw std::runtime_error(options.directory.string() + " is not empty");
  }
  fs::create_directories(options.directory);
  fs::permissions(options.directory, fs::perms::owner_all);

  asio::io_context io{1};
  const auto stage = staged(io, options);
  asio::signal_set signals(io, SIGINT, SIGTERM);
  std::optional<Commands> commands;
  const auto end = [&] {
    stage->end();
    signals.cancel();
    if (commands) commands->close();
  };
  signals.async_wait([&](boost::system::error_code cancelled, int) {
    if (!cancelled) end();
  });
  if (options.input == Options::Input::commands) {
    commands.emplace(io, *stage, end);
    commands->read();
  }
  stage->start([] {
    fmt::print("ready\n");
    std::fflush(stdout);
  });
  io.run();
  return 0;
}

}  // namespace
}  // namespace retrust::sandbox

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return retrust::sandbox::run(retrust::sandbox::parse(argc, argv));
  } catch (const std::exception& error) {
    fmt::print(stderr, "retrust-sandbox: {}\n", error.what());
    return 2;
  }
}
