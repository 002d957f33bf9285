#include "run/saved_cluster.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/failure.h"
#include "base/json.h"
#include "base/trust.h"
#include "credentials/certificate.h"
#include "credentials/token.h"
#include "observe/parse.h"
#include "run/saved_files.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

[[noreturn]] void refuse(const fs::path& path, std::string_view why) {
  throw Failure(
      ExitStatus::refused, fmt::format("{} {}", path.string(), why),
      fmt::format("no changes were made; see what is in the file: less {}", operand(path)));
}

/// True for the tokens of Rancher's own accounts in the downstream cluster: the agents' account,
/// and the account of clusters which Rancher made or registered by itself (rancher/rancher
/// pkg/kontainer-engine/drivers/util/utils.go).
bool is_expected(const TokenClaims& claims, std::string_view name_space) {
  return claims.name_space == name_space &&
         (claims.service_account == agent_account || claims.service_account == "kontainer-engine");
}

void check_token(std::string_view token, std::string_view name_space, const fs::path& path) {
  constexpr std::size_t longest = 8192;
  if (token.empty()) return;
  const auto plain = std::all_of(token.begin(), token.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  const auto claims = plain && token.size() <= longest ? parse_token(token) : std::nullopt;
  if (!claims) refuse(path, "holds a token that is no service account's: it is not a JWT");
  if (is_expected(*claims, name_space)) return;
  refuse(path, fmt::format("holds a token of the service account {}/{}, not of {}/{}",
                           claims->name_space, claims->service_account, name_space, agent_account));
}

/// Checks that the restored fields hold only values that Rancher itself writes, because they go
/// into Rancher's record.
void check_fields(const json::value& status, std::string_view name_space, const fs::path& path) {
  for (const auto* field : restored_fields) {
    const auto* value = status.get_object().if_contains(field);
    if (value != nullptr && !value->is_string()) {
      refuse(path, fmt::format("holds a status.{} that is not a string", field));
    }
  }
  const auto ca = text_at(status, "/caCert");
  const auto pem = base64_decode(ca);
  if (!ca.empty() && (!pem || parse_certificates(*pem).empty())) {
    refuse(path, "holds a status.caCert that is no certificate: PEM in base64 is expected");
  }
  check_token(text_at(status, "/serviceAccountToken"), name_space, path);
}

}  // namespace

SavedCluster read_saved_cluster(const fs::path& run_folder, std::string_view name_space,
                                Redactor& redactor) {
  const SavedFiles saved_files(run_folder);
  const auto& backup = saved_files.backup();
  const auto files = saved_files.beginning_with("clusters-");
  if (files.empty()) {
    throw Failure(ExitStatus::refused,
                  fmt::format("{} holds no clusters resource: that run changed nothing",
                              backup.path().string()),
                  "give the folder of a run that did");
  }
  SavedCluster saved;
  saved.path = backup.path_of(files.front());
  if (!saved_files.has_records()) saved.integrity = SavedCluster::Integrity::unverified;
  const auto object = saved_files.read(files.front());
  const auto* status = find_at(object, "/status");
  if (text_at(object, "/kind") != "Cluster" || text_at(object, "/metadata/name").empty() ||
      text_at(object, "/metadata/uid").empty() || status == nullptr || !status->is_object()) {
    refuse(saved.path, "is not a clusters resource");
  }
  try {
    // parse_cluster registers the secrets first.
    saved.cluster = parse_cluster(object, redactor);
  } catch (const Failure& failure) {
    refuse(saved.path, fmt::format("cannot be used: {}", failure.what()));
  }
  check_fields(*status, name_space, saved.path);
  if (!saved.cluster.token_secret_name.empty()) {
    const auto name = fmt::format("secret-{}.json", saved.cluster.token_secret_name);
    std::optional<json::object> secret;
    if (backup.contains(name)) {
      auto found = saved_files.read(name);
      check_token(credential_in(found), name_space, backup.path_of(name));
      if (found.is_object()) secret = std::move(found.get_object());
    }
    take_token_secret(saved.cluster, std::move(secret), redactor);
  }
  for (const auto& file : saved_files.beginning_with("live-")) {
    // A run that was killed before it recorded the note did not make the change.
    if (saved_files.has_records() && !saved_files.is_recorded(file)) continue;
    saved.left.push_back(digest_from_json(saved_files.read(file)));
  }
  return saved;
}

}  // namespace retrust
