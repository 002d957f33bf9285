// Stands in front of an API server and writes down what it is asked and what it answers.
#include <csignal>
#include <fstream>
#include <iostream>
#include <list>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "base/encoding.h"

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;
namespace po = boost::program_options;
using asio::ip::tcp;
using Stream = asio::ssl::stream<tcp::socket>;
using Asked = http::request<http::string_body>;

constexpr std::string_view help = R"(Usage: retrust-recorder OPTION...
Listen on 127.0.0.1 in front of the API server of a kubeconfig, and record what passes. Prints
"ready" and runs until standard input closes. Authorization headers are passed on, not recorded.

  --kubeconfig FILE     of the server, written as JSON
  --certificate FILE    what clients are shown, PEM; issued by the server's CA
  --key FILE            its private key, PEM
  --to FILE             where the kubeconfig of the recorder itself goes
  --record FILE         where the record goes, a line of JSON for each exchange
  --help
)";
constexpr std::size_t largest_body = std::size_t{4} << 20U;
constexpr std::uint64_t largest_request = std::uint64_t{16} << 20U;

struct Options {
  std::string kubeconfig;
  std::string certificate;
  std::string key;
  std::string to;
  std::string record;
};

std::string whole_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A file for its owner alone: both that are written here hold secrets.
std::ofstream private_file(const std::string& path) {
  std::ofstream file(path);
  ::chmod(path.c_str(), 0600);
  if (!file) throw std::runtime_error("cannot write " + path);
  return file;
}

/// One request with what came back, as far as it came.
struct Exchange {
  Asked asked;
  unsigned status = 0;  ///< 0: there was no answer
  std::string content_type;
  std::string body;
};

std::string record_line(const Exchange& exchange) {
  const auto& asked = exchange.asked;
  json::object line;
  line["method"] = std::string_view(asked.method_string());
  line["target"] = std::string_view(asked.target());
  line["accept"] = std::string_view(asked[http::field::accept]);
  line["requestType"] = std::string_view(asked[http::field::content_type]);
  boost::system::error_code not_json;
  json::parse(asked.body(), not_json);
  line["requestBody"] = not_json ? "" : std::string_view(asked.body());
  line["status"] = exchange.status;
  line["contentType"] = exchange.content_type;
  // Protobuf is no text.
  const auto is_text = exchange.content_type.find("protobuf") == std::string::npos;
  line["body"] = is_text ? std::string_view(exchange.body) : "";
  return json::serialize(line) + "\n";
}

bool is_watch(const Asked& asked) {
  const std::string_view target(asked.target());
  return target.find("watch=true") != std::string_view::npos ||
         target.find("watch=1") != std::string_view::npos;
}

void close(Stream& stream) {
  boost::system::error_code ignored;
  stream.lowest_layer().close(ignored);
}

class Recorder {
 public:
  Recorder(asio::io_context& io, const Options& options)
      : io_(io),
        to_server_(asio::ssl::context::tls_client),
        to_clients_(asio::ssl::context::tls_server),
        acceptor_(io, {asio::ip::address_v4::loopback(), 0}),
        record_(private_file(options.record)) {
    auto config = json::parse(whole_file(options.kubeconfig));
    auto& cluster = config.at_pointer("/clusters/0/cluster").as_object();
    const std::string url(cluster.at("server").as_string());
    const auto ca = base64_decode(cluster.at("certificate-authority-data").as_string());
    constexpr std::string_view scheme = "https://";
    const auto end = std::min(url.find('/', scheme.size()), url.size());
    const auto colon = url.rfind(':', end);
    if (!url.starts_with(scheme) || colon < scheme.size() || !ca) {
      throw std::runtime_error(options.kubeconfig + " names no https://HOST:PORT with a CA");
    }
    host_ = url.substr(scheme.size(), colon - scheme.size());
    port_ = url.substr(colon + 1, end - colon - 1);
    to_server_.add_certificate_authority(asio::buffer(*ca));
    to_server_.set_verify_mode(asio::ssl::verify_peer);
    to_clients_.use_certificate_chain_file(options.certificate);
    to_clients_.use_private_key_file(options.key, asio::ssl::context::pem);
    cluster["server"] =
        fmt::format("https://127.0.0.1:{}{}", acceptor_.local_endpoint().port(), url.substr(end));
    private_file(options.to) << json::serialize(config) << '\n';
  }

  asio::awaitable<void> accept() {
    boost::system::error_code closed;
    for (;;) {
      auto socket =
          co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, closed));
      if (closed) break;
      socket.set_option(tcp::no_delay(true));
      const auto client = std::make_shared<Stream>(std::move(socket), to_clients_);
      clients_.push_back(client);
      asio::co_spawn(io_, serve(client), asio::detached);
    }
  }

  /// Takes no more clients and lets go of the present ones, so that everything ends.
  void stop() {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    for (const auto& client : clients_) close(*client);
  }

 private:
  enum class Next { another_request, end };

  asio::awaitable<void> serve(std::shared_ptr<Stream> client) {
    try {
      co_await client->async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
      boost::beast::flat_buffer buffer;
      for (auto next = Next::another_request; next == Next::another_request;) {
        http::request_parser<http::string_body> parser;
        parser.body_limit(largest_request);
        co_await http::async_read(*client, buffer, parser, asio::use_awaitable);
        Exchange exchange{parser.release(), 0, {}, {}};
        std::exception_ptr broken;
        try {
          next = co_await pass_on(client, exchange);
        } catch (const std::exception&) {
          broken = std::current_exception();
        }
        record_ << record_line(exchange) << std::flush;
        if (broken) std::rethrow_exception(broken);
      }
    } catch (const std::exception&) {
      // The client or the server went away: what there was of it is written down.
    }
    close(*client);
    std::erase(clients_, client);
  }

  asio::awaitable<std::shared_ptr<Stream>> connect() {
    const auto server = std::make_shared<Stream>(io_, to_server_);
    server->set_verify_callback(asio::ssl::host_name_verification(host_));
    tcp::resolver resolver(io_);
    const auto found = co_await resolver.async_resolve(host_, port_, asio::use_awaitable);
    const auto address = found.begin()->endpoint();
    co_await server->lowest_layer().async_connect(address, asio::use_awaitable);
    server->lowest_layer().set_option(tcp::no_delay(true));
    co_await server->async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
    co_return server;
  }

  /// A client that ends its watch says so by going away.
  asio::awaitable<void> end_with(std::shared_ptr<Stream> client, std::shared_ptr<Stream> server) {
    std::array<char, 64> nothing{};
    boost::system::error_code ended;
    while (!ended) {
      co_await client->async_read_some(asio::buffer(nothing),
                                       asio::redirect_error(asio::use_awaitable, ended));
    }
    close(*server);
  }

  asio::awaitable<Next> pass_on(std::shared_ptr<Stream> client, Exchange& exchange) {
    const auto server = co_await connect();
    const auto next = is_watch(exchange.asked) || !exchange.asked.keep_alive()
                          ? Next::end
                          : Next::another_request;
    auto request = exchange.asked;
    request.erase(http::field::accept_encoding);  // what is packed cannot be read in the record
    request.set(http::field::connection, "close");
    request.prepare_payload();
    co_await http::async_write(*server, request, asio::use_awaitable);

    boost::beast::flat_buffer buffer;
    http::response_parser<http::buffer_body> parser;
    parser.body_limit(boost::none);
    co_await http::async_read_header(*server, buffer, parser, asio::use_awaitable);
    exchange.status = parser.get().result_int();
    exchange.content_type = std::string(parser.get()[http::field::content_type]);
    http::response<http::empty_body> head;
    head.base() = parser.get().base();
    head.keep_alive(next == Next::another_request);
    http::response_serializer<http::empty_body> serializer{head};
    co_await http::async_write_header(*client, serializer, asio::use_awaitable);
    // Only now: the end of a request that is no watch is followed by the next one.
    if (is_watch(exchange.asked)) asio::co_spawn(io_, end_with(client, server), asio::detached);

    const auto chunked = parser.chunked();
    std::vector<char> piece(std::size_t{64} << 10U);
    while (!parser.is_done()) {
      parser.get().body().data = piece.data();
      parser.get().body().size = piece.size();
      boost::system::error_code ended;
      co_await http::async_read_some(*server, buffer, parser,
                                     asio::redirect_error(asio::use_awaitable, ended));
      if (ended && ended != http::error::need_buffer) throw boost::system::system_error(ended);
      const auto size = piece.size() - parser.get().body().size;
      if (size == 0) continue;
      exchange.body.append(
          piece.data(),
          std::min(size, largest_body - std::min(largest_body, exchange.body.size())));
      const auto bytes = asio::buffer(piece.data(), size);
      if (chunked) {
        co_await asio::async_write(*client, http::make_chunk(bytes), asio::use_awaitable);
      } else {
        co_await asio::async_write(*client, bytes, asio::use_awaitable);
      }
    }
    if (chunked) co_await asio::async_write(*client, http::make_chunk_last(), asio::use_awaitable);
    close(*server);
    co_return next;
  }

  asio::io_context& io_;
  std::string host_;
  std::string port_;
  asio::ssl::context to_server_;
  asio::ssl::context to_clients_;
  tcp::acceptor acceptor_;
  std::list<std::shared_ptr<Stream>> clients_;
  std::ofstream record_;
};

asio::awaitable<void> stop_with_input(asio::posix::stream_descriptor& input, Recorder& recorder) {
  std::array<char, 64> nothing{};
  boost::system::error_code ended;
  while (!ended) {
    co_await input.async_read_some(asio::buffer(nothing),
                                   asio::redirect_error(asio::use_awaitable, ended));
  }
  recorder.stop();
}

Options parse(int argc, char** argv) {
  Options options;
  po::options_description described;
  described.add_options()("help", "");
  for (const auto& [name, value] :
       {std::pair{"kubeconfig", &options.kubeconfig},
        std::pair{"certificate", &options.certificate}, std::pair{"key", &options.key},
        std::pair{"to", &options.to}, std::pair{"record", &options.record}}) {
    described.add_options()(name, po::value<std::string>(value)->required(), "");
  }
  po::variables_map map;
  po::store(po::command_line_parser(argc, argv).options(described).run(), map);
  if (map.count("help") > 0) {
    fmt::print("{}", help);
    std::exit(0);
  }
  po::notify(map);
  return options;
}

}  // namespace
}  // namespace retrust::sandbox

int main(int argc, char** argv) {
  using namespace retrust::sandbox;
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const auto options = parse(argc, argv);
    boost::asio::io_context io{1};
    Recorder recorder(io, options);
    boost::asio::posix::stream_descriptor input(io, ::dup(STDIN_FILENO));
    boost::asio::co_spawn(io, recorder.accept(), boost::asio::detached);
    boost::asio::co_spawn(io, stop_with_input(input, recorder), boost::asio::detached);
    fmt::print("ready\n");
    std::fflush(stdout);
    io.run();
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "retrust-recorder: {}\n", error.what());
    return 2;
  }
}
