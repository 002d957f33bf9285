#include "fleet/kubeconfig_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/display_text.h"
#include "base/failure.h"
#include "base/pod_account.h"
#include "base/trust.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;

constexpr off_t most_bytes = off_t{8} << 20U;

Failure unreadable(const std::string& path, const std::string& why) {
  return {FailureCode::bad_kubeconfig,
          fmt::format("--kubeconfig: cannot read {}: {}", DisplayText(path), why),
          {"give kubeconfigs that you can read; see what is there", "ls -ld " + operand(path)}};
}

/// Why a file cannot be read; empty if it can.
std::string trouble_of(const std::string& path) {
  if (is_of_pod(path) && runs_in_pod()) return {};
  struct ::stat state {};
  if (::stat(path.c_str(), &state) != 0) return std::strerror(errno);
  if (::access(path.c_str(), R_OK) != 0) return std::strerror(errno);
  if (!S_ISREG(state.st_mode)) return "it is no regular file";
  if (state.st_size == 0) return "the file is empty";
  // kubectl reads the whole file into memory, some files at once.
  if (state.st_size > most_bytes) return "the file is larger than 8 MiB, so it is no kubeconfig";
  return {};
}

/// Parts of a list as in KUBECONFIG; a path with a colon of its own is one part.
std::vector<std::string> parts_of(const std::string& value) {
  struct ::stat state {};
  if (value.find(':') == std::string::npos || ::stat(value.c_str(), &state) == 0) return {value};
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= value.size();) {
    const auto end = std::min(value.find(':', begin), value.size());
    // kubernetes/client-go v0.35.0, tools/clientcmd/loader.go: empty parts are left out.
    if (end > begin) parts.push_back(value.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::vector<std::string> files_in(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> files;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::error_code no_file;
    const auto& entry = *entries;
    if (entry.path().filename().string().starts_with('.')) continue;
    if (entry.is_directory(no_file)) continue;
    if (files.size() == most_kubeconfigs) {
      throw Failure(ExitStatus::usage,
                    fmt::format("--kubeconfig: {} holds more than {} files", DisplayText(folder),
                                most_kubeconfigs),
                    "give a folder that holds kubeconfigs alone");
    }
    files.push_back(entry.path().string());
  }
  if (error) throw unreadable(folder, error.message());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<KubeconfigFile> kubeconfig_files(const std::vector<std::string>& given,
                                             ContextChoice contexts) {
  std::vector<KubeconfigFile> files;
  std::set<std::string> known;
  const auto add = [&](KubeconfigFile file) {
    // kubectl runs the programs that a kubeconfig names: whoever writes it acts as the operator.
    if (file.trouble.empty() && !is_of_pod(file.path)) open_trusted(file.path);
    std::error_code gone;
    const auto real = fs::canonical(file.path, gone).string();
    if (known.insert(gone ? file.path : real).second) files.push_back(std::move(file));
  };
  for (const auto& value : given) {
    for (const auto& part : parts_of(value)) {
      std::error_code no_folder;
      if (fs::is_directory(part, no_folder)) {
        const auto members = files_in(part);
        if (members.empty()) throw unreadable(part, "the folder holds no file");
        for (const auto& path : members) add({path, ContextChoice::all, {}, trouble_of(path)});
        continue;
      }
      if (const auto trouble = trouble_of(part); !trouble.empty()) throw unreadable(part, trouble);
      add({part, contexts});
    }
    if (files.empty()) throw unreadable(value, "it names no file");
  }
  return files;
}

}  // namespace retrust
