#include "tools/session.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/trust.h"
#include "process/child_setup.h"
#include "tools/endings.h"
#include "tools/guard.h"

namespace retrust {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// Limit of a proxy's starts in one run. A restarting API server does not end a proxy.
constexpr int most_starts = 4;

/// Requests that one API server gets at once: those of two clusters that are observed (8 each), or
/// of some more that are repaired.
constexpr std::size_t most_requests = 16;

/// Time limit for a guard's end. A guard needs half of the limit at most; a stopped guard does
/// nothing at all.
constexpr std::chrono::seconds end_limit{2};

/// The beginning of the line of a proxy that serves. kubernetes/kubectl v0.20.0,
/// pkg/cmd/proxy/proxy.go: RunProxy.
constexpr std::string_view serving = "Starting to serve on";

std::vector<fs::path> usual_places() {
  std::vector<fs::path> places;
  for (const auto* name : {"TMPDIR", "XDG_RUNTIME_DIR"}) {
    const auto* place = std::getenv(name);
    if (place != nullptr && *place == '/') places.emplace_back(place);
  }
  places.emplace_back("/tmp");
  return places;
}

/// Identity and times of a file, which change with every write and every replacement.
struct Stamp {
  dev_t device = 0;
  ino_t number = 0;
  off_t size = 0;
  std::array<std::int64_t, 4> times{};
  bool operator==(const Stamp&) const = default;
};

/// The stamp of an opened file: a network file system asks its server again at open(2). A pipe is
/// not opened, as its writer would notice.
Stamp stamp_of(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return {};
  if (S_ISREG(file.st_mode)) {
    const Descriptor opened(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (opened.get() < 0 || ::fstat(opened.get(), &file) != 0) return {};
  }
  return {file.st_dev,
          file.st_ino,
          file.st_size,
          {file.st_mtim.tv_sec, file.st_mtim.tv_nsec, file.st_ctim.tv_sec, file.st_ctim.tv_nsec}};
}

/// The program file of the process that listens at a socket; empty if it cannot be seen.
fs::path listener_at(const std::string& path) {
  const asio::local::stream_protocol::endpoint address(path);
  // A listener whose queue is full would keep a blocking call, and everything else with it.
  const Descriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (client.get() < 0 ||
      ::connect(client.get(), address.data(), static_cast<socklen_t>(address.size())) != 0) {
    return {};
  }
  ucred listener{};
  socklen_t size = sizeof listener;
  if (::getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &listener, &size) != 0) return {};
  std::error_code unseen;
  return fs::read_symlink("/proc/" + std::to_string(listener.pid) + "/exe", unseen);
}

/// The serving program if it is a kubectl.1.NN beside the started program, otherwise empty.
std::string selected_by(const std::string& program, const fs::path& serves) {
  std::error_code unseen;
  const auto started = fs::canonical(program, unseen);
  const auto beside = !unseen && serves != started && serves.parent_path() == started.parent_path();
  // A file that is gone has another name there: "kubectl.1.32 (deleted)".
  const auto name = serves.filename().string();
  constexpr std::string_view begins = "kubectl.1.";
  const auto named = name.starts_with(begins) && name.size() > begins.size() &&
                     name.find_first_not_of("0123456789", begins.size()) == std::string::npos;
  return beside && named ? serves.string() : std::string();
}

}  // namespace

Arguments proxy_args(std::string_view socket) {
  return Arguments{"proxy"}
      .joined("--unix-socket=", socket)
      .words({"--reject-methods=^(PUT|PATCH|DELETE)$"});
}

std::optional<fs::path> session_folder(const std::vector<fs::path>& places) {
  for (const auto& place : places) {
    auto name = (place / "retrust-session-XXXXXX").string();
    // The address ends with a zero byte.
    if (name.size() + std::string_view("/").size() + std::string_view(session_socket).size() >=
        sizeof(sockaddr_un::sun_path)) {
      continue;
    }
    try {
      check_way(place);
    } catch (const Failure&) {
      // Whoever can replace the folder would answer our questions.
      continue;
    }
    if (::mkdtemp(name.data()) != nullptr) return name;
  }
  return std::nullopt;
}

std::optional<std::string> url_path(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  const auto slash = std::min(url.find('/'), url.size());
  const auto path = url.substr(slash, url.find_first_of("?#") - slash);
  const auto allowed = [](unsigned char each) { return each > ' ' && each <= '~'; };
  return std::all_of(path.begin(), path.end(), allowed) ? std::optional(std::string(path))
                                                        : std::nullopt;
}

struct Session::State : std::enable_shared_from_this<Session::State> {
  State(Runner& used, asio::any_io_executor on, SessionTarget from, SessionNews tell)
      : runner(used),
        executor(std::move(on)),
        target(std::move(from)),
        news(std::move(tell)),
        kubeconfig(stamp_of(target.kubeconfig)),
        changed(executor, asio::steady_timer::time_point::max()),
        last(executor),
        places(executor, most_requests) {}

  enum class Stage { idle, starting, serving, ending, over };

  void start() {
    if (stage != Stage::idle) return;
    if (starts++ == most_starts) {
      finish("it ended too often");
      return;
    }
    stage = Stage::starting;
    asio::co_spawn(
        executor, [self = shared_from_this()] { return self->run(); },
        asio::bind_cancellation_slot(stop.slot(), asio::detached));
  }

  void finish(std::string_view why) {
    const auto running =
        stage == Stage::starting || stage == Stage::serving || stage == Stage::ending;
    stage = Stage::over;
    pipe = {};
    changed.cancel();
    if (!running) return;
    limit_end();
    tell_end(std::string("ended by retrust: ").append(why));
  }

  /// Ends a guard by force that does not end by itself.
  void limit_end() {
    last.expires_after(end_limit);
    last.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
      if (!cancelled) self->stop.emit(asio::cancellation_type::terminal);
    });
  }

  /// Reports the end of a proxy, once. Nobody need await a proxy that is not needed any longer.
  void tell_end(std::string_view how) {
    if (told) return;
    told = true;
    if (!news.ended) return;
    try {
      news.ended(how, std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began));
    } catch (...) {
      // A transcript that cannot be written fails the next event of the run, too.
    }
  }

  /// Runs one proxy from its start to its end.
  asio::awaitable<void> run() {
    // The session may have been closed already.
    if (stage == Stage::starting) {
      try {
        co_await serve();
      } catch (...) {
        // Processes then do the reads, and fail for the same reason if it concerns the whole run.
        finish("it could not be run");
      }
      remove_folder();
    }
    last.cancel();
    changed.cancel();
  }

  asio::awaitable<void> serve() {
    folder = session_folder(usual_places());
    if (!folder) {
      finish("there is no folder for its socket");
      co_return;
    }
    const auto path = (*folder / session_socket).string();
    auto input = make_pipe();
    pipe = std::move(input.write_end);
    const auto proxy = proxy_args(path);
    began = Clock::now();
    told = false;
    if (news.started) news.started(proxy);
    auto command =
        guarded_command(target.program, target.args(proxy), *folder, input.read_end.get());
    command.environment = target.environment;
    asio::steady_timer limit(executor, target.start_limit);
    limit.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
      if (!cancelled && self->stage == Stage::starting) {
        self->finish("it did not begin to serve in time");
      }
    });
    std::string said;
    const auto listen = [&](std::string_view piece) {
      if (stage != Stage::starting) return Flow::go_on;
      constexpr std::size_t most = 4096;
      said.append(piece.substr(0, most));
      if (said.size() > most) return Flow::too_much;
      if (said.find(serving) == std::string::npos) return Flow::go_on;
      said.clear();
      limit.cancel();
      socket = path;
      selected = selected_by(target.program, listener_at(path));
      stage = Stage::serving;
      changed.cancel();
      return Flow::go_on;
    };
    auto outcome = co_await runner.run(std::move(command), listen);
    limit.cancel();
    pipe = {};
    // A proxy that never served would not serve at the next start either.
    const auto rested = stage == Stage::ending;
    const auto again = (stage == Stage::serving || rested) && outcome.ending != Ending::interrupted;
    stage = again ? Stage::idle : Stage::over;
    tell_end(rested ? "ended by retrust: not needed for a while" : ending_text(outcome));
  }

  /// Removes the folder. The guard has already done so, unless there was none.
  void remove_folder() {
    if (!folder) return;
    std::error_code ignored;
    fs::remove(*folder / session_socket, ignored);
    fs::remove(*folder, ignored);
    folder.reset();
  }

  asio::awaitable<void> wait() {
    boost::system::error_code cancelled;
    co_await changed.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }

  Runner& runner;
  asio::any_io_executor executor;
  SessionTarget target;
  SessionNews news;
  Stamp kubeconfig;
  asio::steady_timer changed;  ///< cancelled at each change of a member below
  asio::steady_timer last;     ///< ends the guard by force
  asio::cancellation_signal stop;
  Stage stage = Stage::idle;
  int starts = 0;
  bool base_expected = false;
  std::optional<std::string> base;
  std::optional<fs::path> folder;
  std::string socket;
  std::string selected;
  Descriptor pipe;  ///< the guard ends the proxy when this pipe closes
  Clock::time_point began = {};
  bool told = true;  ///< whether the end was reported
  std::optional<boost::json::value> view;
  std::optional<std::pair<Uid, Clock::time_point>> seen;
  Slots places;
};

Session::Session(Runner& runner, asio::any_io_executor executor, SessionTarget target,
                 SessionNews news)
    : state_(std::make_shared<State>(runner, std::move(executor), std::move(target),
                                     std::move(news))) {}

Session::~Session() {
  close();
}

void Session::start() {
  state_->start();
}

void Session::set_base(std::string path) {
  while (path.ends_with('/')) path.pop_back();
  state_->base = std::move(path);
  state_->changed.cancel();
}

void Session::expect_base() {
  state_->base_expected = true;
}

bool Session::usable() {
  if (state_->stage == State::Stage::over) return false;
  if (state_->kubeconfig != stamp_of(state_->target.kubeconfig)) {
    state_->finish("the kubeconfig has changed");
    return false;
  }
  return state_->base_expected || state_->base;
}

std::string Session::base() const {
  return state_->base.value_or("");
}

asio::awaitable<std::optional<std::string>> Session::socket() {
  const auto state = state_;
  using Stage = State::Stage;
  for (;;) {
    if (state->stage == Stage::idle) state->start();
    if (state->stage == Stage::over) co_return std::nullopt;
    if (state->stage == Stage::serving && state->base) co_return state->socket;
    co_await state->wait();
  }
}

const std::string& Session::selected() const {
  return state_->selected;
}

void Session::rest() {
  if (state_->stage != State::Stage::serving) return;
  state_->stage = State::Stage::ending;
  // This end is no sign of trouble.
  state_->starts = 0;
  state_->pipe = {};
  state_->limit_end();
}

const boost::json::value* Session::kubeconfig() {
  const auto& known = state_->view;
  return known && state_->base && usable() ? &*known : nullptr;
}

void Session::remember_kubeconfig(boost::json::value view) {
  state_->view = std::move(view);
}

void Session::saw(Uid cluster) {
  state_->seen = std::pair(std::move(cluster), Clock::now());
}

bool Session::saw_lately(const Uid& cluster, std::chrono::milliseconds ago) {
  const auto& seen = state_->seen;
  return seen && seen->first == cluster && Clock::now() - seen->second <= ago && usable();
}

asio::awaitable<Slots::Taken> Session::place() {
  const auto state = state_;
  auto place = co_await state->places.take();
  co_return place;
}

void Session::close(std::string_view why) {
  state_->finish(why);
}

}  // namespace retrust
