#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <boost/asio/io_context.hpp>

#include "log.h"
#include "scheduler.h"
#include "settings.h"
#include "store.h"

namespace retrust::sandbox {

inline constexpr std::string_view cluster_id = "c-x7k2p";

/// Rancher's server as far as the downstream cluster is concerned: it takes what agents report,
/// connects with what it has stored, and says what it sees in the clusters resource.
class Rancher {
 public:
  Rancher(boost::asio::io_context& io, Objects& local, Scheduler& scheduler,
          const Settings& settings, Log& log);

  /// Begins to look after the cluster, whose API server is at that port of this machine.
  void start(unsigned short downstream_port);

  struct Report {
    std::string token;
    std::string ca_base64;
  };
  /// An agent connected and reports.
  void report(const Report& report);

  /// A pod of Rancher's own server became ready, or went.
  void server_ready(const std::string& pod);
  void server_gone(const std::string& pod);

 private:
  void look(const Change& change);
  void connect();
  void conclude(const std::string& error);
  void tell_proxy();
  const boost::json::value& resource() const;

  boost::asio::io_context& io_;
  Objects& local_;
  unsigned short downstream_port_ = 0;
  Scheduler& scheduler_;
  const Settings& settings_;
  Log& log_;
  std::string known_;        // the stored credentials as last seen
  std::uint64_t epoch_ = 0;  // counts changes of them
  std::uint64_t round_ = 0;  // counts attempts to connect: a newer one makes older ones void
  std::map<std::string, std::uint64_t> servers_;  // epoch in which each server pod started
  std::string proxy_;
};

/// The version that a profile stands for: 2.4 is v2.4.17.
std::string rancher_version(const std::string& profile);
/// major * 100 + minor
int rancher_series(const std::string& profile);

}  // namespace retrust::sandbox
