#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "process/process.h"
#include "tools/arguments.h"

namespace retrust {

/// The name of a session's socket in its folder.
inline constexpr const char* session_socket = "s";

/// The arguments of `kubectl proxy` for a socket. It answers 403 to requests that change an object;
/// kubectl cannot tell a review from another POST, so retrust itself sends no other (see Query).
Arguments proxy_args(std::string_view socket);

/// How a session starts its kubectl.
struct SessionTarget {
  std::string program;  ///< the path of a kubectl
  /// A session is of what this file said at its beginning: where it changes no request is sent any
  /// more, as it may lead to another cluster.
  std::string kubeconfig;
  /// What comes before and after the arguments of `kubectl proxy`, too.
  std::function<std::vector<std::string>(Arguments proxy)> args;
  std::map<std::string, std::string> environment = {};
  /// From the start until kubectl serves.
  std::chrono::milliseconds start_limit{std::chrono::seconds{10}};
};

/// What a session tells of its proxy.
struct SessionNews {
  std::function<void(const Arguments& proxy)> started;
  std::function<void(std::string_view how, std::chrono::milliseconds wall)> ended;
};

/// A long-lived `kubectl proxy` for the reads of one cluster, which logs in once. It ends with this
/// process (see guard.h). A proxy that dies is started again by the next request, a few times.
class Session {
 public:
  /// The runner must outlive it.
  Session(Runner& runner, boost::asio::any_io_executor executor, SessionTarget target,
          SessionNews news = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Starts the proxy, without waiting for it.
  void start();

  /// The path of the kubeconfig's server URL, such as /k8s/clusters/local: kubectl proxy leaves it
  /// out of its requests, so each has to begin with it. No request is sent before it is known, and
  /// before somebody looks for it none waits.
  void expect_base();
  void set_base(std::string path);
  std::string base() const;
  bool usable() const;

  /// The socket of a proxy that serves, once it does. Nothing where none can be had: its kubectl
  /// cannot, or died too often, or the base is not to be known.
  boost::asio::awaitable<std::optional<std::string>> socket();

  /// The kubectl that serves, where the program that was started is a dispatcher: that of gcloud
  /// looks at the server's version and becomes the kubectl.1.NN beside it. Empty otherwise.
  const std::string& selected() const;

  /// Ends the proxy for good, without waiting for its end: work remains until then, some seconds
  /// at most.
  void close();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// The path of a URL, without what follows it; nothing where it may not stand in a request.
std::optional<std::string> url_path(std::string_view url);

/// A new folder for a socket, for nobody else to look into: in the first of the given places in
/// which its path fits into a socket's address, nobody else can replace it, and a folder can be
/// made. Nothing where none does.
std::optional<std::filesystem::path> session_folder(
    const std::vector<std::filesystem::path>& places);

}  // namespace retrust
