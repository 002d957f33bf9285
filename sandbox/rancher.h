#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <boost/asio/io_context.hpp>

#include "log.h"
#include "scheduler.h"
#include "settings.h"
#include "store.h"

namespace retrust::sandbox {

inline constexpr std::string_view cluster_id = "c-x7k2p";

/// Rancher's server as far as one downstream cluster is concerned: it takes what agents report,
/// connects with what it has stored, and says what it sees in the clusters resource.
class Rancher {
 public:
  Rancher(boost::asio::io_context& io, Objects& local, Scheduler& scheduler,
          const Settings& settings, Log& log, std::string id = std::string(cluster_id));

  /// Of the cluster.
  const std::string& id() const { return id_; }

  /// Begins to look after the cluster, whose API server is at that port of this machine.
  void start(unsigned short downstream_port);

  struct Report {
    std::string token;
    std::string ca_base64;
  };
  /// An agent connected, and went.
  void agent_connected(const std::string& pod);
  void agent_gone(const std::string& pod);
  /// No agent of the cluster is connected, nor has been.
  void never_connected();
  /// Whether an agent with that registration token is let in.
  bool lets_in(const std::string& token) const;
  /// The present registration token.
  std::string registration() const;
  /// How it applies its agents' manifest; that tells what is wrong, or nothing.
  void deploy_by(std::function<std::string()> deploy) { deploy_ = std::move(deploy); }
  /// One that is connected reports.
  void report(const Report& report);
  /// What is stored now; no token where it is nowhere.
  Report stored() const;

  /// A pod of Rancher's own server became ready, or went.
  void server_ready(const std::string& pod);
  void server_gone(const std::string& pod);

 private:
  void look(const Change& change);
  std::string noticed(const boost::json::value& resource) const;
  std::string secret_name(const boost::json::value& resource) const;
  bool keeps_secret() const;
  bool tells_tunnel() const;
  boost::json::value with_token(boost::json::value resource, const std::string& token);
  bool is_news(const Report& report) const;
  void connect();
  void connect_again(std::chrono::milliseconds pause);
  void mark_unavailable();
  void conclude(const std::string& error);
  void check_tunnel();
  void tell_proxy();
  void deploy();
  const boost::json::value& resource() const;

  boost::asio::io_context& io_;
  Objects& local_;
  unsigned short downstream_port_ = 0;  // 0: not started yet
  Scheduler& scheduler_;
  const Settings& settings_;
  Log& log_;
  std::string id_;
  ObjectKey key_;                 // of the clusters resource
  std::string known_;             // the stored credentials as last seen, as far as it notices
  std::optional<Report> taken_;   // what it connects with
  std::uint64_t epoch_ = 0;       // counts changes of them
  std::uint64_t round_ = 0;       // counts attempts to connect: a newer one makes older ones void
  std::set<std::string> agents_;  // pods that are connected
  enum class Tunnel { up, down } tunnel_ = Tunnel::up;
  std::map<std::string, std::uint64_t> servers_;  // epoch in which each server pod started
  std::string proxy_;
  std::function<std::string()> deploy_;
  enum class Deploying { no, yes } deploying_ = Deploying::no;
};

/// The message of the condition Ready where Rancher's health check ended with that error of its
/// client, e.g. "Unauthorized", and the condition's reason.
std::string health_complaint(const RancherProfile& rancher, const std::string& error);
std::string health_reason(const RancherProfile& rancher);
/// What its dialer says where no agent of the cluster is connected. From rancher/rancher v2.3.11,
/// v2.4.0, v2.5.17 and v2.6.0, pkg/dialer/factory.go.
std::string no_tunnel(const Version& rancher, const std::string& id);

/// Somebody deletes the Secret with the token of that cluster. Throws where Rancher keeps it
/// elsewhere.
void remove_credential(Objects& local, Log& log, const std::string& id = std::string(cluster_id));

}  // namespace retrust::sandbox
