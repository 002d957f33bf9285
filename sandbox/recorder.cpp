// Stands in front of an API server and writes down what it is asked and what it answers.
#include <array>
#include <csignal>
#include <fstream>
#include <iostream>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/program_options.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "http.h"

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
namespace po = boost::program_options;

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
  http::Request asked;
  unsigned status = 0;  ///< 0: there was no answer
  std::string content_type;
  std::string body;
};

std::string record_line(const Exchange& exchange) {
  const auto& asked = exchange.asked;
  json::object line;
  line["method"] = asked.method;
  line["target"] = asked.target;
  line["accept"] = http::value_of(asked.fields, "accept");
  line["requestType"] = http::value_of(asked.fields, "content-type");
  boost::system::error_code not_json;
  json::parse(asked.body, not_json);
  line["requestBody"] = not_json ? "" : std::string_view(asked.body);
  line["status"] = exchange.status;
  line["contentType"] = exchange.content_type;
  // Protobuf is no text.
  const auto is_text = exchange.content_type.find("protobuf") == std::string::npos;
  line["body"] = is_text ? std::string_view(exchange.body) : "";
  return json::serialize(line) + "\n";
}

bool is_watch(const http::Request& asked) {
  const std::string_view target(asked.target);
  return target.find("watch=true") != std::string_view::npos ||
         target.find("watch=1") != std::string_view::npos;
}

class Recorder {
 public:
  Recorder(asio::io_context& io, const Options& options)
      : io_(io),
        listener_(io, [this](auto client) { return serve(std::move(client)); }),
        record_(private_file(options.record)) {
    auto config = json::parse(whole_file(options.kubeconfig));
    auto& cluster = config.at_pointer("/clusters/0/cluster").as_object();
    const std::string url(cluster.at("server").as_string());
    const auto ca = base64_decode(cluster.at("certificate-authority-data").as_string());
    constexpr std::string_view scheme = "https://";
    const auto end = std::min(url.find('/', scheme.size()), url.size());
    const auto colon = url.rfind(':', end);
    if (!url.starts_with(scheme) || colon < scheme.size() || !ca) {
      throw std::runtime_error(options.kubeconfig + " names no https://ADDRESS:PORT with a CA");
    }
    server_.address = url.substr(scheme.size(), colon - scheme.size());
    server_.port = static_cast<unsigned short>(std::stoi(url.substr(colon + 1, end - colon - 1)));
    server_.ca = *ca;
    server_.name = server_.address;
    listener_.show(whole_file(options.certificate), whole_file(options.key));
    listener_.start();
    cluster["server"] = fmt::format("https://127.0.0.1:{}{}", listener_.port(), url.substr(end));
    private_file(options.to) << json::serialize(config) << '\n';
  }

  /// Takes no more clients and lets go of the present ones, so that everything ends.
  void stop() { listener_.stop(); }

 private:
  enum class Next { another_request, end };

  asio::awaitable<void> serve(std::shared_ptr<http::Connection> client) {
    for (auto next = Next::another_request; next == Next::another_request;) {
      Exchange exchange;
      exchange.asked = co_await client->read_request();
      std::exception_ptr broken;
      try {
        next = co_await pass_on(client, exchange);
      } catch (const std::exception&) {
        broken = std::current_exception();
      }
      record_ << record_line(exchange) << std::flush;
      if (broken) std::rethrow_exception(broken);
    }
  }

  /// A client that ends its watch says so by going away.
  asio::awaitable<void> end_with(std::shared_ptr<http::Connection> client,
                                 std::shared_ptr<http::Connection> server) {
    co_await client->gone();
    server->close();
  }

  asio::awaitable<Next> pass_on(std::shared_ptr<http::Connection> client, Exchange& exchange) {
    const auto server = co_await http::connect(server_);
    const auto next =
        is_watch(exchange.asked) || !exchange.asked.keep_alive ? Next::end : Next::another_request;
    auto request = exchange.asked;
    // What is packed cannot be read in the record.
    std::erase_if(request.fields,
                  [](const auto& field) { return http::is(field.first, "accept-encoding"); });
    request.keep_alive = false;
    co_await server->write(std::move(request));

    auto head = co_await server->read_head();
    exchange.status = head.code;
    exchange.content_type = http::value_of(head.fields, "content-type");
    head.keep_alive = next == Next::another_request;
    co_await client->write_head(std::move(head));
    // Only now: the end of a request that is no watch is followed by the next one.
    if (is_watch(exchange.asked)) asio::co_spawn(io_, end_with(client, server), asio::detached);

    for (;;) {
      auto piece = co_await server->read_piece();
      if (!piece) break;
      const auto room = largest_body - std::min(largest_body, exchange.body.size());
      exchange.body.append(*piece, 0, room);
      co_await client->write_piece(std::move(*piece));
    }
    co_await client->write_end();
    server->close();
    co_return next;
  }

  asio::io_context& io_;
  http::Peer server_;
  http::Listener listener_;
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
