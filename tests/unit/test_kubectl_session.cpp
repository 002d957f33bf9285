// Reads of a kubectl whose proxy misbehaves: a process answers instead, or the failure is told.
#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/json.h"
#include "children.h"
#include "observe/commands.h"
#include "process/tasks.h"
#include "tools/kubectl.h"
#include "tools/session.h"

namespace retrust::test {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using asio::local::stream_protocol;
using boost::system::error_code;
using std::chrono::milliseconds;

/// What a proxy sends for a request; then it closes the connection, or waits for the client to.
struct Reply {
  std::string bytes;
  enum class Then { closes, hangs } then = Then::closes;
};

Reply answer(int status, const std::string& body) {
  return {fmt::format("HTTP/1.1 {} x\r\nContent-Length: {}\r\n\r\n{}", status, body.size(), body)};
}

/// A list of pods without any, which `more` is said to follow.
Reply page(const std::string& more) {
  return answer(200, R"({"kind":"PodList","metadata":{"resourceVersion":"1","continue":")" + more +
                         R"("},"items":[]})");
}

using Proxy = std::function<Reply(const std::string& target)>;

/// Serves requests as the proxy of the kubectl below.
class Server : public std::enable_shared_from_this<Server> {
 public:
  Server(asio::io_context& io, const std::string& path, Proxy proxy)
      : io_(io), acceptor_(io, stream_protocol::endpoint(path)), proxy_(std::move(proxy)) {}

  void start() {
    asio::co_spawn(
        io_, [self = shared_from_this()] { return self->accept(); }, asio::detached);
  }
  void stop() {
    error_code ignored;
    acceptor_.close(ignored);
  }

 private:
  asio::awaitable<void> accept() {
    error_code closed;
    for (;;) {
      auto client =
          co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, closed));
      if (closed) co_return;
      const auto shared = std::make_shared<stream_protocol::socket>(std::move(client));
      asio::co_spawn(
          io_, [self = shared_from_this(), shared] { return self->serve(shared); }, asio::detached);
    }
  }

  asio::awaitable<void> serve(std::shared_ptr<stream_protocol::socket> client) {
    std::string asked;
    std::array<char, 4096> buffer{};
    error_code gone;
    const auto read = [&]() -> asio::awaitable<void> {
      const auto size = co_await client->async_read_some(
          asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, gone));
      asked.append(buffer.data(), size);
    };
    while (!gone && asked.find("\r\n\r\n") == std::string::npos) co_await read();
    // Nothing is asked by whoever only looks who serves.
    if (gone) co_return;
    const auto begin = asked.find(' ') + 1;
    const auto reply = proxy_(asked.substr(begin, asked.find(' ', begin) - begin));
    co_await asio::async_write(*client, asio::buffer(reply.bytes),
                               asio::redirect_error(asio::use_awaitable, gone));
    while (reply.then == Reply::Then::hangs && !gone) co_await read();
  }

  asio::io_context& io_;
  stream_protocol::acceptor acceptor_;
  Proxy proxy_;
};

/// A kubectl with a session, and what it did.
class Play final : public EventSink {
 public:
  explicit Play(Proxy proxy, milliseconds command_timeout = std::chrono::seconds{30})
      : proxy_([this, proxy = std::move(proxy)](const std::string& target) {
          requests.push_back(target);
          return proxy(target);
        }) {
    const auto program = folder_.file("kubectl",
                                      "#!/bin/sh\n"
                                      "case \" $* \" in *' proxy '*)\n"
                                      "echo Starting to serve on x; exec sleep 1000 ;; esac\n"
                                      "echo '{\"kind\":\"PodList\",\"items\":[{\"metadata\":"
                                      "{\"name\":\"by-a-process\"}}]}'\n",
                                      fs::perms::owner_all);
    KubectlTarget target;
    target.program = program;
    target.kubeconfig = folder_.file("kubeconfig", "", fs::perms::owner_all);
    target.command_timeout = command_timeout;
    const Kubectl plain(runner_, *this, std::move(target));
    kubectl = plain.in_session(io_.get_executor());
    kubectl->session()->set_base("");
  }

  /// The socket of a proxy is served from the moment when its command is told of.
  void emit(const Event& event) override {
    if (event.is<WaitStarted>()) waits.push_back("begins " + event.text);
    if (event.is<WaitProgress>()) waits.push_back("sees " + event.text);
    if (event.is<WaitEnded>()) waits.push_back("ends " + event.text);
    const auto* ended = std::get_if<CommandEnded>(&event.what);
    if (ended != nullptr) endings.push_back(ended->ending);
    if (!event.is<CommandStarted>()) return;
    commands.push_back(event.text);
    constexpr std::string_view option = "--unix-socket=";
    const auto at = event.text.find(option);
    if (at == std::string::npos) return;
    const auto path = event.text.substr(at + option.size());
    server_ = std::make_shared<Server>(io_, path.substr(0, path.find(' ')), proxy_);
    server_->start();
  }

  /// The names of the pods that a read brings; throws as the read does.
  std::vector<std::string> pods(RetryPolicy policy = {}) {
    std::vector<std::string> names;
    run([&, policy]() -> asio::awaitable<void> {
      const auto reader = kubectl->with(policy);
      auto query = pods_query();
      const auto list = co_await reader.get(std::move(query));
      for (const auto& item : array_at(list, "/items")) {
        names.push_back(text_at(item, "/metadata/name"));
      }
    });
    return names;
  }

  void run(std::function<asio::awaitable<void>()> task) {
    std::exception_ptr failure;
    asio::co_spawn(io_, std::move(task), [&](std::exception_ptr error) {
      failure = std::move(error);
      kubectl->session()->close();
      if (server_) server_->stop();
    });
    io_.run();
    io_.restart();
    if (failure) std::rethrow_exception(failure);
  }

  void change_kubeconfig() const {
    folder_.file("kubeconfig", "another: one", fs::perms::owner_all);
  }

  static Query pods_query() {
    return {Arguments{"pods", "-n", "x"}, {ApiRead::list(Resource::pods, NamespaceName("x"))}};
  }

  std::vector<std::string> requests;
  std::vector<std::string> commands;
  std::vector<std::string> endings;
  std::vector<std::string> waits;

  void interrupt() { runner_.interrupt(SIGINT); }

 private:
  Folder folder_;
  asio::io_context io_;
  Runner runner_{io_.get_executor()};
  Proxy proxy_;
  std::shared_ptr<Server> server_;

 public:
  std::optional<Kubectl> kubectl;  ///< ends its session before the executor goes
};

using Names = std::vector<std::string>;

/// A --command-timeout of which a proxy gets a third to answer.
constexpr milliseconds a_while{6000};

TEST_CASE("kubectl session: a proxy that accepts and never answers is asked once") {
  const auto silent = [](const std::string&) { return Reply{"", Reply::Then::hangs}; };
  Play play(silent, a_while);
  Names first;
  Names second;
  play.run([&]() -> asio::awaitable<void> {
    for (auto* names : {&first, &second}) {
      auto query = Play::pods_query();
      const auto list = co_await play.kubectl->get(std::move(query));
      for (const auto& item : array_at(list, "/items")) {
        names->push_back(text_at(item, "/metadata/name"));
      }
    }
  });
  CHECK(first == Names{"by-a-process"});
  CHECK(second == first);
  CHECK(play.requests.size() == 1);
}

TEST_CASE("kubectl session: a watch that is not answered is one of a process") {
  const auto silent = [](const std::string& target) {
    return target.find("watch=true") == std::string::npos ? page("")
                                                          : Reply{"", Reply::Then::hangs};
  };
  Play play(silent, a_while);
  const auto watch = [&]() -> asio::awaitable<void> {
    auto query = Play::pods_query();
    const auto stop = [&](const WatchEvent&) { return Flow::stop; };
    // The script prints no event, so its watch ends at once and begins again.
    const auto on_list = [&] {
      for (const auto& line : play.commands) {
        if (line.find(" -w ") != std::string::npos) throw std::runtime_error("by a process");
      }
    };
    const milliseconds limit = std::chrono::minutes(1);
    co_await play.kubectl->watch(std::move(query), limit, on_list, stop);
  };
  CHECK_THROWS_WITH(play.run(watch), "by a process");
}

TEST_CASE("kubectl session: a watch ends in time where nothing answers") {
  for (const std::string hanging : {"limit=", "watch=true"}) {
    CAPTURE(hanging);
    Play play([&](const std::string& target) {
      return target.find(hanging) == std::string::npos ? page("") : Reply{"", Reply::Then::hangs};
    });
    auto in_time = true;
    play.run([&]() -> asio::awaitable<void> {
      auto query = Play::pods_query();
      const auto go_on = [](const WatchEvent&) { return Flow::go_on; };
      const auto on_list = [] {};
      const milliseconds limit(50);
      in_time = co_await play.kubectl->watch(std::move(query), limit, on_list, go_on);
    });
    CHECK_FALSE(in_time);
    // A proxy that got so little time is not given up.
    for (const auto& line : play.commands) CHECK(line.find(" get pods ") == std::string::npos);
  }
}

TEST_CASE("kubectl session: empty pages that others follow come to an end") {
  int count = 0;
  Play play([&](const std::string&) { return page("more" + std::to_string(++count)); });
  CHECK_THROWS_WITH(play.pods(), doctest::Contains("a list without an end"));
  CHECK(play.requests.size() < 20);
  Play again([](const std::string&) { return page("more"); });
  CHECK_THROWS_WITH(again.pods(), doctest::Contains("a list without an end"));
  CHECK(again.requests.size() == 2);
}

TEST_CASE("kubectl session: a list that begins again after it expired is read whole, once") {
  const std::string expired =
      R"({"kind":"Status","reason":"Expired","code":410,"message":"too old"})";
  Play play([&](const std::string& target) {
    return target.find("continue=") == std::string::npos ? page("more") : answer(410, expired);
  });
  CHECK_THROWS_WITH(play.pods(), doctest::Contains("a list without an end"));
  CHECK(play.requests.size() == 3);
}

TEST_CASE("kubectl session: a process answers where an answer stops half-way") {
  Reply half{"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{", Reply::Then::hangs};
  Play play([&](const std::string&) { return half; }, a_while);
  CHECK(play.pods({std::chrono::minutes{5}}) == Names{"by-a-process"});
  CHECK(play.requests.size() == 1);
}

TEST_CASE("kubectl session: a changed kubeconfig ends it, and the end says so") {
  Play play([](const std::string&) { return page(""); });
  play.run([&]() -> asio::awaitable<void> {
    for (const auto* program : {"proxy", "process"}) {
      CAPTURE(program);
      auto query = Play::pods_query();
      const auto list = co_await play.kubectl->get(std::move(query));
      CHECK(array_at(list, "/items").empty() == (std::string_view(program) == "proxy"));
      play.change_kubeconfig();
    }
  });
  CHECK(play.requests.size() == 1);
  const auto& ends = play.endings;
  CHECK(std::find(ends.begin(), ends.end(), "ended by retrust: the kubeconfig has changed") !=
        ends.end());
}

TEST_CASE("kubectl session: an answer that is no list of these objects says nothing of them") {
  for (const std::string body :
       {"", "<html>please log in</html>", "{} {}", R"({"error":"please log in"})", "null", "[]",
        R"({"items":[]})", R"({"kind":"PodList"})", R"({"kind":"SecretList","items":[]})",
        R"({"kind":"Status","status":"Failure"})"}) {
    CAPTURE(body);
    Play play([&](const std::string&) { return answer(200, body); });
    CHECK(play.pods() == Names{"by-a-process"});
  }
  Play none([](const std::string&) { return answer(200, R"({"kind":"PodList","items":null})"); });
  CHECK(none.pods().empty());
}

TEST_CASE("kubectl session: an answer that is another object says nothing of the one asked for") {
  for (const std::string body :
       {R"({"kind":"Pod","metadata":{"name":"other"}})",
        R"({"kind":"Secret","metadata":{"name":"mine"}})",
        R"({"kind":"Status","status":"Success"})", "{}", "", "<html>please log in</html>"}) {
    CAPTURE(body);
    Play play([&](const std::string&) { return answer(200, body); });
    std::string kind;
    play.run([&]() -> asio::awaitable<void> {
      const auto name_space = NamespaceName("x");
      const auto name = ObjectName("mine");
      Query query{Arguments{"pod/mine"}, {ApiRead::object(Resource::pods, name_space, name)}};
      const auto found = co_await play.kubectl->get(std::move(query));
      kind = text_at(found, "/kind");
    });
    CHECK(kind == "PodList");  // what the process printed
  }
}

/// What a process of kubectl is asked for after a review through the proxy was answered so.
std::string kind_of_verdict(const std::string& body) {
  Play play([&](const std::string&) { return answer(201, body); });
  std::string verdict;
  play.run([&]() -> asio::awaitable<void> {
    boost::json::array reviews;
    reviews.push_back(boost::json::parse(
        R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"t"}})"));
    const auto answers = co_await play.kubectl->review(std::move(reviews));
    verdict = text_at(answers.front(), "/kind");
  });
  return verdict;
}

TEST_CASE("kubectl session: an answer that is no such review is no verdict on a token") {
  const std::string review = R"("apiVersion":"authentication.k8s.io/v1","kind":"TokenReview")";
  CHECK(kind_of_verdict("{" + review + R"(,"spec":{"token":"t"},"status":{"user":{}}})") ==
        "TokenReview");
  for (const auto& body :
       {std::string(R"({"status":{"authenticated":false}})"),
        std::string(R"({"kind":"Status","status":{},"spec":{"token":"t"}})"),
        "{" + review + R"(,"status":{}})", "{" + review + R"(,"spec":{"token":"u"},"status":{}})",
        "{" + review + R"(,"spec":{"token":"t"},"status":"Failure"})",
        "{" + review + R"(,"spec":{"token":"t"},"status":{"authenticated":"true"}})",
        "{" + review + R"(,"spec":{"token":"t"}})", std::string("<html>log in</html>"),
        std::string()}) {
    CAPTURE(body);
    // The process prints a list of pods, which is no verdict either.
    CHECK(kind_of_verdict(body) == "PodList");
  }
}

/// A refusal whose server asks for a time without requests.
Reply busy(int seconds) {
  const std::string body =
      R"({"kind":"Status","status":"Failure","reason":"TooManyRequests","message":"x","code":429})";
  return {fmt::format("HTTP/1.1 429 x\r\nRetry-After: {}\r\nContent-Length: {}\r\n\r\n{}", seconds,
                      body.size(), body)};
}

TEST_CASE("kubectl session: after a change, a busy server is asked again when it wants, and told") {
  const std::string error =
      R"({"kind":"Status","reason":"InternalError","message":"x","code":500})";
  int count = 0;
  Play play([&](const std::string&) {
    ++count;
    return count == 1 ? busy(1) : count == 2 ? answer(500, error) : page("");
  });
  play.kubectl->be_patient(std::chrono::seconds{30});
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::string> names;
  play.run([&]() -> asio::awaitable<void> {
    auto query = Play::pods_query();
    co_await play.kubectl->get(std::move(query));
  });
  CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::seconds{1});
  CHECK(play.requests.size() == 3);
  REQUIRE(play.waits.size() == 4);
  CHECK(play.waits[0].starts_with("begins for the downstream cluster ("));
  CHECK(play.waits[0].ends_with(") to answer, 30 s at most"));
  CHECK(play.waits[1].find("has too many requests") != std::string::npos);
  CHECK(play.waits[2].find("reports an error of its own") != std::string::npos);
  CHECK(play.waits[3].ends_with("answers again"));
}

TEST_CASE("kubectl session: a server that wants more time than is left is not asked again") {
  Play play([](const std::string&) { return busy(1000); });
  play.kubectl->be_patient(std::chrono::seconds{30});
  CHECK_THROWS_WITH(play.run([&]() -> asio::awaitable<void> {
    auto query = Play::pods_query();
    co_await play.kubectl->get(std::move(query));
  }),
                    doctest::Contains("has too many requests"));
  CHECK(play.requests.size() == 1);
}

TEST_CASE("kubectl session: a signal ends the wait for a busy server at once") {
  Play play([](const std::string&) { return busy(20); });
  play.kubectl->be_patient(std::chrono::seconds{30});
  auto signal = 0;
  const auto begun = std::chrono::steady_clock::now();
  play.run([&]() -> asio::awaitable<void> {
    std::vector<asio::awaitable<void>> both;
    both.push_back([](Play& scene, int& number) -> asio::awaitable<void> {
      try {
        auto query = Play::pods_query();
        co_await scene.kubectl->get(std::move(query));
      } catch (const Interrupted& by) {
        number = by.signal;
      }
    }(play, signal));
    both.push_back([](Play& scene) -> asio::awaitable<void> {
      while (scene.waits.empty()) co_await pause(milliseconds(1));
      scene.interrupt();
    }(play));
    co_await wait_all(std::move(both));
  });
  CHECK(signal == SIGINT);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds{10});
}

TEST_CASE("kubectl session: several reads that meet the same trouble wait together") {
  int count = 0;
  Play play([&](const std::string&) { return ++count <= 4 ? busy(1) : page(""); });
  play.kubectl->be_patient(std::chrono::seconds{30});
  play.run([&]() -> asio::awaitable<void> {
    std::vector<asio::awaitable<void>> reads;
    for (int i = 0; i < 4; ++i) {
      reads.push_back([](Play& scene) -> asio::awaitable<void> {
        auto query = Play::pods_query();
        co_await scene.kubectl->get(std::move(query));
      }(play));
    }
    co_await wait_all(std::move(reads));
  });
  const auto began = std::count_if(play.waits.begin(), play.waits.end(),
                                   [](const auto& text) { return text.starts_with("begins"); });
  CHECK(began == 1);
  CHECK(play.waits.size() == 3);
}

TEST_CASE("kubectl session: a proxy that breaks off is none to rely on") {
  for (const std::string bytes : {"", "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{", "junk"}) {
    CAPTURE(bytes);
    Play play([&](const std::string&) { return Reply{bytes}; });
    CHECK(play.pods() == Names{"by-a-process"});
  }
}

}  // namespace
}  // namespace retrust::test
