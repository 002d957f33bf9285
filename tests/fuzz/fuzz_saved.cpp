// A run's folder as a rollback reads it, and a saved plan, after somebody else had them.
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <stdlib.h>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/private_file.h"
#include "cli/options.h"
#include "credentials/certificate.h"
#include "credentials/token.h"
#include "fuzz/checks.h"
#include "fuzz/target.h"
#include "run/saved_cluster.h"
#include "run/saved_plan.h"

namespace retrust::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view name_space = "cattle-system";

struct Saved {
  std::string_view cluster;  ///< the clusters resource
  std::string_view secret;   ///< the Secret cluster-token, which it may name
  std::string_view note;     ///< of what the run wanted there
};

constexpr const char* cluster_name = "clusters-c-x7k2p.json";
constexpr const char* secret_name = "secret-cluster-token.json";
constexpr const char* note_name = "live-c-x7k2p.json";

/// A folder of a run, gone at the end.
class RunFolder {
 public:
  RunFolder(std::string_view transcript, const Saved& saved) {
    auto pattern = (fs::temp_directory_path() / "retrust-fuzz-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
    const auto folder = Folder::create(path_);
    PrivateFile(folder, "transcript.jsonl").write(transcript);
    const auto backup = folder.create_folder("backup");
    PrivateFile(backup, cluster_name).write(saved.cluster);
    PrivateFile(backup, secret_name).write(saved.secret);
    PrivateFile(backup, note_name).write(saved.note);
  }
  ~RunFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string record_line(std::string_view name, std::string_view content) {
  boost::json::object event;
  event["event"] = "change";
  event["file"] = fmt::format("backup/{}", name);
  event["sha256"] = sha256_hex(content);
  return boost::json::serialize(event) + "\n";
}

void check_token(std::string_view token) {
  if (token.empty()) return;
  const auto claims = parse_token(token);
  require(
      claims && claims->name_space == name_space &&
          (claims->service_account == "cattle" || claims->service_account == "kontainer-engine"),
      "a rollback puts back no token but that of Rancher's own account");
}

/// What a rollback would put back.
void check_restored(const SavedCluster& saved) {
  const boost::json::value raw(saved.cluster.raw);
  check_token(text_at(raw, "/status/serviceAccountToken"));
  check_token(saved.cluster.stored.token.reveal());
  const auto ca = text_at(raw, "/status/caCert");
  const auto pem = base64_decode(ca);
  require(ca.empty() || (pem && !parse_certificates(*pem).empty()),
          "a rollback puts back no CA but certificates");
}

void read(std::string_view transcript, const Saved& parts) {
  const RunFolder folder(transcript, parts);
  Redactor redactor;
  try {
    const auto saved = read_saved_cluster(folder.path(), name_space, redactor);
    check_restored(saved);
    require(saved.integrity == SavedCluster::Integrity::unverified ||
                transcript.find(sha256_hex(parts.cluster)) != std::string_view::npos,
            "a file that is verified has its SHA-256 in the transcript");
  } catch (const Failure& failure) {
    require(failure.status == ExitStatus::refused && is_one_line(failure.what()),
            "a folder is refused in one line");
  }
}

}  // namespace

/// The transcript, the clusters resource, the Secret and the note, with an empty line after each.
void saved_files(std::string_view input) {
  const auto [transcript, files] = halves(input, "\n\n");
  const auto [cluster, others] = halves(files, "\n\n");
  const auto [secret, note] = halves(others, "\n\n");
  const Saved saved{cluster, secret, note};
  read(transcript, saved);
  // As the run would have recorded these files: now their contents count.
  read(record_line(cluster_name, cluster) + record_line(secret_name, secret) +
           record_line(note_name, note),
       saved);
}

/// What plan --out wrote, after somebody else had it.
void saved_plan(std::string_view input) {
  try {
    const auto plan = parse_saved_plan(input);
    for (const auto& cluster : plan.clusters) {
      require(is_one_line(cluster.in_full()), "a cluster of a saved plan is shown in one line");
    }
    const auto options = parse_options(
        {"run", "--plan=plan.json", "--kubeconfig=a", "--local-kubeconfig=b"},
        [](const std::string&) { return std::nullopt; },
        [&](const std::string&) { return plan.words(); });
    require(options.command == CommandName::run && !options.consented &&
                options.kubectl == "kubectl" && options.kubeconfig == "a" &&
                options.local_kubeconfig == "b" && options.clusters.size() == plan.clusters.size(),
            "a saved plan decides the plan, not how it is reached or agreed to");
  } catch (const Failure& failure) {
    require(failure.status == ExitStatus::usage && is_one_line(failure.what()),
            "a file that is no saved plan is refused in one line");
  }
}

}  // namespace retrust::fuzz
