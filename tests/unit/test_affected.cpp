// What is not Rancher's and still uses the old CA.
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "base/text.h"
#include "certificates.h"
#include "observe/affected.h"
#include "observe/parse.h"
#include "observe/trim.h"

namespace retrust {
namespace {

namespace json = boost::json;
using Role = AffectedWorkload::Role;

json::value pod(const std::string& more, const std::string& started = "2026-01-01T00:00:00Z") {
  auto made = json::parse(R"({"metadata": {"namespace": "shop", "name": "web-5d8f-x2k4p"},
      "spec": {"serviceAccountName": "web", "volumes": [
        {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}]},
      "status": {"phase": "Running", "containerStatuses": [
        {"state": {"running": {"startedAt": "2026-03-01T00:00:00Z"}}},
        {"state": {"running": {"startedAt": ""}}}]}})");
  made.at_pointer("/status/containerStatuses/1/state/running/startedAt") = started;
  const auto members = json::parse(more);
  for (const auto& member : members.as_object()) {
    made.at("metadata").as_object()[member.key()] = member.value();
  }
  return made;
}

std::string owner(const std::string& kind, const std::string& name,
                  const std::string& api = "apps/v1") {
  return R"("ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "other"},
      {"apiVersion": ")" +
         api + R"(", "kind": ")" + kind + R"(", "name": ")" + name + R"(", "controller": true}])";
}

bool counts(const json::value& of) {
  return uses_old_ca(of, "cattle-system", "2026-02-01T00:00:00Z");
}

TEST_CASE("a container keeps the CA of its start") {
  CHECK(counts(pod("{}")));
  CHECK_FALSE(counts(pod("{}", "2026-02-01T00:00:00Z")));
  CHECK_FALSE(counts(pod("{}", "2026-05-01T00:00:00Z")));
  CHECK_FALSE(counts(pod(R"({"deletionTimestamp": "2026-02-01T00:00:00Z"})")));
  auto waiting = pod("{}");
  waiting.at("status") = json::object{};
  CHECK_FALSE(counts(waiting));
}

TEST_CASE("a pod without the token of its account has no CA to keep") {
  auto of = pod("{}");
  const auto with = [&](const char* volumes) {
    of.at_pointer("/spec/volumes") = json::parse(volumes);
    return counts(of);
  };
  CHECK_FALSE(with("[]"));
  CHECK_FALSE(with("null"));
  CHECK_FALSE(with(R"([{"secret": {"secretName": "tls"}}, {"hostPath": {"path": "/"}}])"));
  CHECK(with(R"([{"secret": {"secretName": "web-token-x2k4p"}}])"));
}

TEST_CASE("what ends by itself is not to be restarted") {
  for (const std::string policy : {"Never", "OnFailure"}) {
    auto of = pod("{}");
    of.at("spec").as_object()["restartPolicy"] = policy;
    CHECK_FALSE(counts(of));
  }
  auto of = pod("{}");
  of.at("spec").as_object()["restartPolicy"] = "Always";
  CHECK(counts(of));
}

TEST_CASE("the agents are not among the others") {
  auto agent = pod(R"({"namespace": "cattle-system"})");
  agent.at_pointer("/spec/serviceAccountName") = "cattle";
  CHECK_FALSE(counts(agent));
  agent.at_pointer("/metadata/namespace") = "shop";
  CHECK(counts(agent));
}

TEST_CASE("pods are grouped by what restarts them") {
  WorkloadCount count;
  const auto add = [&](const std::string& name_space, const std::string& more) {
    count.add(pod(R"({"namespace": ")" + name_space + R"(", )" + more + "}"));
  };
  add("shop", R"("labels": {"pod-template-hash": "5d8f"}, )" + owner("ReplicaSet", "web-5d8f"));
  add("shop", R"("labels": {"pod-template-hash": "77cc"}, )" + owner("ReplicaSet", "web-77cc"));
  add("shop", owner("ReplicaSet", "alone-5d8f"));
  add("shop", owner("DaemonSet", "cloned", "apps.kruise.io/v1alpha1"));
  add("shop", owner("StatefulSet", "database"));
  add("shop", R"("labels": {})");
  add("cattle-system", owner("DaemonSet", "system-upgrade-controller"));
  add("cattle-system", owner("DaemonSet", "rancher-webhook"));
  add("cattle-fleet-system", owner("StatefulSet", "fleet-agent"));
  add("shop", owner("DaemonSet", "canal"));
  add("kube-system", owner("DaemonSet", "canal"));
  add("kube-system", owner("DaemonSet", "canal"));
  add("shop", owner("DaemonSet", "$(reboot)"));
  const auto [workloads, more] = count.result();
  CHECK(more == 0);
  std::vector<std::string> texts;
  std::vector<std::string> left;
  for (const auto& each : workloads) {
    (each.restartable.empty() ? left : texts).push_back(each.text());
    if (!each.restartable.empty()) CHECK(each.restartable == each.name.str());
  }
  CHECK(texts == std::vector<std::string>{"daemonset canal in kube-system",
                                          "statefulset fleet-agent in cattle-fleet-system",
                                          "daemonset rancher-webhook in cattle-system",
                                          "daemonset system-upgrade-controller in cattle-system",
                                          "daemonset canal in shop", "deployment web in shop",
                                          "statefulset database in shop"});
  CHECK(left == std::vector<std::string>{"daemonset $(reboot) in shop", "daemonset cloned in shop",
                                         "pod web-5d8f-x2k4p in shop",
                                         "replicaset alone-5d8f in shop"});
  CHECK(workloads.front().role == Role::network_plugin);
  CHECK(workloads.front().pods == 2);
  CHECK(workloads.at(5).pods == 2);
}

TEST_CASE("more workloads than any cluster has are only counted") {
  WorkloadCount count;
  for (int i = 0; i < 6000; ++i) {
    count.add(pod("{" + owner("DaemonSet", "d" + std::to_string(i)) + "}"));
  }
  const auto [workloads, more] = count.result();
  CHECK(workloads.size() + more == 6000);
  CHECK(more > 0);
}

TEST_CASE("of a pod little stays in memory, and nothing of one that is not affected") {
  const auto trim = old_pod_trim("cattle-system", "2026-02-01T00:00:00Z");
  auto old =
      pod(R"({"labels": {"pod-template-hash": "1", "app": "x"}, "annotations": {"a": "b"}})");
  trim(old);
  CHECK(old == json::parse(R"({"metadata": {"namespace": "shop", "name": "web-5d8f-x2k4p",
                               "labels": {"pod-template-hash": "1"}}})"));
  auto fresh = pod("{}", "2026-05-01T00:00:00Z");
  trim(fresh);
  CHECK(fresh == json::object{});
  for (const char* odd : {"null", "[]", "7", R"({"metadata": []})", R"({"status": 1})"}) {
    auto item = json::parse(odd);
    trim(item);
  }
}

/// A ConfigMap of 2026-01-01 with a CA that is valid from that time on.
json::value map(const std::string& ca_pem, const std::string& fields) {
  auto made = json::parse(R"({"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
                              "data": {}})");
  made.at("data").as_object()["ca.crt"] = ca_pem;
  if (!fields.empty()) made.at("metadata").as_object()["managedFields"] = json::parse(fields);
  return made;
}

std::string entry(const std::string& time, const std::string& owned = "f:data") {
  return R"({"manager": "kube-controller-manager", "time": ")" + time + R"(", "fieldsV1": {")" +
         owned + R"(": {"f:ca.crt": {}}}})";
}

TEST_CASE("the time when the CA last changed") {
  using State = CaChange::State;
  const auto now = parse_time("2026-11-27T00:00:00Z");
  const auto younger = test::make_certificate({.not_before = "20260601000000Z"});
  const auto older = test::make_certificate({.not_before = "20250601000000Z"});
  const auto changed = [&](const std::string& pem, const std::string& fields,
                           const std::string& stored) {
    return ca_change(map(pem, fields), stored, now);
  };
  const auto june = "[" + entry("2026-06-01T03:00:00Z") + "]";
  CHECK(changed(younger, june, younger).state == State::changed);
  CHECK(utc_text(changed(younger, june, younger).at) == "2026-06-01T03:00:00Z");
  // An annotation that an upgrade adds changes nothing of the CA.
  CHECK(changed(older, june, older).state == State::none);
  CHECK(changed(older, june, "").state == State::none);
  // A CA that was there before, and is not the one that Rancher knows.
  CHECK(changed(older, june, younger).state == State::changed);
  // After 30 days trouble of others has other causes, unless Rancher still has the old CA.
  CHECK_FALSE(changed(younger, june, younger).recent);
  CHECK(changed(younger, june, older).recent);
  CHECK(changed(younger, "[" + entry("2026-11-01T00:00:00Z") + "]", younger).recent);
  // The last entry that owns the data counts.
  const auto several = "[" + entry("2026-06-01T03:00:00Z") + "," + entry("2026-01-01T00:00:00Z") +
                       "," + entry("2026-07-01T00:00:00Z", "f:metadata") + "]";
  CHECK(utc_text(changed(younger, several, older).at) == "2026-06-01T03:00:00Z");
  // Missing, hidden or absurd.
  for (const std::string& fields :
       {std::string(), std::string("[]"), std::string("{}"), std::string("[7, null]"),
        "[" + entry("yesterday") + "]", "[" + entry("2025-12-31T00:00:00Z") + "]",
        "[" + entry("2026-11-28T00:00:00Z") + "]",
        "[" + entry("2026-06-01T03:00:00Z", "f:metadata") + "]"}) {
    CAPTURE(fields);
    CHECK(changed(younger, fields, older).state == State::unknown);
    CHECK(changed(older, fields, older).state == State::none);
  }
  CHECK(changed("", june, older).state == State::none);
  CHECK(ca_change(json::value(), older, now).state == State::none);
}

TEST_CASE(
    "the CA of the authorized cluster endpoint is old if it is no live one and was Rancher's") {
  const auto old = test::make_certificate({.common_name = "kube-ca"});
  const auto live = test::make_certificate({.common_name = "kube-ca"});
  const auto balancer = test::make_certificate({.common_name = "balancer"});
  const auto is_old = [&](const std::string& held, const std::string& stored) {
    return has_old_ca({true, true, held}, stored, live);
  };
  CHECK(is_old(old, old));
  CHECK(is_old(old, live));
  CHECK_FALSE(is_old(live, old));
  CHECK_FALSE(is_old(old + live, old));
  CHECK_FALSE(is_old(balancer, old));
  CHECK_FALSE(is_old("", old));
  CHECK_FALSE(has_old_ca({true, true, old}, old, ""));
}

TEST_CASE("an APIService is unavailable where it says so") {
  const auto service = [](const std::string& name, const std::string& status) {
    return json::parse(R"({"metadata": {"name": ")" + name + R"("}, "status": {"conditions": [
        {"type": "Available", "status": ")" +
                       status + R"(", "reason": "MissingEndpoints"}]}})");
  };
  const auto away = unavailable(service("v1beta1.metrics.k8s.io", "False"));
  REQUIRE(away);
  CHECK(away->object == "v1beta1.metrics.k8s.io");
  CHECK(away->reason == "MissingEndpoints");
  CHECK_FALSE(unavailable(service("v1.", "True")));
  CHECK_FALSE(unavailable(json::object{}));
  const auto odd = unavailable(service("x;reboot", "False"));
  REQUIRE(odd);
  CHECK(odd->object.empty());
}

}  // namespace
}  // namespace retrust
