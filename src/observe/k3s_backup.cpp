#include "observe/k3s_backup.h"

#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>

namespace retrust {
namespace {

using boost::asio::awaitable;
namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// Told apart from what we may not look at.
bool is_missing(const fs::path& path) {
  std::error_code error;
  return fs::status(path, error).type() == fs::file_type::not_found;
}

/// In bytes; nothing where there is no such file, or none that we may see.
std::optional<std::uintmax_t> size_of(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? std::nullopt : std::optional(size);
}

[[noreturn]] void no_file(std::string_view program, const std::string& name, std::string found) {
  throw Failure(
      ExitStatus::refused,
      fmt::format("{} says that it saved the snapshot {}, but {}", program, name, found),
      fmt::format("nothing was changed; see {} etcd-snapshot ls, then run again", program));
}

}  // namespace

void check_k3s_node(const BackupChoice& choice) {
  const auto distribution = *choice.distribution();
  const fs::path data = choice.data_folder;
  const auto server = data / "server";
  if (is_there(data / "agent") && is_missing(server)) throw no_server(distribution);
  const auto database = server / "db";
  if (is_there(database / "state.db") && is_missing(database / "etcd" / "member")) {
    throw no_etcd(distribution, choice.data_folder);
  }
}

awaitable<void> save_k3s_snapshot(const K3s& k3s, Journal journal, BackupChoice choice) {
  const auto program = name_of(k3s.distribution());
  const auto log = co_await k3s.save_snapshot(choice.snapshot, choice.data_folder);
  for (const auto& warning : log.warnings) {
    journal.warning(fmt::format("{}: {}", program, warning));
  }
  const auto& name = log.name;
  const auto usual = fs::path(choice.data_folder) / "server" / "db" / "snapshots" / log.name.str();
  auto path = log.path.empty() ? usual.string() : log.path.str();
  auto size = size_of(path);
  std::string seen = size ? fmt::format("{} bytes", *size) : "";
  if (!size) {
    // The server's configuration may have them elsewhere.
    const auto listed = co_await k3s.find(log.name);
    if (listed.path.empty() || is_missing(listed.path.str())) {
      no_file(program, name, "there is no such file");
    }
    path = listed.path;
    size = size_of(path);
    seen = size ? fmt::format("{} bytes", *size)
                : fmt::format("{} bytes, as {} lists it", listed.size, program);
    if (!size && listed.size == "0") size = 0;
  }
  if (size && *size == 0) no_file(program, name, "its file is empty");
  journal.change(
      fmt::format("etcd's snapshot {} was taken on this node: there it is {} ({}); to be restored "
                  "it needs {}/server/token, too",
                  name, path, seen, choice.data_folder));
}

}  // namespace retrust
