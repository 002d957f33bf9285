#include "runbook/saved_cluster.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "binaries/json.h"
#include "credentials/certificate.h"
#include "credentials/encoding.h"
#include "runbook/parse.h"
#include "runbook/stored_token.h"
#include "transcript/failure.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

json::value read_json(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  boost::system::error_code wrong;
  auto value = json::parse(text, wrong);
  if (!file || wrong) {
    throw Failure(ExitStatus::refused,
                  fmt::format("{} cannot be read: {}", path.string(),
                              wrong ? wrong.message() : "reading failed"),
                  "nothing was changed; is it what a run of retrust saved?");
  }
  return value;
}

/// Files of a backup folder that begin so, the first that was written first.
std::vector<fs::path> files_of(const fs::path& folder, std::string_view prefix) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with(prefix) && name.ends_with(".json")) files.push_back(entry.path());
  }
  // x.json, x.2.json, … x.10.json
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) {
    const auto length_of = [](const fs::path& path) { return path.filename().string().size(); };
    return std::pair(length_of(a), a) < std::pair(length_of(b), b);
  });
  return files;
}

StoredDigest digest_from_json(const json::value& note) {
  StoredDigest digest;
  digest.token = text_at(note, "/tokenSha256");
  digest.token_secret = text_at(note, "/serviceAccountTokenSecret");
  for (const auto& certificate : array_at(note, "/caSha256")) {
    if (certificate.is_string()) digest.ca.emplace_back(certificate.get_string());
  }
  return digest;
}

}  // namespace

StoredDigest digest_of(const Credentials& credentials) {
  StoredDigest digest;
  if (!credentials.token.empty()) digest.token = sha256_hex(credentials.token.reveal());
  for (const auto& certificate : parse_certificates(credentials.ca_pem)) {
    digest.ca.push_back(certificate.sha256);
  }
  if (digest.ca.empty() && !credentials.ca_pem.empty()) {
    digest.ca.push_back(sha256_hex(credentials.ca_pem));
  }
  std::sort(digest.ca.begin(), digest.ca.end());
  digest.ca.erase(std::unique(digest.ca.begin(), digest.ca.end()), digest.ca.end());
  return digest;
}

StoredDigest digest_of(const ClusterResource& cluster) {
  auto digest = digest_of(cluster.stored);
  digest.token_secret = cluster.token_secret_name;
  return digest;
}

json::object to_json(const StoredDigest& digest) {
  json::object note;
  note["version"] = 1;
  note["tokenSha256"] = digest.token;
  note["caSha256"] = json::array(digest.ca.begin(), digest.ca.end());
  note["serviceAccountTokenSecret"] = digest.token_secret;
  return note;
}

SavedCluster read_saved_cluster(const fs::path& run_folder, Redactor& redactor) {
  const auto backup = run_folder / "backup";
  std::error_code error;
  if (!fs::is_directory(backup, error)) {
    throw Failure(
        ExitStatus::usage,
        fmt::format("{} is no folder of a run: there is no backup in it", run_folder.string()),
        "give the folder that the run named at its end (retrust-CLUSTER-TIME)");
  }
  const auto files = files_of(backup, "clusters-");
  if (files.empty()) {
    throw Failure(
        ExitStatus::refused,
        fmt::format("{} holds no clusters resource: that run changed nothing", backup.string()),
        "give the folder of a run that did");
  }
  SavedCluster saved;
  saved.path = files.front();
  const auto object = read_json(saved.path);
  const auto* status = find_at(object, "/status");
  if (text_at(object, "/kind") != "Cluster" || text_at(object, "/metadata/name").empty() ||
      text_at(object, "/metadata/uid").empty() || status == nullptr || !status->is_object()) {
    throw Failure(ExitStatus::refused,
                  fmt::format("{} is not a clusters resource", saved.path.string()),
                  "nothing was changed; is it what a run of retrust saved?");
  }
  saved.cluster = parse_cluster(object, redactor);
  if (!saved.cluster.token_secret_name.empty()) {
    const auto secrets = files_of(backup, "secret-" + saved.cluster.token_secret_name.text());
    std::optional<json::object> secret;
    if (!secrets.empty()) {
      auto found = read_json(secrets.front());
      if (found.is_object()) secret = std::move(found.get_object());
    }
    take_token_secret(saved.cluster, std::move(secret), redactor);
  }
  for (const auto& file : files_of(backup, "live-")) {
    saved.left.push_back(digest_from_json(read_json(file)));
  }
  return saved;
}

}  // namespace retrust
