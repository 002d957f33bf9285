#include <chrono>
#include <string>

#include <doctest/doctest.h>

#include "base/failure.h"
#include "steps/pod_wait.h"

namespace retrust {
namespace {

using Type = WatchEvent::Type;

Pod pod(std::string uid, std::string owner_kind = "ReplicaSet") {
  Pod made;
  made.name = uid;
  made.uid = std::move(uid);
  made.service_account = "cattle";
  made.phase = "Running";
  made.owner_kind = std::move(owner_kind);
  made.owner = "cattle-cluster-agent-1";
  made.ready = true;
  return made;
}

Pod terminating(Pod made) {
  made.terminating = true;
  return made;
}

Pod pending(Pod made) {
  made.ready = false;
  made.phase = "Pending";
  return made;
}

TEST_CASE("done when the old one is gone and a new one is ready, in either order") {
  PodWait wait({pod("old")});
  wait.see(Type::added, pod("old"));
  wait.see(Type::modified, terminating(pod("old")));
  wait.see(Type::added, pending(pod("new")));
  CHECK_FALSE(wait.done());
  SUBCASE("first ready") {
    wait.see(Type::modified, pod("new"));
    CHECK_FALSE(wait.done());
    wait.see(Type::deleted, pod("old"));
  }
  SUBCASE("first gone") {
    wait.see(Type::deleted, pod("old"));
    CHECK_FALSE(wait.done());
    wait.see(Type::modified, pod("new"));
  }
  CHECK(wait.done());
  CHECK(wait.certain());
}

TEST_CASE("an old one that was never seen going makes it uncertain") {
  PodWait wait({pod("old")});
  wait.see(Type::added, pod("new"));
  CHECK(wait.done());
  CHECK_FALSE(wait.certain());
}

TEST_CASE("what is more than the opening list of a watch makes it certain") {
  PodWait wait({pod("old")});
  wait.see(Type::added, pending(pod("new")));
  wait.see(Type::modified, pod("new"));
  CHECK(wait.done());
  CHECK(wait.certain());

  SUBCASE("until the watch starts again") {
    wait.restart();
    wait.see(Type::added, pod("new"));
    CHECK(wait.done());
    CHECK_FALSE(wait.certain());
  }
}

TEST_CASE("a watch that starts again forgets what was there, not what was seen going") {
  PodWait wait({pod("old")});
  wait.see(Type::deleted, pod("old"));
  wait.see(Type::added, pod("gone-meanwhile"));
  wait.restart();
  CHECK_FALSE(wait.done());
  wait.see(Type::added, pod("new"));
  CHECK(wait.done());
  CHECK(wait.certain());
}

TEST_CASE("every owner needs a new pod of its own") {
  auto other = pod("old-2");
  other.owner = "another-deployment-1";
  PodWait wait({pod("old"), other});
  wait.see(Type::deleted, pod("old"));
  wait.see(Type::deleted, other);
  wait.see(Type::added, pod("new"));
  CHECK_FALSE(wait.done());
  auto second = pod("new-2");
  second.owner = "another-deployment-1";
  wait.see(Type::added, second);
  CHECK(wait.done());
}

TEST_CASE("a new pod of the same Deployment's next ReplicaSet will do") {
  PodWait wait({pod("old")});
  wait.see(Type::deleted, pod("old"));
  auto next = pod("new");
  next.owner = "cattle-cluster-agent-2";
  wait.see(Type::added, next);
  CHECK(wait.done());
}

TEST_CASE("a node agent on a node that is away is told of, not waited for") {
  PodWait wait({pod("old"), pod("node", "DaemonSet")});
  wait.see(Type::added, terminating(pod("node", "DaemonSet")));
  wait.see(Type::deleted, pod("old"));
  wait.see(Type::added, pod("new"));
  CHECK(wait.done());
  REQUIRE(wait.late().size() == 1);
  CHECK(wait.late().front().uid == "node");
}

TEST_CASE("one that turns out to be old later must go too") {
  PodWait wait({pod("old")});
  wait.see(Type::deleted, pod("old"));
  wait.see(Type::added, pod("late"));
  CHECK_FALSE(wait.is_old(pod("late")));
  wait.expect(pod("late"));
  CHECK(wait.is_old(pod("late")));
  CHECK_FALSE(wait.done());
  wait.see(Type::deleted, pod("late"));
  wait.see(Type::added, pod("new"));
  CHECK(wait.done());
  CHECK(wait.certain());
}

TEST_CASE("an old one that was seen going and is there again is waited for again") {
  PodWait wait({pod("old")});
  wait.see(Type::added, pod("old"));
  wait.see(Type::deleted, pod("old"));
  wait.see(Type::added, pod("new"));
  CHECK(wait.done());
  CHECK(wait.summary() == "1 of 1 old pods gone, 1 new ready");
  wait.see(Type::added, pod("old"));
  CHECK_FALSE(wait.done());
  wait.see(Type::deleted, pod("old"));
  CHECK(wait.done());
  wait.see(Type::modified, pending(pod("new")));
  CHECK_FALSE(wait.done());
  CHECK(wait.summary() == "1 of 1 old pods gone, 0 new ready");
}

TEST_CASE("thousands of pods are followed in time, and endless ones refused") {
  PodWait wait({pod("old")});
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 15'000; ++i) {
    wait.see(Type::added, pending(pod(std::to_string(i))));
    CHECK_FALSE(wait.done());
    if (wait.summary().empty()) FAIL("no summary");
  }
  // 0.1 s without optimisation; a look at all pods at each event took 24 s.
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds{10});
  auto fat = pod("fat");
  fat.mounted_secrets.assign(4'000, ObjectName(std::string(253, 'x')));
  const auto see_many = [&] {
    for (int i = 0; i < 100; ++i) {
      fat.uid = "fat-" + std::to_string(i);
      wait.see(Type::added, fat);
    }
  };
  CHECK_THROWS_AS(see_many(), Failure);
}

TEST_CASE("pods that were seen going count, too") {
  PodWait wait({pod("old")});
  const auto see_many = [&] {
    for (int i = 0; i < 1'000'000; ++i) {
      wait.see(Type::deleted, pod(std::string(58, 'x') + std::to_string(i)));
    }
  };
  CHECK_THROWS_AS(see_many(), Failure);
}

TEST_CASE("without an old one a new one is waited for all the same") {
  PodWait wait({});
  CHECK_FALSE(wait.done());
  wait.see(Type::added, pod("new"));
  CHECK(wait.done());
}

}  // namespace
}  // namespace retrust
