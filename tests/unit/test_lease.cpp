#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "base/redactor.h"
#include "children.h"
#include "run/holder.h"
#include "run/lease.h"
#include "run/machine_lock.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using std::chrono::seconds;

constexpr auto executable = fs::perms::owner_all;
constexpr auto readable = fs::perms::owner_read | fs::perms::owner_write;

std::string whole(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_CASE("a holder reads as it was written, and nothing else reads as one") {
  const auto mine = this_process("root@bastion; x, by sudo of ada", "run folder;1");
  CHECK(mine.who == "root@bastion, x, by sudo of ada");
  CHECK(mine.folder == "run_folder_1");
  CHECK(mine.process == ::getpid());
  const auto again = parse_holder(text_of(mine));
  REQUIRE(again);
  CHECK(again->who == mine.who);
  CHECK(again->folder == mine.folder);
  CHECK(again->process == mine.process);
  CHECK(again->machine == mine.machine);
  CHECK(again->started == mine.started);
  for (const std::string text :
       {"", "ada", "a; process 0; f; m.1", "a; process -1; f; m.1", "a; process 1x; f; m.1",
        "a; process 1; f; m", "a; process 1; f; m.x", "a; process 1; f/g; m.1",
        "a; process 1; f; m.1; more", "a; process 99999999999; f; m.1"}) {
    CAPTURE(text);
    CHECK(!parse_holder(text));
  }
  CHECK(shown_holder("a; process 1; f; m.1") == "a (process 1, f)");
  CHECK(shown_holder("") == "another run");
  CHECK(shown_holder("ada\x1b[1m\n") == "\"ada?[1m\"");
}

TEST_CASE("a process is gone only if that is certain") {
  auto holder = this_process("ada", "f");
  CHECK(!is_gone(holder));
  auto other = holder;
  other.started += 1;
  CHECK(is_gone(other));
  const auto child = ::fork();
  if (child == 0) ::_exit(0);
  auto ended = holder;
  ended.process = child;
  // Its number is still its own until somebody waits for it.
  ::waitpid(child, nullptr, 0);
  CHECK(is_gone(ended));
  ended.machine = "abcdefabcdef";
  CHECK(!is_gone(ended));
  ended.machine.clear();
  CHECK(!is_gone(ended));
}

Lease lease(const std::string& name_space, const std::string& holder) {
  Lease made;
  made.name_space = name_space;
  made.holder = holder;
  made.duration = longest_lease;
  made.version = "1";
  return made;
}

TEST_CASE("a Lease reads as it was written; a hostile one is refused or bounded") {
  auto made = lease("c-x7k2p", "ada");
  made.uid = "u-1";
  const auto now = std::chrono::sys_seconds{seconds{1'800'000'000}} + std::chrono::microseconds{7};
  const json::value object = lease_object(made, now);
  CHECK(json::serialize(object.at("spec").at("renewTime")) == "\"2027-01-15T08:00:00.000007Z\"");
  const auto read = parse_lease(object, "c-x7k2p");
  CHECK(read.holder == "ada");
  CHECK(read.version == "1");
  CHECK(read.duration == longest_lease);
  CHECK(read.renewed_at() == std::chrono::sys_seconds{seconds{1'800'000'000}});
  CHECK_THROWS_AS(parse_lease(object, "c-other"), Failure);

  const auto changed = [&](const char* path, json::value value) {
    auto copy = object;
    copy.at_pointer(path) = std::move(value);
    return copy;
  };
  for (const auto& hostile :
       {changed("/kind", "Secret"), changed("/metadata/name", "other"),
        changed("/metadata", nullptr), changed("/metadata/resourceVersion", "-f x"),
        changed("/metadata/uid", "a/b"),
        changed("/spec/holderIdentity", json::value(std::string(5000, 'x'))),
        changed("/spec/renewTime", json::value(std::string(5000, 'x'))), json::value(nullptr),
        json::value("text")}) {
    CHECK_THROWS_AS(parse_lease(hostile, "c-x7k2p"), Failure);
  }
  const auto longer = parse_lease(changed("/spec/leaseDurationSeconds", 1e9), "c-x7k2p");
  CHECK(longer.duration == longest_lease);
  CHECK(parse_lease(changed("/spec/leaseDurationSeconds", -5), "c-x7k2p").duration ==
        longest_lease);
  CHECK(!parse_lease(changed("/spec/renewTime", "soon"), "c-x7k2p").renewed_at());
  CHECK(parse_lease(changed("/spec", nullptr), "c-x7k2p").holder.empty());
}

TEST_CASE("a Lease expires by this machine's own clock, or well after its time") {
  const std::chrono::steady_clock::time_point begin{};
  const std::chrono::sys_seconds clock{seconds{1'800'000'000}};
  auto held = lease("c-x7k2p", "ada");
  held.renewed = "2027-01-15T08:00:00.000000Z";
  Expiry expiry;
  CHECK(!expiry.expired(begin, clock));
  expiry.saw(held, begin);
  CHECK(!expiry.expired(begin, clock));
  CHECK(!expiry.expired(begin, clock + longest_lease + clock_skew));
  CHECK(expiry.expired(begin, clock + longest_lease + clock_skew + seconds{1}));
  // Its machine's clock is ahead.
  CHECK(!expiry.expired(begin + longest_lease - seconds{1}, clock - seconds{3600}));
  CHECK(expiry.expired(begin + longest_lease, clock - seconds{3600}));
  held.renewed = "2027-01-15T08:02:30.000000Z";
  expiry.saw(held, begin + seconds{200});
  CHECK(!expiry.expired(begin + longest_lease, clock));
  // What is no time counts only as something that changes.
  held.renewed = "soon";
  expiry.saw(held, begin + seconds{300});
  CHECK(!expiry.expired(begin + seconds{599}, clock + seconds{1'000'000}));
  CHECK(expiry.expired(begin + seconds{600}, clock));
}

/// A kubectl that answers `replace` and `get` with files, and counts its calls.
class PlayedKubectl {
 public:
  PlayedKubectl() : events_(redactor_), runner_(io_.get_executor()) {
    program_ = folder_.file(
        "kubectl",
        "#!/bin/sh\ncd \"$(dirname \"$0\")\"\ncase \" $* \" in *' replace '*) n=replace;; "
        "*) n=get;; esac\necho $n >>calls\ncat $n\n"
        "if [ -e $n.fails ]; then cat $n.fails >&2; exit 1; fi\n",
        executable);
  }
  void answers(const std::string& verb, const std::string& text) const {
    static_cast<void>(folder_.file(verb, text, readable));
  }
  void fails(const std::string& verb, const std::string& text) const {
    answers(verb, "");
    static_cast<void>(folder_.file(verb + ".fails", text, readable));
  }
  Renewed renew(std::vector<Lease*> leases) {
    KubectlTarget target;
    target.side = Side::local;
    target.program = program_;
    target.kubeconfig = "x";
    const Kubectl kubectl(runner_, events_, target);
    Renewed renewed;
    std::exception_ptr failure;
    boost::asio::co_spawn(io_, renew_leases(kubectl, std::move(leases)),
                          [&](std::exception_ptr error, Renewed result) {
                            failure = error;
                            renewed = std::move(result);
                          });
    io_.restart();
    io_.run();
    if (failure) std::rethrow_exception(failure);
    return renewed;
  }
  std::string calls() const { return whole(folder_.path("calls")); }

 private:
  test::Folder folder_;
  std::string program_;
  Redactor redactor_;
  Events events_;
  boost::asio::io_context io_;
  Runner runner_;
};

std::string answered(const Lease& given, const std::string& version) {
  auto with_version = given;
  with_version.version = version;
  return json::serialize(lease_object(with_version, std::chrono::system_clock::now())) + "\n";
}

/// The list that kubectl prints for a read.
std::string listed(const std::string& leases) {
  return R"({"apiVersion":"v1","kind":"List","items":[)" + leases + "]}";
}

TEST_CASE("one kubectl renews all Leases") {
  PlayedKubectl kubectl;
  auto one = lease("c-aaaaa", "ada");
  auto two = lease("c-bbbbb", "ada");
  kubectl.answers("replace", answered(two, "22") + answered(one, "11"));
  const auto renewed = kubectl.renew({&one, &two});
  CHECK(renewed.each == std::vector{Renewal::renewed, Renewal::renewed});
  CHECK(one.version == "11");
  CHECK(two.version == "22");
  CHECK(kubectl.calls() == "replace\n");
}

TEST_CASE("a renewal that failed says what became of the Lease") {
  const std::string conflict =
      "Error from server (Conflict): error when replacing \"STDIN\": Operation cannot be fulfilled "
      "on leases.coordination.k8s.io \"retrust\": the object has been modified\n";
  const auto mine = lease("c-aaaaa", "ada");
  const auto outcome = [&](const std::function<void(const PlayedKubectl&)>& prepare) {
    PlayedKubectl kubectl;
    kubectl.fails("replace", conflict);
    prepare(kubectl);
    auto held = mine;
    const auto renewed = kubectl.renew({&held});
    CHECK(!renewed.failure.empty());
    return std::pair(renewed.each.front(), held.version.text());
  };
  const auto other = lease("c-aaaaa", "eve");
  CHECK(outcome([&](const auto& kubectl) {
          kubectl.answers("get", listed(answered(other, "9")));
        }).first == Renewal::lost);
  CHECK(outcome([&](const auto& kubectl) { kubectl.answers("get", listed("")); }).first ==
        Renewal::lost);
  CHECK(outcome([&](const auto& kubectl) {
          kubectl.answers("get", listed(answered(mine, "9")));
        }) == std::pair(Renewal::renewed, std::string("9")));
  CHECK(outcome([&](const auto& kubectl) {
          kubectl.answers("get", listed(answered(mine, "1")));
        }) == std::pair(Renewal::unknown, std::string("1")));
  CHECK(outcome([&](const auto& kubectl) {
          kubectl.fails("get", "Unable to connect to the server: EOF\n");
        }).first == Renewal::unknown);
  // An answer about something else is none.
  PlayedKubectl kubectl;
  kubectl.answers("replace", "login page");
  kubectl.answers("get", "{}");
  auto held = mine;
  CHECK(kubectl.renew({&held}).each.front() == Renewal::unknown);
}

TEST_CASE("a lock file is held by one, and only where nobody else could have put it") {
  using Result = MachineLock::Attempt::Result;
  const test::Folder folder;
  const auto path = folder.path("lock");
  {
    MachineLock first{fs::path(path)};
    CHECK(first.take("ada").result == Result::taken);
    CHECK(fs::status(path).permissions() == readable);
    MachineLock second{fs::path(path)};
    const auto held = second.take("eve");
    CHECK(held.result == Result::held);
    CHECK(held.holder == "ada");
    first.release();
    CHECK(!fs::exists(path));
    CHECK(second.take("eve").result == Result::taken);
  }
  CHECK(!fs::exists(path));
  const auto target = folder.file("target", "untouched", readable);
  fs::create_symlink(target, path);
  CHECK(MachineLock{fs::path(path)}.take("ada").result == Result::failed);
  fs::remove(path);
  fs::create_hard_link(target, path);
  CHECK(MachineLock{fs::path(path)}.take("ada").result == Result::failed);
  CHECK(whole(target) == "untouched");
  fs::remove(path);
  static_cast<void>(folder.file("lock", "", fs::perms::all));
  CHECK(MachineLock{fs::path(path)}.take("ada").result == Result::failed);
  fs::remove(path);
  fs::create_directory(path);
  CHECK(MachineLock{fs::path(path)}.take("ada").result == Result::failed);
  CHECK(MachineLock{fs::path(folder.path("nowhere/lock"))}.take("ada").result == Result::failed);
}

}  // namespace
}  // namespace retrust
