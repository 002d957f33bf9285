#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "api.h"
#include "hostile.h"
#include "pki.h"
#include "store.h"

namespace retrust::sandbox {

/// Serves an API over TLS on 127.0.0.1. Keeps its port over a restart.
class Server {
 public:
  struct Hooks {
    std::function<Answer(const Request&)> handle;
    /// Called when an answer goes out (for a watch: when it starts), with the path as asked.
    std::function<void(const About&, const std::string& path, unsigned code)> answered;
    /// After this time the server ends a watch by itself, where there is one.
    std::function<std::optional<std::chrono::milliseconds>()> watch_limit;
    /// Changes what is sent; nobody where there is none.
    Hostile* hostile = nullptr;
  };
  Server(boost::asio::io_context& io, Store& store, const Authority::Issued& identity, Hooks hooks);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Listens; the first time on a port of the system's choice.
  void start();
  /// Closes the listener and every connection.
  void stop();
  unsigned short port() const;
  /// From the next connection on this is its certificate.
  void show(const Authority::Issued& identity);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace retrust::sandbox
