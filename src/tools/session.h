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
#include <boost/json/value.hpp>

#include "base/names.h"
#include "process/process.h"
#include "process/slots.h"
#include "tools/arguments.h"

namespace retrust {

/// The name of a session's socket in its folder.
inline constexpr const char* session_socket = "s";

/// The arguments of `kubectl proxy` for a socket. The proxy answers 403 to requests that change an
/// object. kubectl cannot tell a review from another POST, so retrust itself sends no other (see
/// Query).
Arguments proxy_args(std::string_view socket);

/// The kubectl of a session, and its start.
struct SessionTarget {
  std::string program;  ///< the path of a kubectl
  /// Path of the kubeconfig. A session sends no more requests once this file changes: its new
  /// content may lead to another cluster.
  std::string kubeconfig;
  /// Returns the complete command line arguments for the arguments of `kubectl proxy`.
  std::function<std::vector<std::string>(Arguments proxy)> args;
  std::map<std::string, std::string> environment = {};
  /// Time limit from the start until kubectl serves.
  std::chrono::milliseconds start_limit{std::chrono::seconds{10}};
};

/// Callbacks of a session about its proxy.
struct SessionNews {
  std::function<void(const Arguments& proxy)> started;
  std::function<void(std::string_view how, std::chrono::milliseconds wall)> ended;
};

/// A long-lived `kubectl proxy` for the reads of one cluster, which logs in once. The proxy ends
/// with this process (see guard.h). The next request restarts a dead proxy, a few times.
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

  /// The path of the kubeconfig's server URL, such as /k8s/clusters/local. kubectl proxy leaves
  /// this path out of its requests, so each request must begin with the path. A session sends no
  /// request before the path is known. Requests wait for the path only after expect_base().
  void expect_base();
  void set_base(std::string path);
  std::string base() const;
  bool usable();

  /// The socket of a serving proxy, once there is one. Nothing if there can be none: kubectl cannot
  /// serve, or died too often, or the base is not to be known.
  boost::asio::awaitable<std::optional<std::string>> socket();

  /// The path of the serving kubectl if the started program is a dispatcher. The dispatcher of
  /// gcloud reads the server's version and becomes the kubectl.1.NN beside it. Empty otherwise.
  const std::string& selected() const;

  /// Ends the proxy until the next request, which starts it again: nobody needs it for a while.
  void rest();

  /// The part in use of the kubeconfig as it was remembered, without its secrets; null if there is
  /// none, or if the session serves no more, as after a change of the file.
  const boost::json::value* kubeconfig();
  void remember_kubeconfig(boost::json::value view);

  /// Notes that a new connection led to the cluster with this uid of kube-system.
  void saw(Uid cluster);
  /// True if that was noted at most so long ago, and the kubeconfig is unchanged.
  bool saw_lately(const Uid& cluster, std::chrono::milliseconds ago);

  /// A place among the requests that the API server gets at once: 16 at most, apart from watches.
  boost::asio::awaitable<Slots::Taken> place();

  /// Ends the proxy for good, without waiting for its end. Work of a few seconds at most remains
  /// until then. `why` is part of the end event.
  void close(std::string_view why = "not needed any longer");

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// The path of a URL, without query and fragment. Nothing if the path may not stand in a request.
std::optional<std::string> url_path(std::string_view url);

/// Makes a private folder for a socket, in the first suitable place. A place is suitable if the
/// path fits into a socket's address, nobody else can replace the folder, and the folder can be
/// made. Nothing if no place is suitable.
std::optional<std::filesystem::path> session_folder(
    const std::vector<std::filesystem::path>& places);

}  // namespace retrust
