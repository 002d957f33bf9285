#include "observe/new_pods.h"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"
#include "observe/parse.h"

namespace retrust {
namespace {

namespace json = boost::json;

/// Limit in bytes of a kubelet's message, which names a sandbox by 64 digits.
constexpr std::size_t most_message_bytes = 400;
/// Limit of pods with warnings: no namespace of agents has as many.
constexpr std::size_t most_warnings = 200;

/// The last time of an event. Events of events.k8s.io have only eventTime, and a series.
std::chrono::sys_seconds time_of(const json::value& event) {
  std::chrono::sys_seconds latest{};
  for (const auto* pointer : {"/lastTimestamp", "/series/lastObservedTime", "/eventTime"}) {
    // A MicroTime has digits after the seconds.
    auto text = text_at(event, pointer);
    if (const auto point = text.find('.'); point != std::string::npos)
      text = text.substr(0, point) + "Z";
    latest = std::max(latest, parse_time(text));
  }
  return latest;
}

/// True if the message is of a rejected token, or of a CA that is not trusted. A registry rejects
/// and is not trusted in the same words (containerd, "failed to get sandbox image").
bool tells_of_credentials(std::string_view message) {
  constexpr std::array image{"sandbox image", "failed to pull"};
  const auto of_registry = std::any_of(image.begin(), image.end(), [&](std::string_view word) {
    return message.find(word) != std::string_view::npos;
  });
  if (of_registry) return false;
  constexpr std::array words{"Unauthorized", "unauthorized", "x509: "};
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return message.find(word) != std::string_view::npos;
  });
}

template <typename Counts>
std::optional<RejectedSandbox> latest_of(const json::value& events, Counts counts) {
  std::optional<RejectedSandbox> latest;
  for (const auto* event : items_of(events, "Event")) {
    if (text_at(*event, "/reason") != "FailedCreatePodSandBox") continue;
    const auto component = text_at(*event, "/source/component");
    if (!component.empty() && component != "kubelet") continue;
    const auto message = text_at(*event, "/message");
    const auto at = time_of(*event);
    if (!counts(*event) || !tells_of_credentials(message) || (latest && at <= latest->at)) continue;
    latest = RejectedSandbox{fmt::format("{}/{}", text_at(*event, "/involvedObject/namespace"),
                                         text_at(*event, "/involvedObject/name")),
                             text_at(*event, "/source/host"),
                             DisplayText(message, most_message_bytes), at};
  }
  return latest;
}

std::string condition_of(const json::value& node, std::string_view type, std::string_view member) {
  for (const auto& condition : array_at(node, "/status/conditions")) {
    if (text_at(condition, "/type") == type) return text_at(condition, member);
  }
  return {};
}

/// The agents run on Linux (rancher/rancher v2.12.3, pkg/systemtemplate/template.go: nodeAffinity).
bool is_windows(const json::value& node) {
  return text_at(node, "/metadata/labels/kubernetes.io~1os") == "windows" ||
         text_at(node, "/metadata/labels/beta.kubernetes.io~1os") == "windows";
}

bool is_cordoned(const json::value& node) {
  const auto* cordoned = find_at(node, "/spec/unschedulable");
  return cordoned != nullptr && cordoned->is_bool() && cordoned->get_bool();
}

}  // namespace

std::optional<RejectedSandbox> latest_rejected(const json::value& events,
                                               std::chrono::sys_seconds since) {
  return latest_of(events, [&](const json::value& event) { return time_of(event) >= since; });
}

std::optional<RejectedSandbox> latest_rejected(const json::value& events,
                                               const std::set<Uid>& pods) {
  return latest_of(events, [&](const json::value& event) {
    const auto uid = Uid::if_allowed(text_at(event, "/involvedObject/uid"));
    return !uid.empty() && pods.contains(uid);
  });
}

std::chrono::sys_seconds latest_heartbeat(const json::value& nodes) {
  std::chrono::sys_seconds latest{};
  for (const auto* node : items_of(nodes, "Node")) {
    for (const auto& condition : array_at(*node, "/status/conditions")) {
      latest = std::max(latest, parse_time(text_at(condition, "/lastHeartbeatTime")));
    }
  }
  return latest;
}

std::string why_no_node(const json::value& nodes) {
  std::string first;
  for (const auto* node : items_of(nodes, "Node")) {
    if (is_windows(*node)) continue;
    const auto ready = condition_of(*node, "Ready", "/status");
    if (ready.empty() || (ready == "True" && !is_cordoned(*node))) return {};
    if (!first.empty()) continue;
    const DisplayText name(text_at(*node, "/metadata/name"));
    const DisplayText message(condition_of(*node, "Ready", "/message"));
    first = ready == "True" ? fmt::format("{} is cordoned", name)
                            : fmt::format("{} is not ready: {}", name, message);
  }
  return first;
}

std::map<ObjectName, DisplayText> pod_warnings(const json::value& events) {
  std::map<ObjectName, DisplayText> warnings;
  std::map<ObjectName, std::chrono::sys_seconds> times;
  for (const auto* event : items_of(events, "Event")) {
    if (text_at(*event, "/type") != "Warning") continue;
    if (text_at(*event, "/involvedObject/kind") != "Pod") continue;
    const auto pod = ObjectName::if_allowed(text_at(*event, "/involvedObject/name"));
    if (pod.empty()) continue;
    if (warnings.size() >= most_warnings && !warnings.contains(pod)) continue;
    const auto at = time_of(*event);
    auto& last = times[pod];
    if (at < last) continue;
    last = at;
    const auto text =
        fmt::format("{}: {}", text_at(*event, "/reason"), text_at(*event, "/message"));
    warnings[pod] = DisplayText(text, most_message_bytes);
  }
  return warnings;
}

std::string new_pods_trouble(const NewPods& seen) {
  if (const auto& rejected = seen.rejected) {
    return fmt::format("new pods get no network{}: {} failed at {}: {}",
                       rejected->node.empty() ? "" : " on " + rejected->node.str(), rejected->pod,
                       utc_text(rejected->at), rejected->message);
  }
  if (!seen.no_node.empty()) return fmt::format("no node takes new pods: {}", seen.no_node);
  return {};
}

std::string agents_checksum(std::string ca_pem) {
  if (ca_pem.empty()) return {};
  if (!ca_pem.ends_with('\n')) ca_pem += '\n';
  return sha256_hex(ca_pem);
}

}  // namespace retrust
