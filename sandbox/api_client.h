#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>

namespace retrust::sandbox {

/// Speaks to a real API server with what a kubeconfig in JSON says. The file is read again for
/// every connection, because a renewal of the CA changes it.
class ApiClient {
 public:
  explicit ApiClient(std::filesystem::path kubeconfig) : kubeconfig_(std::move(kubeconfig)) {}

  struct Request {
    std::string method;
    std::string target;
    boost::json::value body = {};
    std::string type = "application/json";
  };
  struct Answer {
    unsigned code = 0;
    boost::json::value body;
  };
  /// Throws where the server cannot be reached or trusted; its refusals are answers.
  boost::asio::awaitable<Answer> ask(Request request) const;

  /// Hands on every event of a watch, until the server ends it. Throws as `ask` does, and where the
  /// server refuses.
  boost::asio::awaitable<void> watch(
      std::string target, std::function<void(const boost::json::value& event)> each) const;

 private:
  std::filesystem::path kubeconfig_;
};

}  // namespace retrust::sandbox
