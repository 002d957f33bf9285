#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>

/// HTTP/1.1 over TLS. http.cpp alone compiles Boost.Beast and Asio's TLS streams: each further file
/// would cost 20 to 50 s.
namespace retrust::sandbox::http {

/// Header fields in their order.
using Fields = std::vector<std::pair<std::string, std::string>>;

/// Whether two names of fields are the same, in upper or lower case.
bool is(std::string_view name, std::string_view other);
/// Value of a field, whose name may be in upper or lower case; empty where there is none.
std::string_view value_of(const Fields& fields, std::string_view name);

struct Request {
  std::string method;
  std::string target;
  Fields fields = {};
  std::string body = {};
  unsigned version = 11;
  bool keep_alive = false;
};

struct Response {
  unsigned code = 0;
  Fields fields = {};
  std::string body = {};
  unsigned version = 11;
  bool keep_alive = false;
};

/// A TLS connection, of either side. Everything throws boost::system::system_error where the other
/// side went away or sends what is no HTTP.
class Connection {
 public:
  struct State;
  explicit Connection(std::unique_ptr<State> state);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Reads a whole request of up to 16 MiB.
  boost::asio::awaitable<Request> read_request();
  /// Reads a response without its body, which `read_piece` brings.
  boost::asio::awaitable<Response> read_head();
  /// Reads what comes next of the body of a response; nothing at its end.
  boost::asio::awaitable<std::optional<std::string>> read_piece();
  /// Reads a whole response.
  boost::asio::awaitable<Response> read_response();

  /// Writes a message with its body, and says how long the body is.
  boost::asio::awaitable<void> write(Request request);
  boost::asio::awaitable<void> write(Response response);
  /// Writes a response without its body, which `write_piece` sends: in chunks where a field says
  /// so.
  boost::asio::awaitable<void> write_head(Response response);
  boost::asio::awaitable<void> write_piece(std::string piece);
  /// Ends the body that `write_head` began.
  boost::asio::awaitable<void> write_end();

  /// Returns when the other side has gone, and throws nothing. What it sends until then is lost.
  boost::asio::awaitable<void> gone();
  void close();

 private:
  friend class Listener;
  std::unique_ptr<State> state_;
};

/// Accepts TLS connections on 127.0.0.1. Keeps its port over a restart.
class Listener {
 public:
  /// Serves one connection, which is closed afterwards. An exception ends this connection alone.
  using Serve = std::function<boost::asio::awaitable<void>(std::shared_ptr<Connection>)>;
  Listener(boost::asio::io_context& io, Serve serve);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Shows this certificate, in PEM, from the next connection on.
  void show(const std::string& certificate, const std::string& key);
  /// Listens; the first time on a port of the system's choice.
  void start();
  /// Closes the listener and every connection. Keeps the port, where connections are refused then.
  void stop();
  unsigned short port() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// A server as its client knows it.
struct Peer {
  std::string address = "127.0.0.1";
  unsigned short port = 0;
  std::string ca = {};             ///< in PEM; whoever else signed is not trusted
  std::string name = "127.0.0.1";  ///< that the certificate is for
};

/// TLS could not be agreed on.
struct HandshakeError : boost::system::system_error {
  HandshakeError(const boost::system::error_code& code, long said)
      : system_error(code), verdict(said) {}
  long verdict;  ///< of OpenSSL about the certificate: X509_V_…
};

/// Connects. Throws HandshakeError, or system_error where nobody listens.
boost::asio::awaitable<std::shared_ptr<Connection>> connect(Peer peer);

}  // namespace retrust::sandbox::http
