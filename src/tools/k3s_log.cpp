#include "tools/k3s_log.h"

#include "base/lines.h"
#include "tools/logrus.h"

namespace retrust {
namespace {

/// The rest of a message after its beginning; empty if the message begins otherwise.
std::string_view after(std::string_view message, std::string_view beginning) {
  return message.starts_with(beginning) ? message.substr(beginning.size()) : std::string_view{};
}

std::string_view file_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// Whether a message is noise: the warning about each option in config.yaml that the server takes
/// and `etcd-snapshot` does not.
bool is_noise(std::string_view message) {
  return message.starts_with("Unknown flag ") && message.ends_with(", skipping");
}

}  // namespace

K3sSnapshotLog read_k3s_snapshot_log(std::string_view text) {
  K3sSnapshotLog log;
  auto failed = false;
  std::string begun;
  for_each_line(text, [&](std::string_view each) {
    const auto line = read_log_line(each);
    const std::string_view message = line.message;
    if (const auto path = after(message, "Saving etcd snapshot to "); !path.empty()) begun = path;
    if (const auto path = after(message, "Compressed snapshot: "); !path.empty()) begun = path;
    // k3s says this once for the file, and again after an upload.
    if (const auto name = after(message, "Snapshot ");
        log.name.empty() && name.ends_with(" saved."))
      log.name = file_name(name.substr(0, name.find(' ')));
    failed = failed || message.starts_with("Failed to take etcd snapshot") ||
             message.starts_with("Unable to take snapshot");
    if (line.grave() && !is_noise(message)) keep_warning(log.warnings, message);
    failed = failed || line.level.starts_with("fata");
  });
  if (failed) {
    log.name = {};
  } else if (log.name.empty()) {
    log.name = file_name(begun);
  }
  if (!log.name.empty() && file_name(begun) == log.name) log.path = begun;
  return log;
}

ListedSnapshot find_snapshot(std::string_view listed, std::string_view name) {
  ListedSnapshot found;
  for_each_line(listed, [&](std::string_view line) {
    constexpr std::string_view file = "file://";
    const auto location = column(line, 1);
    const auto size = column(line, 2);
    if (!found.path.empty() || column(line, 0) != name || !location.starts_with(file)) return;
    if (size.empty()) return;
    found = {std::string(location.substr(file.size())), std::string(size)};
  });
  return found;
}

}  // namespace retrust
