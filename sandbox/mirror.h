#pragma once

#include <deque>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "api_client.h"
#include "log.h"
#include "store.h"

namespace retrust::sandbox {

/// The objects of a real cluster, kept in step by watches. What is changed here is asked of the API
/// server, and is so here when the server tells of it.
class Mirror : public Objects {
 public:
  struct Kind {
    std::string resource;    ///< as in ObjectKey
    std::string name_space;  ///< empty: cluster-scoped
    std::string collection;  ///< path, e.g. /api/v1/namespaces/cattle-system/pods
    /// Which part of an object can be changed by whoever acts here.
    enum class Changes { whole, status } changes = Changes::whole;
  };
  /// Of one namespace: pods, or a resource of the core group that can be changed as a whole.
  static Kind of_namespace(const std::string& resource, std::string_view name_space);
  Mirror(boost::asio::io_context& io, std::filesystem::path kubeconfig, std::vector<Kind> kinds,
         Log& log);

  /// Begins to watch. Over a restart of the server it waits for it.
  void start();
  /// Ends every watch; nothing is told any more.
  void end();
  /// Everything that the server had at the start is here.
  bool in_step() const { return listed_.size() == kinds_.size(); }

  void add(const ObjectKey& key, boost::json::value object) override;
  void update(const ObjectKey& key, boost::json::value object) override;
  void remove(const ObjectKey& key) override;
  /// Asks the server for something, after everything that was asked for before.
  void ask(ApiClient::Request request);

  const ApiClient& client() const { return client_; }

 private:
  boost::asio::awaitable<void> follow(const Kind& kind);
  boost::asio::awaitable<void> list_and_watch(const Kind& kind);
  boost::asio::awaitable<void> write();
  boost::asio::awaitable<void> pause();
  void take(const ObjectKey& key, const boost::json::value& object);
  void drop(const ObjectKey& key);
  const Kind& kind_of(const ObjectKey& key) const;

  boost::asio::io_context& io_;
  ApiClient client_;
  std::vector<Kind> kinds_;
  Log& log_;
  std::set<std::string> listed_;  // collections
  std::deque<ApiClient::Request> asked_;
  enum class State { idle, running, ended } state_ = State::idle;
};

/// The merge patch (RFC 7386) that makes `to` of `from`.
boost::json::value difference(const boost::json::value& from, const boost::json::value& to);

}  // namespace retrust::sandbox
