// What a run leaves for later ones: saved resources, and the names of snapshots.
#include <filesystem>
#include <fstream>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "certificates.h"
#include "credentials/encoding.h"
#include "runbook/saved_cluster.h"
#include "runbook/snapshot_names.h"
#include "secrets.h"
#include "transcript/failure.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// A directory of its own, gone with the object.
class Directory {
 public:
  Directory() {
    auto pattern = (fs::temp_directory_path() / "retrust-unit-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~Directory() { fs::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

std::string cluster_text(const std::string& token, const std::string& ca_pem = "") {
  json::object status;
  status["serviceAccountToken"] = token;
  status["caCert"] = base64_encode(ca_pem);
  json::object metadata;
  metadata["name"] = "c-x7k2p";
  metadata["uid"] = "some-uid";
  json::object cluster;
  cluster["kind"] = "Cluster";
  cluster["metadata"] = std::move(metadata);
  cluster["status"] = std::move(status);
  return json::serialize(cluster);
}

/// Status and words of the failure to read a run's folder.
std::pair<ExitStatus, std::string> complaint(const fs::path& folder) {
  Redactor redactor;
  try {
    read_saved_cluster(folder, redactor);
  } catch (const Failure& failure) {
    return {failure.status, failure.what()};
  }
  return {ExitStatus::done, "no complaint"};
}

TEST_CASE("what was saved first counts, and every note of what that run wanted") {
  const Directory run;
  const auto backup = run.path() / "backup";
  for (const auto* name : {"clusters-c-x7k2p.10.json", "clusters-c-x7k2p.2.json"}) {
    write(backup / name, cluster_text("later"));
  }
  write(backup / "clusters-c-x7k2p.json", cluster_text("first-of-the-tokens"));
  write(backup / "clusters-c-x7k2p.json.part", "half of");
  for (const auto* token : {"one", "two"}) {
    const auto note = to_json(digest_of(Credentials{test::secret_of(token), ""}));
    write(backup / ("live-c-x7k2p" + std::string(token) + ".json"), json::serialize(note));
  }
  Redactor redactor;
  const auto saved = read_saved_cluster(run.path(), redactor);
  CHECK(saved.path == backup / "clusters-c-x7k2p.json");
  CHECK(saved.cluster.stored.token == test::secret_of("first-of-the-tokens"));
  REQUIRE(saved.left.size() == 2);
  CHECK(saved.left[0] == digest_of(Credentials{test::secret_of("one"), ""}));
  CHECK(saved.left[1] == digest_of(Credentials{test::secret_of("two"), ""}));
}

TEST_CASE("the token that was saved is never shown again") {
  const Directory run;
  write(run.path() / "backup/clusters-c-x7k2p.json", cluster_text("a-token-that-was-saved"));
  Redactor redactor;
  read_saved_cluster(run.path(), redactor);
  CHECK(redactor.mask("is a-token-that-was-saved there?").find("was-saved") == std::string::npos);
}

TEST_CASE("folders that are not what a run leaves") {
  const Directory run;
  const auto saved = run.path() / "backup/clusters-c-x7k2p.json";
  CHECK(complaint(run.path() / "nowhere").first == ExitStatus::usage);
  CHECK(complaint(run.path()).first == ExitStatus::usage);
  fs::create_directories(run.path() / "backup");
  CHECK(complaint(run.path()).first == ExitStatus::refused);
  struct Case {
    std::string content;
    std::string words;
  };
  const auto whole = cluster_text("first-of-the-tokens");
  const std::vector<Case> cases{
      {"", "cannot be read"},
      {whole.substr(0, whole.size() / 2), "cannot be read"},
      {whole + "}", "cannot be read"},
      {"[1, 2]", "is not a clusters resource"},
      {"null", "is not a clusters resource"},
      {R"({"kind":"Cluster","metadata":{"name":"c-x7k2p"},"status":{}})", "is not a clusters"},
      {R"({"kind":"Cluster","metadata":{"uid":"u"},"status":{}})", "is not a clusters resource"},
      {R"({"kind":"Cluster","metadata":{"name":"c","uid":"u"}})", "is not a clusters resource"},
      {R"({"kind":"Secret","metadata":{"name":"c","uid":"u"},"status":{}})", "is not a clusters"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.content);
    write(saved, each.content);
    const auto [status, words] = complaint(run.path());
    CHECK(status == ExitStatus::refused);
    CHECK(words.find(each.words) != std::string::npos);
  }
  write(saved, whole);
  CHECK(complaint(run.path()).first == ExitStatus::done);
  write(run.path() / "backup/live-c-x7k2p.json", "{");
  CHECK(complaint(run.path()).first == ExitStatus::refused);
}

TEST_CASE("a digest tells credentials apart by what they are") {
  const auto one = test::make_certificate({.common_name = "one"});
  const auto two = test::make_certificate({.common_name = "two"});
  const Credentials credentials{test::secret_of("token"), one + two};
  const auto digest = digest_of(credentials);
  CHECK(digest_of(Credentials{test::secret_of("token"), two + "\n" + one + one}) == digest);
  CHECK_FALSE(digest_of(Credentials{test::secret_of("token"), one}) == digest);
  CHECK_FALSE(digest_of(Credentials{test::secret_of("other"), one + two}) == digest);
  // What is no certificate is told apart all the same.
  CHECK_FALSE(digest_of(Credentials{test::secret_of("token"), "no PEM"}) ==
              digest_of(Credentials{test::secret_of("token"), "none"}));
  CHECK(digest_of(Credentials{}).token.empty());
  CHECK(json::serialize(to_json(digest)).find("\"token\"") == std::string::npos);
}

TEST_CASE("names of snapshots are remembered") {
  const Directory home;
  const auto folder = home.path() / "state/retrust";
  CHECK_FALSE(is_remembered(folder, "x.db"));
  remember(folder, "x.db");
  remember(folder, "y.db");
  CHECK(is_remembered(folder, "x.db"));
  CHECK(is_remembered(folder, "y.db"));
  CHECK_FALSE(is_remembered(folder, "x"));
  // Where there is no place for it nothing is known, and nothing goes wrong.
  remember({}, "x.db");
  CHECK_FALSE(is_remembered({}, "x.db"));
  // A file where the folder should be.
  write(home.path() / "file", "");
  CHECK_THROWS_AS(remember(home.path() / "file/retrust", "x.db"), std::system_error);
}

}  // namespace
}  // namespace retrust
