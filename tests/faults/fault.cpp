#include "fault.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "after.h"
#include "held.h"
#include "injected.h"
#include "manners.h"
#include "mounted.h"

namespace retrust::faults {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using Happened = Seen::Happened;
using Strings = std::vector<std::string>;

const std::string in_between = " | ";
constexpr std::chrono::seconds longest{60};
const std::string command_limit = "3s";
/// For what must come to a good end on a machine that has much else to do.
const std::string long_limit = "20s";

void set_option(Strings& args, const std::string& name, const std::string& value) {
  const auto found = std::find(args.begin(), args.end(), name);
  if (found == args.end()) {
    args.insert(args.end(), {name, value});
  } else {
    *std::next(found) = value;
  }
}

bool sanitized() {
  const char* value = std::getenv("RETRUST_TEST_SANITIZED");
  return value != nullptr && *value != '\0';
}

/// What the runbook is about: a run that follows a failure may change all of it.
const std::set<std::string>& own_objects() {
  static const std::set<std::string> all{"downstream Secret cattle-system/cattle-token-#",
                                         "downstream ServiceAccount cattle-system/cattle",
                                         "downstream Pod cattle-system/cattle-cluster-agent-#",
                                         "downstream Pod cattle-system/cattle-node-agent-#",
                                         "downstream Deployment cattle-system/cattle-cluster-agent",
                                         "downstream DaemonSet cattle-system/cattle-node-agent",
                                         "local Cluster /c-x7k2p"};
  return all;
}

/// Two clusters with a call of retrust, and what was there before it.
class Stage {
 public:
  explicit Stage(const Scenario& scenario)
      : scenario_(scenario), sandbox_(hostile::options_of(scenario.command.worlds.front())) {
    fs::create_directories(directory() / "tmp");
    fs::create_directories(folder());
    call_ = hostile::prepared(scenario.command, sandbox_, scenario.patience);
    set_option(call_.args, "--command-timeout", command_limit);
    call_.environment["TMPDIR"] = (directory() / "tmp").string();
    call_.environment["ASAN_OPTIONS"] = "detect_leaks=0";  // which works in no traced program
    if (scenario.reads == Scenario::Reads::processes) {
      call_.environment["RETRUST_NO_SESSION"] = "true";
    }
    before_ = hostile::dump_of(sandbox_);
    earlier_ = sandbox_.requests().size();
  }

  fs::path directory() const { return sandbox_.directory(); }
  fs::path folder() const { return directory() / "faults"; }
  e2e::Sandbox& sandbox() { return sandbox_; }
  e2e::Sandbox::Call& call() { return call_; }
  std::size_t earlier() const { return earlier_; }
  const json::value& before() const { return before_; }

  /// How the call is started, its programs' calls counted; `fault` is one of the stand-in's.
  e2e::Child::Setup setup(const std::string& fault = {}) {
    auto call = call_;
    call.environment["RETRUST_TEST_FAULTS_FOLDER"] = folder().string();
    if (!fault.empty()) call.environment["RETRUST_TEST_FAULT"] = fault;
    return sandbox_.setup(call);
  }

  Strings counted(const std::string& name) const {
    return e2e::lines_of(e2e::read_file(folder() / name));
  }

  void use_own_run_folder() {
    auto& args = call_.args;
    const auto found = std::find(args.begin(), args.end(), "--run-dir");
    if (found != args.end()) args.erase(found, std::next(found, 2));
  }

  /// Runs retrust again, as somebody does after a failure; empty where all is well then.
  Strings finish() {
    const auto again = call_.args.front() == "run" ? call_ : e2e::Sandbox::Call{};
    auto call = again;
    if (call.args.empty()) call.args = {"run", "--yes", "--no-rancher-backup"};
    const auto in_vain = scenario_.patience == "2s";
    set_option(call.args, "--timeout", in_vain ? "4s" : "30s");
    set_option(call.args, "--command-timeout", long_limit);
    call.shell.clear();
    const auto run = sandbox_.retrust(call);
    if (run.status != 0) {
      // The failure stands at the end.
      constexpr std::size_t most = 600;
      const auto& said = run.err.empty() ? run.out : run.err;
      return {fmt::format("again: status {}: {}", run.status,
                          said.substr(said.size() - std::min(said.size(), most)))};
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (sandbox_.ready() != "True") {
      if (std::chrono::steady_clock::now() > end) return {"again: Rancher is not ready"};
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    return {};
  }

 private:
  const Scenario& scenario_;
  e2e::Sandbox sandbox_;
  e2e::Sandbox::Call call_;
  json::value before_;
  std::size_t earlier_ = 0;
};

const std::string& command_of(const Scenario& scenario) {
  const auto& args = scenario.command.args;
  return args.front() == "step" ? args[1] : args.front();
}

/// What a call that prints a token prints is a token.
bool prints_token(const Scenario& scenario) {
  return scenario.command.prints == hostile::Command::Prints::token;
}

/// Complaints about an end, and about all that it left.
Strings inspected(const Scenario& scenario, Stage& stage, const e2e::Child::Setup& setup, End end) {
  const auto directory = stage.directory();
  end.out = e2e::read_file(directory / (setup.name + ".out"));
  end.err = e2e::read_file(directory / (setup.name + ".err"));
  const auto& args = scenario.command.args;
  const auto writes = args.front() == "run" || args.front() == "step" || args.front() == "rollback";
  if (writes && end.run_folder.empty()) {
    end.run_folder = stage.sandbox().run_folder();
  }
  Strings complaints;
  for (const auto& each : left_over("RETRUST_TEST_FAULTS_FOLDER=" + stage.folder().string())) {
    complaints.push_back("process: " + each);
  }
  const auto changed = counting_changes(stage.sandbox(), stage.earlier());
  for (auto& each : untruths(end, command_of(scenario), changed)) {
    complaints.push_back(std::move(each));
  }
  for (const auto& entry : fs::recursive_directory_iterator(directory / "tmp")) {
    // Between mkdtemp and the start of its guard nobody else knows the folder of a socket.
    if (end.killed == End::Killed::yes && entry.is_directory() && fs::is_empty(entry)) continue;
    complaints.push_back("temporary: " + entry.path().filename().string());
  }
  const auto told = end.err.find("could not be removed from the container") != std::string::npos;
  if (end.killed == End::Killed::no && !told) {
    for (const auto& each : archives_in_container(stage.sandbox())) {
      complaints.push_back("temporary: in the container: " + each);
    }
  }
  auto secrets = hostile::secrets_in(stage.before(), stage.sandbox());
  secrets.merge(hostile::secrets_in(hostile::dump_of(stage.sandbox()), stage.sandbox()));
  if (prints_token(scenario)) fs::remove(directory / (setup.name + ".out"));
  for (const auto& each : files_with(secrets, stage.sandbox())) {
    complaints.push_back("secret: " + each);
  }
  return complaints;
}

struct Errors {
  const char* call;
  std::vector<int> numbers;
};

/// What each system call may fail with on a machine that is out of order.
const std::vector<Errors>& errors() {
  static const std::vector<Errors> all{{"write", {ENOSPC, EIO}},
                                       {"writev", {EIO}},
                                       {"read", {EIO}},
                                       {"openat", {EMFILE, EACCES}},
                                       {"newfstatat", {EACCES}},
                                       {"fstatfs", {EIO}},
                                       {"fsync", {EIO}},
                                       {"fdatasync", {EIO, ENOSPC}},
                                       {"ftruncate", {EIO}},
                                       {"fallocate", {ENOSPC, EOPNOTSUPP}},
                                       {"fchmod", {EPERM}},
                                       {"getdents64", {EIO}},
                                       {"linkat", {EPERM, ENOSPC}},
                                       {"renameat", {EIO, EROFS}},
                                       {"renameat2", {EINVAL, EIO}},
                                       {"rename", {EIO, EROFS}},
                                       {"mkdir", {EACCES, ENOSPC}},
                                       {"mkdirat", {EACCES, ENOSPC}},
                                       {"unlink", {EACCES}},
                                       {"unlinkat", {EACCES}},
                                       {"rmdir", {EACCES}},
                                       {"readlink", {EACCES}},
                                       {"getcwd", {ENOENT}},
                                       {"socket", {EMFILE}},
                                       {"connect", {ECONNREFUSED}},
                                       {"sendto", {EPIPE}},
                                       {"sendmsg", {EPIPE}},
                                       {"recvfrom", {ECONNRESET}},
                                       {"recvmsg", {ECONNRESET}},
                                       {"getsockopt", {EIO}},
                                       {"epoll_create1", {EMFILE}},
                                       {"epoll_ctl", {ENOMEM}},
                                       {"epoll_wait", {EINTR}},
                                       {"eventfd2", {EMFILE}},
                                       {"timerfd_create", {EMFILE}},
                                       {"memfd_create", {EMFILE, ENOSYS}},
                                       {"pipe2", {EMFILE, ENFILE}},
                                       {"pidfd_open", {EMFILE, ENOSYS}},
                                       {"clone", {EAGAIN, ENOMEM}},
                                       {"clone3", {EAGAIN}},
                                       {"fork", {EAGAIN}},
                                       {"vfork", {EAGAIN}},
                                       {"execve", {EACCES, ENOMEM}},
                                       {"setpgid", {EPERM}},
                                       {"dup2", {EMFILE}},
                                       {"dup3", {EMFILE}},
                                       {"fcntl", {EMFILE}},
                                       {"close_range", {ENOSYS}},
                                       {"prctl", {EPERM}},
                                       {"prlimit64", {EPERM}},
                                       {"getrandom", {ENOSYS}},
                                       {"waitid", {EINTR}},
                                       {"mmap", {ENOMEM}},
                                       {"brk", {ENOMEM}}};
  return all;
}

/// errno by name, as a fault says it.
const std::map<std::string, int>& error_names() {
  static const auto all = [] {
    std::map<std::string, int> names;
    for (const auto& [call, numbers] : errors()) {
      for (const auto number : numbers) names[::strerrorname_np(number)] = number;
    }
    return names;
  }();
  return all;
}

bool is_file(const std::string& object) {
  return object.starts_with('/') && !object.starts_with("/dev/") && !object.starts_with("/proc/");
}

/// Whether a run that is killed there may leave half of something.
bool is_cut(const Point& point) {
  static const std::set<std::string> always{
      "clone",  "clone3",   "fork",  "vfork",    "linkat",  "rename", "renameat2", "mkdir",
      "unlink", "unlinkat", "rmdir", "renameat", "mkdirat", "fsync",  "fdatasync"};
  return point.child == 0 &&
         (always.contains(point.call) || (point.call == "write" && is_file(point.object)));
}

std::string spec_of(const Point& point) {
  return fmt::format("{} {}{}", point.call, point.nth,
                     point.child == 0 ? "" : fmt::format(" {}", point.child));
}

Injection injection_of(const Fault& fault) {
  std::istringstream words(fault.spec);
  std::string how;
  Injection injection;
  words >> how >> injection.at.call >> injection.at.nth;
  words >> injection.at.child;  // may be missing
  if (fault.kind == "kill") {
    injection.what = how == "before" ? Injection::What::kill_before : Injection::What::kill_after;
  } else {
    injection.error = error_names().at(how);
  }
  return injection;
}

void add_calls(const Scenario& scenario, const Stage& stage, std::vector<Fault>& faults) {
  static const Strings of_others{"says-nothing", "empty",  "truncated",    "garbage",
                                 "endless",      "killed", "effect-fails", "effect-killed"};
  for (const auto* program : {"kubectl", "docker", "rke", "k3s", "rke2"}) {
    const auto is_kubectl = std::string(program) == "kubectl";
    unsigned number = 0;
    for (const auto& line : stage.counted("calls-" + std::string(program))) {
      ++number;
      auto manners = is_kubectl ? quick_manners() : of_others;
      // A backup takes as long as it takes.
      const auto is_backup =
          line.find(" tar ") != std::string::npos || line.find(" cp ") != std::string::npos ||
          line.find("etcd") != std::string::npos || line.find(" sh -c ") != std::string::npos;
      if (!is_backup) {
        manners.insert(manners.end(), lasting_manners().begin(), lasting_manners().end());
      }
      for (const auto& manner : manners) {
        faults.push_back({.scenario = scenario.name,
                          .kind = "call",
                          .spec = fmt::format("{} {} {}", program, number, manner),
                          .what = line});
      }
    }
  }
}

void add_exchanges(const Scenario& scenario, const Stage& stage, std::vector<Fault>& faults) {
  auto answers = quick_answers();
  answers.insert(answers.end(), lasting_answers().begin(), lasting_answers().end());
  unsigned number = 0;
  for (const auto& line : stage.counted("exchanges")) {
    ++number;
    for (const auto& each : answers) {
      faults.push_back({.scenario = scenario.name,
                        .kind = "exchange",
                        .spec = fmt::format("{} {}", number, each),
                        .what = line});
    }
  }
}

void add_points(const Scenario& scenario, const std::vector<Point>& points,
                std::vector<Fault>& faults) {
  for (const auto& point : points) {
    const auto add = [&](const std::string& kind, const std::string& how) {
      faults.push_back({.scenario = scenario.name,
                        .kind = kind,
                        .spec = how + " " + spec_of(point),
                        .what = point.object});
    };
    if (is_cut(point)) {
      add("kill", "before");
      add("kill", "after");
    }
    for (const auto& [call, numbers] : errors()) {
      if (point.call != call) continue;
      // Memory is the sanitizers' own.
      if (sanitized() && point.call == "mmap") continue;
      for (const auto number : numbers) add("error", ::strerrorname_np(number));
    }
  }
}

void add_surroundings(const Scenario& scenario, std::vector<Fault>& faults) {
  const auto add = [&](const std::string& kind, const std::string& spec) {
    faults.push_back({.scenario = scenario.name, .kind = kind, .spec = spec});
  };
  // Fewer are not enough for the loader, before retrust begins.
  for (unsigned number = 6; number <= 40; ++number) add("limit", fmt::format("-n {}", number));
  for (const auto* blocks : {"0", "1", "2", "4", "8", "16", "32", "64"}) {
    add("limit", fmt::format("-f {}", blocks));
  }
  for (const auto number : {1, 2, 3, 4, 6, 8, 12, 16, 24, 32}) {
    add("limit", fmt::format("-u {}", number));
  }
  if (!sanitized()) {
    for (const auto kib : {16'000, 20'000, 24'000, 32'000, 64'000, 500'000, 1'000'000}) {
      add("limit", fmt::format("-v {}", kib));
    }
  }
  std::vector<std::string> places{"tmp", "home"};
  if (scenario.command.effect == hostile::Command::Effect::changes) places.push_back("run");
  for (const auto& place : places) {
    for (const auto kib : {4, 8, 12, 16, 20, 24, 28, 32, 48, 64, 96}) {
      // tmpfs counts whole pages.
      if (place == "run" || kib <= 8) add("disk", fmt::format("full {} {}", place, kib));
    }
    add("disk", "read-only " + place);
  }
}

e2e::Result run_whole(const e2e::Child::Setup& setup) {
  e2e::Child child(setup);
  const auto status = child.wait();
  return {status, child.out(), child.err()};
}

Seen not_permitted() {
  Seen seen;
  seen.happened = Happened::not_permitted;
  return seen;
}

}  // namespace

Fault parsed(const std::string& text) {
  const auto first = text.find(in_between);
  const auto second = text.find(in_between, first + 1);
  if (first == std::string::npos || second == std::string::npos) {
    throw std::runtime_error("no fault: " + text);
  }
  return {.scenario = text.substr(0, first),
          .kind = text.substr(first + 3, second - first - 3),
          .spec = text.substr(second + 3)};
}

Baseline baseline_of(const Scenario& scenario) {
  Stage stage(scenario);
  if (scenario.patience != "2s" && scenario.command.args.front() != "rollback" &&
      scenario.command.effect == hostile::Command::Effect::changes) {
    set_option(stage.call().args, "--timeout", "30s");
  }
  set_option(stage.call().args, "--command-timeout", long_limit);
  const auto setup = stage.setup();
  const auto course = run_injected(setup, std::nullopt, longest);
  Baseline baseline;
  baseline.complaints = inspected(scenario, stage, setup, {.status = course.ended.status});
  if (course.ended.status != scenario.status) {
    baseline.complaints.push_back(
        fmt::format("status: {} instead of {}: {}", course.ended.status, scenario.status,
                    e2e::read_file(stage.directory() / (setup.name + ".err")).substr(0, 300)));
  }
  for (auto& each : stage.finish()) baseline.complaints.push_back(std::move(each));
  auto touched = differing(stage.before(), hostile::dump_of(stage.sandbox()));
  touched.insert(own_objects().begin(), own_objects().end());
  baseline.touched.assign(touched.begin(), touched.end());
  add_calls(scenario, stage, baseline.faults);
  add_exchanges(scenario, stage, baseline.faults);
  add_points(scenario, course.points, baseline.faults);
  add_surroundings(scenario, baseline.faults);
  return baseline;
}

Seen performed(const Fault& fault, const Strings& touched) {
  const auto& scenario = scenario_named(fault.scenario);
  Stage stage(scenario);
  std::optional<Mounted> mounted;
  Seen seen;
  End end;
  e2e::Child::Setup setup;
  if (fault.kind == "kill" || fault.kind == "error") {
    const auto injection = injection_of(fault);
    setup = stage.setup();
    const auto course = run_injected(setup, injection, longest);
    const auto reached = course.reached == Course::Reached::yes;
    if (!reached) seen.happened = Happened::not_reached;
    end.status = course.ended.status;
    if (course.ended.pace == hostile::Ended::Pace::too_late) {
      seen.complaints.push_back("time: no end within a minute");
    }
    if (reached && fault.kind == "kill") end.killed = End::Killed::yes;
    if (reached && is_file(course.object)) {
      end.written = End::Written::perhaps_not;
    }
  } else if (fault.kind == "call" || fault.kind == "exchange") {
    setup = stage.setup(fault.kind + " " + fault.spec);
    end.status = run_whole(setup).status;
    std::istringstream words(fault.spec);
    std::string program;
    std::size_t number = 0;
    if (fault.kind == "call") words >> program;
    words >> number;
    const auto counted =
        stage.counted(fault.kind == "call" ? "calls-" + program : "exchanges").size();
    if (counted < number) seen.happened = Happened::not_reached;
  } else if (fault.kind == "limit") {
    // Nobody limits root's processes: setrlimit(2).
    if (fault.spec.starts_with("-u") && ::geteuid() == 0) return not_permitted();
    stage.call().shell = fmt::format("ulimit {} && exec \"$@\"", fault.spec);
    setup = stage.setup();
    end.status = run_whole(setup).status;
    // With so little memory the loader ends retrust before it begins: ld.so(8).
    constexpr int of_the_loader = 127;
    if (fault.spec.starts_with("-v") && end.status == of_the_loader) return not_permitted();
    if (fault.spec.starts_with("-f")) end.written = End::Written::perhaps_not;
  } else if (fault.kind == "disk") {
    std::istringstream words(fault.spec);
    std::string how;
    std::string place;
    std::size_t kib = 1024;
    words >> how >> place >> kib;
    const auto folder = stage.directory() / (place == "run" ? "disk" : place);
    fs::create_directories(folder);
    mounted.emplace(folder, kib,
                    how == "full" ? Mounted::Access::read_write : Mounted::Access::read_only);
    if (!mounted->is_there()) return not_permitted();
    if (place == "run") {
      end.run_folder = folder / "run";
      stage.call().args.insert(stage.call().args.end(), {"--run-dir", end.run_folder.string()});
      end.written = End::Written::perhaps_not;
    }
    setup = stage.setup();
    end.status = run_whole(setup).status;
  } else {
    throw std::runtime_error("there is no kind " + fault.kind);
  }
  seen.status = end.status;
  for (auto& each : inspected(scenario, stage, setup, end)) {
    seen.complaints.push_back(std::move(each));
  }
  if (mounted) {
    mounted->remove();
    stage.use_own_run_folder();
  }
  for (auto& each : stage.finish()) seen.complaints.push_back(std::move(each));
  if (end.killed == End::Killed::yes) {
    for (const auto& each : archives_in_container(stage.sandbox())) {
      seen.complaints.push_back("temporary: still in the container: " + each);
    }
  }
  for (const auto& each : differing(stage.before(), hostile::dump_of(stage.sandbox()))) {
    if (std::find(touched.begin(), touched.end(), each) == touched.end()) {
      seen.complaints.push_back("foreign: " + each);
    }
  }
  return seen;
}

}  // namespace retrust::faults
