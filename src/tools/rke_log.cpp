#include "tools/rke_log.h"

#include <algorithm>
#include <optional>

#include "base/lines.h"
#include "tools/logrus.h"

namespace retrust {
namespace {

/// The text in brackets after `after`; nothing if the message lacks `after` or the brackets.
std::optional<std::string> bracketed(std::string_view message, std::string_view after) {
  const auto at = message.find(after);
  if (at == std::string_view::npos) return std::nullopt;
  message.remove_prefix(at + after.size());
  if (!message.starts_with('[')) return std::nullopt;
  return std::string(message.substr(1, message.find(']') - 1));
}

/// Limit of kept hosts. No cluster has as many etcd hosts.
constexpr std::size_t most_hosts = 100;

void add_once(std::vector<DisplayText>& words, const std::string& word) {
  if (words.size() >= most_hosts) return;
  if (std::find(words.begin(), words.end(), word) == words.end()) words.emplace_back(word);
}

}  // namespace

SnapshotLog read_snapshot_log(std::string_view text) {
  SnapshotLog log;
  auto finished = false;
  for_each_line(text, [&](std::string_view each) {
    const auto line = read_log_line(each);
    const auto& message = line.message.str();
    constexpr std::string_view running = "Running RKE version: ";
    if (message.starts_with(running)) log.version = message.substr(running.size());
    // rancher/rke v0.3.0, services/etcd.go. Before: [etcd] Saving snapshot [NAME] on host [H].
    const auto begun = contains(message, "[etcd] Running snapshot save once on host ") ||
                       message.starts_with("[etcd] Saving snapshot [");
    if (auto host = bracketed(message, " on host "); begun && host) add_once(log.hosts, *host);
    if (auto host = bracketed(message, "Removing host ")) add_once(log.unreachable, *host);
    log.some_failed = log.some_failed || contains(message, "Failed to take snapshot on");
    // The words differ between versions, and the last of them comes after failures, too.
    finished =
        finished || (contains(message, "Finished saving") && contains(message, "snapshot ["));
    if (line.grave()) keep_warning(log.warnings, message);
  });
  if (finished) {
    using enum SnapshotLog::Taken;
    log.taken = log.some_failed || !log.unreachable.empty() ? somewhere : everywhere;
  }
  return log;
}

}  // namespace retrust
