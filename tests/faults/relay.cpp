#include "relay.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "counted.h"
#include "manners.h"

namespace retrust::faults {
namespace {

constexpr std::string_view serving = "Starting to serve on";

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(static_cast<char*>(address.sun_path), path.c_str(), sizeof address.sun_path - 1);
  return address;
}

int connected(const std::string& path) {
  const auto address = address_of(path);
  const auto socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(socket, generic, sizeof address) == 0) return socket;
  ::close(socket);
  return -1;
}

/// What can be read now; false where the other end is closed.
bool read_more(int from, std::string& into) {
  std::array<char, 65536> buffer{};
  const auto size = ::read(from, buffer.data(), buffer.size());
  if (size <= 0) return false;
  into.append(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

/// The size of the request at the beginning of a text; 0 where it is not whole.
std::size_t request_size(const std::string& text) {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string::npos) return 0;
  auto head = text.substr(0, end);
  std::transform(head.begin(), head.end(), head.begin(),
                 [](unsigned char each) { return static_cast<char>(std::tolower(each)); });
  const auto field = head.find("\r\ncontent-length:");
  const auto body =
      field == std::string::npos ? 0 : std::strtoul(head.c_str() + field + 17, nullptr, 10);
  return text.size() < end + 4 + body ? 0 : end + 4 + body;
}

std::string answer(const std::string& status, const std::string& more, std::string_view body) {
  return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\n" + more +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

std::string refusal(const std::string& code) {
  const auto reason = code == "401"   ? "Unauthorized"
                      : code == "403" ? "Forbidden"
                      : code == "404" ? "NotFound"
                      : code == "409" ? "Conflict"
                      : code == "429" ? "TooManyRequests"
                      : code == "500" ? "InternalError"
                      : code == "503" ? "ServiceUnavailable"
                                      : "Timeout";
  const auto body =
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"refused )"
      R"(by a test","reason":")" +
      std::string(reason) + R"(","code":)" + code + "}";
  return answer(code + " " + reason, code == "429" ? "Retry-After: 1\r\n" : "", body);
}

class Relaying {
 public:
  Relaying(const Relay& setup, std::string upstream)
      : setup_(setup), upstream_(std::move(upstream)) {}

  void serve(int client) const {
    const auto server = connected(upstream_);
    if (server >= 0) converse(client, server);
    ::close(client);
    ::close(server);
  }

 private:
  enum class Next { another_request, end };

  void converse(int client, int server) const {
    std::string pending;
    for (;;) {
      std::size_t size = 0;
      while ((size = request_size(pending)) == 0) {
        if (!read_more(client, pending)) return;
      }
      const auto request = pending.substr(0, size);
      pending.erase(0, size);
      const auto number =
          counted(setup_.folder + "/exchanges", request.substr(0, request.find('\r')));
      const auto next = number == setup_.at ? go_wrong(client, server, request)
                                            : pass_on(client, server, request);
      if (next == Next::end) return;
    }
  }

  static Next pass_on(int client, int server, const std::string& request) {
    if (!write_all(server, request)) return Next::end;
    for (;;) {
      std::array<pollfd, 2> both{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
      if (::poll(both.data(), both.size(), -1) < 0) continue;
      if (both[1].revents != 0) {
        std::string piece;
        if (!read_more(server, piece) || !write_all(client, piece)) return Next::end;
      } else if (both[0].revents != 0) {
        return Next::another_request;
      }
    }
  }

  Next go_wrong(int client, int server, const std::string& request) const {
    const auto& manner = setup_.manner;
    if (std::isdigit(static_cast<unsigned char>(manner.front())) != 0) {
      write_all(client, refusal(manner));
      return Next::another_request;
    }
    if (manner == "empty" || manner == "foreign" || manner == "garbage") {
      const auto body = manner == "empty"     ? std::string_view()
                        : manner == "foreign" ? foreign_object
                                              : garbage;
      write_all(client, answer("200 OK", "", body));
      return Next::another_request;
    }
    if (manner == "dies") ::_exit(1);
    if (manner == "hang") {
      std::string ignored;
      while (read_more(client, ignored)) {
      }
    }
    if (manner == "endless") {
      write_all(client, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
      const std::string piece(65536, '[');
      while (write_all(client, piece)) {
      }
    }
    if (manner == "truncated" || manner == "effect-close") {
      std::string piece;
      if (write_all(server, request) && read_more(server, piece) && manner == "truncated") {
        write_all(client, piece.substr(0, piece.size() / 2));
      }
    }
    return Next::end;
  }

  const Relay& setup_;
  std::string upstream_;
};

}  // namespace

int relay(const Relay& setup, const std::function<void(const std::string&)>& become_real) {
  const auto upstream = setup.folder + "/u" + std::to_string(::getpid());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return 1;
  const auto child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(ends[1], STDOUT_FILENO);
    become_real(upstream);
  }
  ::close(ends[1]);
  std::string printed;
  while (printed.find(serving) == std::string::npos) {
    if (read_more(ends[0], printed)) continue;
    int raw = 0;
    ::waitpid(child, &raw, 0);
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : 1;
  }
  ::signal(SIGPIPE, SIG_IGN);
  const auto address = address_of(setup.socket);
  const auto listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::umask(0177);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 64) != 0) {
    return 1;
  }
  write_all(STDOUT_FILENO, std::string(serving) + " " + setup.socket + "\n");
  const Relaying relaying(setup, upstream);
  for (;;) {
    const auto client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) std::thread([&relaying, client] { relaying.serve(client); }).detach();
  }
}

}  // namespace retrust::faults
