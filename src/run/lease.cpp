#include "run/lease.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/json.h"
#include "base/json_stream.h"
#include "base/text.h"
#include "observe/commands.h"
#include "observe/parse.h"

namespace retrust {

using boost::asio::awaitable;

namespace {

namespace json = boost::json;

constexpr std::string_view api_version = "coordination.k8s.io/v1";
constexpr std::string_view kind = "Lease";
/// Limit in bytes of the answer about one Lease.
constexpr std::size_t most_in_lease = std::size_t{64} << 10U;
/// Limit in bytes of a holder or a time that is kept.
constexpr std::size_t most_text = 1024;

/// The form of metav1.MicroTime: exactly 6 digits behind the dot (kubernetes/apimachinery v0.30.0,
/// pkg/apis/meta/v1/micro_time.go: RFC3339Micro).
std::string micro_time(std::chrono::system_clock::time_point time) {
  auto text = utc_text(std::chrono::floor<std::chrono::seconds>(time));
  const auto part =
      std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()).count() % 1'000'000;
  text.insert(text.size() - 1, fmt::format(".{:06}", part));
  return text;
}

/// Reads such a time in whole seconds.
std::optional<std::chrono::sys_seconds> time_in(std::string_view text) {
  constexpr std::size_t seconds_size = std::string_view("2026-01-10T08:00:00").size();
  if (text.size() <= seconds_size || text.back() != 'Z') return std::nullopt;
  const auto time = parse_time(fmt::format("{}Z", text.substr(0, seconds_size)));
  if (time.time_since_epoch().count() == 0) return std::nullopt;
  return time;
}

std::int64_t number_at(const json::value& value, std::string_view pointer) {
  const auto* found = find_at(value, pointer);
  return found != nullptr && found->is_int64() ? found->get_int64() : 0;
}

[[noreturn]] void refuse(const NamespaceName& name_space, std::string_view what) {
  throw Failure(FailureCode::bad_answer,
                fmt::format("the local cluster answered with {} instead of the Lease {} in {}",
                            what, lease_name, name_space),
                "find out what answers at the cluster's address");
}

/// The Leases that kubectl printed, by namespace.
std::vector<json::value> documents_in(std::string_view text, std::size_t most) {
  std::vector<json::value> found;
  DocumentStream stream({}, most * most_in_lease);
  try {
    stream.feed(text, [&](json::value document) {
      // Some versions wrap several answers in a List again.
      if (text_at(document, "/kind") == "List") {
        for (const auto& item : array_at(document, "/items")) found.push_back(item);
      } else {
        found.push_back(std::move(document));
      }
    });
  } catch (const boost::system::system_error&) {
    found.clear();
  } catch (const std::length_error&) {
    found.clear();
  }
  return found;
}

/// Writes what the server answered about its Lease into each, or nothing into any.
void take_answers(const std::vector<Lease*>& leases, std::string_view printed) {
  const auto documents = documents_in(printed, leases.size());
  std::vector<Lease> found;
  for (const auto* lease : leases) {
    const auto document =
        std::find_if(documents.begin(), documents.end(), [&](const json::value& each) {
          return text_at(each, "/metadata/namespace") == lease->name_space.text();
        });
    if (document == documents.end()) refuse(lease->name_space, "something else");
    found.push_back(parse_lease(*document, lease->name_space));
    if (found.back().holder != lease->holder || found.back().version.empty()) {
      refuse(lease->name_space, "another Lease");
    }
  }
  for (std::size_t i = 0; i < leases.size(); ++i) *leases[i] = std::move(found[i]);
}

std::string list_of(const std::vector<Lease*>& leases) {
  json::array items;
  for (const auto* lease : leases) {
    items.emplace_back(lease_object(*lease, std::chrono::system_clock::now()));
  }
  if (items.size() == 1) return json::serialize(items.front());
  json::object list;
  list["apiVersion"] = "v1";
  list["kind"] = "List";
  list["items"] = std::move(items);
  return json::serialize(list);
}

std::string given_text(const std::vector<Lease*>& leases) {
  if (leases.size() != 1) return counted(leases.size(), "Lease");
  const auto& lease = *leases.front();
  return fmt::format("Lease {} in {}", lease_name, lease.name_space);
}

}  // namespace

std::optional<std::chrono::sys_seconds> Lease::renewed_at() const {
  return time_in(renewed);
}

Lease parse_lease(const json::value& object, const NamespaceName& name_space) {
  if (text_at(object, "/kind") != kind || text_at(object, "/metadata/name") != lease_name ||
      text_at(object, "/metadata/namespace") != name_space.text()) {
    refuse(name_space, "another object");
  }
  Lease lease;
  lease.name_space = name_space;
  lease.uid = text_at(object, "/metadata/uid");
  lease.version = text_at(object, "/metadata/resourceVersion");
  lease.holder = text_at(object, "/spec/holderIdentity");
  lease.renewed = text_at(object, "/spec/renewTime");
  if (lease.holder.size() > most_text || lease.renewed.size() > most_text) {
    refuse(name_space, "a Lease that no program writes");
  }
  lease.acquired = time_in(text_at(object, "/spec/acquireTime"));
  const auto duration = number_at(object, "/spec/leaseDurationSeconds");
  lease.duration = duration > 0 && duration < longest_lease.count() ? std::chrono::seconds{duration}
                                                                    : longest_lease;
  lease.transitions = std::clamp(number_at(object, "/spec/leaseTransitions"), std::int64_t{0},
                                 std::int64_t{1'000'000'000});
  return lease;
}

json::object lease_object(const Lease& lease, std::chrono::system_clock::time_point now) {
  json::object metadata;
  metadata["name"] = lease_name;
  metadata["namespace"] = lease.name_space.text();
  if (!lease.uid.empty()) metadata["uid"] = lease.uid.text();
  if (!lease.version.empty()) metadata["resourceVersion"] = lease.version.text();
  json::object spec;
  spec["holderIdentity"] = lease.holder;
  spec["leaseDurationSeconds"] = lease.duration.count();
  spec["acquireTime"] = micro_time(lease.acquired ? *lease.acquired : now);
  spec["renewTime"] = micro_time(now);
  spec["leaseTransitions"] = lease.transitions;
  json::object object;
  object["apiVersion"] = api_version;
  object["kind"] = kind;
  object["metadata"] = std::move(metadata);
  object["spec"] = std::move(spec);
  return object;
}

void Expiry::saw(const Lease& lease, std::chrono::steady_clock::time_point now) {
  const auto same = last_ && last_->uid == lease.uid && last_->holder == lease.holder &&
                    last_->renewed == lease.renewed;
  if (!same) since_ = now;
  last_ = lease;
}

bool Expiry::expired(std::chrono::steady_clock::time_point now,
                     std::chrono::sys_seconds clock) const {
  if (!last_) return false;
  if (now - since_ >= last_->duration) return true;
  const auto renewed = last_->renewed_at();
  return renewed && *renewed + last_->duration + clock_skew < clock;
}

awaitable<std::optional<Lease>> read_lease(Kubectl local, NamespaceName name_space) {
  const auto list = co_await local.get(commands::leases(name_space, lease_name));
  const auto* found = find_at(list, "/items");
  if (found == nullptr || !found->is_array()) refuse(name_space, "something else");
  const auto& items = found->get_array();
  if (items.empty()) co_return std::nullopt;
  co_return parse_lease(items.front(), name_space);
}

awaitable<void> create_lease(Kubectl local, Lease& lease) {
  std::vector<Lease*> one(1, &lease);
  auto input = list_of(one);
  auto given = given_text(one);
  const auto printed =
      co_await local.ask(Kubectl::create_args(), std::move(input), std::move(given));
  take_answers(one, printed);
}

awaitable<void> write_leases(Kubectl local, std::vector<Lease*> leases) {
  auto input = list_of(leases);
  auto given = given_text(leases);
  Arguments args{"replace", "--validate=false", "-f", "-", "-o", "json"};
  const auto printed = co_await local.ask(std::move(args), std::move(input), std::move(given));
  take_answers(leases, printed);
}

awaitable<Renewed> renew_leases(Kubectl local, std::vector<Lease*> leases) {
  Renewed renewed{std::vector<Renewal>(leases.size(), Renewal::renewed)};
  try {
    co_await write_leases(local, leases);
    co_return renewed;
  } catch (const Failure& failure) {
    renewed.failure = failure.in_full();
  }
  // kubectl does not say in its exit status which of them it replaced.
  for (std::size_t i = 0; i < leases.size(); ++i) {
    auto& lease = *leases[i];
    try {
      const auto now = co_await read_lease(local, lease.name_space);
      if (!now || now->holder != lease.holder) {
        renewed.each[i] = Renewal::lost;
        if (now) lease.renewed = now->renewed;
      } else {
        // Another program may have changed its metadata meanwhile.
        const auto took = now->version != lease.version && now->renewed != lease.renewed;
        renewed.each[i] = took ? Renewal::renewed : Renewal::unknown;
        lease = *now;
      }
    } catch (const Failure& failure) {
      renewed.each[i] = Renewal::unknown;
      renewed.failure = failure.in_full();
    }
  }
  co_return renewed;
}

}  // namespace retrust
