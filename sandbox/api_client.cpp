#include "api_client.h"

#include <fstream>
#include <iterator>
#include <stdexcept>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "http.h"
#include "json_util.h"

namespace retrust::sandbox {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

/// Sends a request over a connection with what the kubeconfig says now.
asio::awaitable<std::shared_ptr<http::Connection>> send(std::filesystem::path kubeconfig,
                                                        ApiClient::Request request) {
  std::ifstream file(kubeconfig);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto config = json::parse(text);
  const auto server = text_at(config, "/clusters/0/cluster/server");
  const auto ca = text_at(config, "/clusters/0/cluster/certificate-authority-data");
  http::Peer peer;
  peer.port = static_cast<unsigned short>(std::stoi(server.substr(server.rfind(':') + 1)));
  peer.ca = base64_decode(ca).value_or("");
  const auto connection = co_await http::connect(std::move(peer));

  http::Request message;
  message.method = request.method;
  message.target = request.target;
  message.fields.emplace_back("Host", "127.0.0.1");
  message.fields.emplace_back("Authorization", "Bearer " + text_at(config, "/users/0/user/token"));
  if (!request.body.is_null()) {
    message.fields.emplace_back("Content-Type", request.type);
    message.body = json::serialize(request.body);
  }
  co_await connection->write(std::move(message));
  co_return connection;
}

json::value parsed(const std::string& text) {
  boost::system::error_code no_json;
  auto value = json::parse(text, no_json);
  return no_json ? json::value(text) : value;
}

/// Takes the whole lines off the front of a text.
void take_lines(std::string& text, const std::function<void(const json::value&)>& each) {
  std::size_t begin = 0;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    const auto event = json::parse(text.substr(begin, end - begin));
    begin = end + 1;
    each(event);
  }
  text.erase(0, begin);
}

}  // namespace

asio::awaitable<ApiClient::Answer> ApiClient::ask(Request request) const {
  const auto connection = co_await send(kubeconfig_, std::move(request));
  const auto response = co_await connection->read_response();
  Answer answer;
  answer.code = response.code;
  answer.body = parsed(response.body);
  co_return answer;
}

asio::awaitable<void> ApiClient::watch(std::string target,
                                       std::function<void(const json::value&)> each) const {
  Request request;
  request.method = "GET";
  request.target = std::move(target);
  const auto connection = co_await send(kubeconfig_, std::move(request));
  const auto head = co_await connection->read_head();
  if (head.code != 200) {
    throw std::runtime_error(fmt::format("a watch was answered with {}", head.code));
  }
  std::string text;
  for (;;) {
    const auto piece = co_await connection->read_piece();
    if (!piece) break;
    text += *piece;
    take_lines(text, each);
  }
}

}  // namespace retrust::sandbox
