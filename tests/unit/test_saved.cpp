// What a run leaves for later ones: saved resources, and the names of snapshots.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "base/encoding.h"
#include "base/failure.h"
#include "base/folder.h"
#include "base/trust.h"
#include "certificates.h"
#include "choices/snapshot_names.h"
#include "run/saved_cluster.h"
#include "secrets.h"

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

/// A service account's token; `mark` makes it one of its own.
std::string token_of(const std::string& mark, const std::string& account = "cattle",
                     const std::string& name_space = "cattle-system") {
  json::object claims;
  claims["kubernetes.io/serviceaccount/namespace"] = name_space;
  claims["kubernetes.io/serviceaccount/service-account.name"] = account;
  claims["kubernetes.io/serviceaccount/service-account.uid"] = "uid-of-" + mark;
  return test::jwt(R"({"alg":"RS256"})", json::serialize(claims));
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
    read_saved_cluster(folder, "cattle-system", redactor);
  } catch (const Failure& failure) {
    return {failure.status, std::string(failure.what()) + "\n" + failure.advice.text()};
  }
  return {ExitStatus::done, "no complaint"};
}

/// A line of a transcript that records a file's content.
std::string record(const std::string& name, const std::string& content) {
  json::object line;
  line["version"] = 1;
  line["event"] = "change";
  line["file"] = "backup/" + name;
  line["sha256"] = sha256_hex(content);
  return json::serialize(line) + "\n";
}

/// The folder of a run of 0.1.0, whose transcript has no records.
class OldRun : public Directory {
 public:
  OldRun() { write(path() / "transcript.jsonl", "{\"version\":1}\n"); }
};

TEST_CASE("what was saved first counts, and every note of what that run wanted") {
  const OldRun run;
  const auto backup = run.path() / "backup";
  for (const auto* name : {"clusters-c-x7k2p.10.json", "clusters-c-x7k2p.2.json"}) {
    write(backup / name, cluster_text(token_of("later")));
  }
  write(backup / "clusters-c-x7k2p.json", cluster_text(token_of("first")));
  write(backup / "clusters-c-x7k2p.json.part", "half of");
  for (const auto* token : {"one", "two"}) {
    const auto note = to_json(digest_of(Credentials{test::secret_of(token), ""}));
    write(backup / ("live-c-x7k2p" + std::string(token) + ".json"), json::serialize(note));
  }
  Redactor redactor;
  const auto saved = read_saved_cluster(run.path(), "cattle-system", redactor);
  CHECK(saved.path == backup / "clusters-c-x7k2p.json");
  CHECK((saved.cluster.stored.token.reveal() == token_of("first")));
  CHECK(saved.integrity == SavedCluster::Integrity::unverified);
  REQUIRE(saved.left.size() == 2);
  CHECK(saved.left[0] == digest_of(Credentials{test::secret_of("one"), ""}));
  CHECK(saved.left[1] == digest_of(Credentials{test::secret_of("two"), ""}));
}

TEST_CASE("the token that was saved is never shown again") {
  const OldRun run;
  const auto token = token_of("what-was-saved");
  write(run.path() / "backup/clusters-c-x7k2p.json", cluster_text(token));
  Redactor redactor;
  read_saved_cluster(run.path(), "cattle-system", redactor);
  CHECK(redactor.mask("is " + token + " there?").find(token.substr(40)) == std::string::npos);
}

TEST_CASE("folders that are not what a run leaves") {
  const OldRun run;
  const auto saved = run.path() / "backup/clusters-c-x7k2p.json";
  CHECK(complaint(run.path() / "nowhere").first == ExitStatus::usage);
  CHECK(complaint(run.path()).first == ExitStatus::usage);
  fs::create_directories(run.path() / "backup");
  CHECK(complaint(run.path()).first == ExitStatus::refused);
  struct Case {
    std::string content;
    std::string words;
  };
  const auto whole = cluster_text(token_of("first"));
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

/// A run's folder with a saved resource that everything is right with.
class Run : public Directory {
 public:
  Run() {
    write(file(), whole);
    write(transcript(), "{\"version\":1}\n" + record("clusters-c-x7k2p.json", whole));
  }
  fs::path file() const { return path() / "backup/clusters-c-x7k2p.json"; }
  fs::path transcript() const { return path() / "transcript.jsonl"; }
  const std::string whole =
      cluster_text(token_of("first"), test::make_certificate({.common_name = "one"}));
};

TEST_CASE("a folder that another user could have changed is refused, with what mends it") {
  const Run run;
  REQUIRE(complaint(run.path()).second == "no complaint");
  auto folder = run.path();
  std::string words;
  const auto give_away = [&](const fs::path& path) {
    if (::geteuid() == 0) {
      REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
      words = path.string() + " belongs to ";
      return;
    }
    MESSAGE("not root: another owner cannot be shown, so the file is made writable");
    fs::permissions(path, fs::perms(0777));
    words = path.string() + " can be written by ";
  };
  SUBCASE("the folder is another user's") {
    give_away(run.path());
  }
  SUBCASE("backup is another user's") {
    give_away(run.path() / "backup");
  }
  SUBCASE("the saved resource is another user's") {
    give_away(run.file());
  }
  SUBCASE("the transcript is another user's") {
    give_away(run.transcript());
  }
  SUBCASE("everybody can write the folder") {
    fs::permissions(run.path(), fs::perms(0777));
    words = run.path().string() + " can be written by every user";
  }
  SUBCASE("everybody can write the saved resource") {
    fs::permissions(run.file(), fs::perms(0666));
    words = run.file().string() + " can be written by every user";
  }
  const auto [status, said] = complaint(folder);
  CAPTURE(said);
  CHECK(status == ExitStatus::refused);
  CHECK(said.find(words) != std::string::npos);
  const auto command = mending_command(run.path());
  CHECK(said.find(command) != std::string::npos);
  if (::geteuid() != 0) return;
  REQUIRE(std::system(command.c_str()) == 0);
  CHECK(complaint(folder).second == "no complaint");
}

TEST_CASE("files that no run leaves are refused") {
  const Run run;
  std::string words;
  SUBCASE("the folder is a symbolic link") {
    const Directory other;
    fs::create_directory_symlink(run.path(), other.path() / "link");
    CHECK(complaint(other.path() / "link").first == ExitStatus::refused);
    return;
  }
  SUBCASE("backup is a symbolic link") {
    fs::rename(run.path() / "backup", run.path() / "elsewhere");
    fs::create_directory_symlink("elsewhere", run.path() / "backup");
    words = "backup is a symbolic link";
  }
  SUBCASE("the saved resource is a symbolic link") {
    fs::rename(run.file(), run.path() / "elsewhere");
    fs::create_symlink(run.path() / "elsewhere", run.file());
    words = "clusters-c-x7k2p.json is a symbolic link";
  }
  SUBCASE("a pipe") {
    fs::remove(run.file());
    REQUIRE(::mkfifo(run.file().c_str(), 0600) == 0);
    words = "is not a regular file";
  }
  SUBCASE("larger than any resource") {
    write(run.file(), std::string(5UL * 1024 * 1024, ' ') + run.whole);
    words = "is larger than 4096 KiB";
  }
  SUBCASE("more files than any run saves") {
    for (int number = 0; number < 1001; ++number) {
      write(run.path() / "backup" / ("live-" + std::to_string(number) + ".json"), "{}");
    }
    words = "holds more than 1000 files";
  }
  SUBCASE("nested deeply") {
    write(run.file(), std::string(100'000, '['));
    write(run.transcript(), record("clusters-c-x7k2p.json", std::string(100'000, '[')));
    words = "cannot be read";
  }
  SUBCASE("a transcript without an end of line") {
    write(run.transcript(), std::string(3UL * 1024 * 1024, 'x'));
    words = "is larger than any that retrust writes";
  }
  SUBCASE("no transcript") {
    fs::remove(run.transcript());
    words = "transcript.jsonl is missing";
  }
  SUBCASE("a record that is no JSON") {
    write(run.transcript(), "{\"sha256\"\n");
    words = "a line of ";
  }
  SUBCASE("the transcript is a symbolic link") {
    fs::remove(run.transcript());
    fs::create_symlink("/etc/passwd", run.transcript());
    words = "transcript.jsonl is a symbolic link";
  }
  const auto [status, said] = complaint(run.path());
  CAPTURE(said);
  CHECK(status == ExitStatus::refused);
  CHECK(said.find(words) != std::string::npos);
}

TEST_CASE("a backup file is the one that the transcript records") {
  const Run run;
  const auto note = json::serialize(to_json(digest_of(Credentials{test::secret_of("one"), ""})));
  const auto live = run.path() / "backup/live-c-x7k2p.json";
  write(live, note);
  const auto records = record("clusters-c-x7k2p.json", run.whole);
  Redactor redactor;
  const auto read = [&] { return read_saved_cluster(run.path(), "cattle-system", redactor); };
  // A note that is not recorded is that of a run which was killed before it made a change.
  CHECK(read().left.empty());
  CHECK(read().integrity == SavedCluster::Integrity::verified);
  write(run.transcript(), records + record("live-c-x7k2p.json", note));
  CHECK(read().left.size() == 1);
  write(live, note + " ");
  CHECK(complaint(run.path()).second.find("live-c-x7k2p.json was modified") != std::string::npos);
  write(live, note);
  write(run.file(), run.whole + " ");
  const auto [status, said] = complaint(run.path());
  CHECK(status == ExitStatus::refused);
  CHECK(said.find("clusters-c-x7k2p.json was modified after the run saved it") !=
        std::string::npos);
  // A resource that no record knows was put there later.
  write(run.transcript(), record("live-c-x7k2p.json", note));
  CHECK(complaint(run.path()).second.find("does not list the file") != std::string::npos);
  // The last line of a run that was killed may be half a line.
  write(run.file(), run.whole);
  write(run.transcript(), records + R"({"version":1,"event":"change","sha256":)");
  CHECK(complaint(run.path()).second == "no complaint");
}

TEST_CASE("nothing is put back but what Rancher writes itself") {
  const OldRun run;
  auto cluster = json::parse(cluster_text(token_of("first")));
  auto& status = cluster.at("status").as_object();
  std::string words;
  SUBCASE("a token that is a list") {
    status["serviceAccountToken"] = json::array{7};
    words = "holds a status.serviceAccountToken that is not a string";
  }
  SUBCASE("a CA that is an object") {
    status["caCert"] = json::object{};
    words = "holds a status.caCert that is not a string";
  }
  SUBCASE("the name of a Secret that is null") {
    status["serviceAccountTokenSecret"] = nullptr;
    words = "holds a status.serviceAccountTokenSecret that is not a string";
  }
  SUBCASE("a CA that is no base64") {
    status["caCert"] = "-----BEGIN CERTIFICATE-----";
    words = "no certificate";
  }
  SUBCASE("a CA that is no certificate") {
    status["caCert"] = base64_encode("no PEM");
    words = "no certificate";
  }
  SUBCASE("a token that is no JWT") {
    status["serviceAccountToken"] = "kubectl --kubeconfig";
    words = "it is not a JWT";
  }
  SUBCASE("a token with a line end") {
    status["serviceAccountToken"] = token_of("first") + "\n";
    words = "it is not a JWT";
  }
  SUBCASE("a token of another account") {
    status["serviceAccountToken"] = token_of("first", "default");
    words = "of the service account cattle-system/default, not of cattle-system/cattle";
  }
  SUBCASE("a token of another namespace") {
    status["serviceAccountToken"] = token_of("first", "cattle", "kube-system");
    words = "of the service account kube-system/cattle, not of cattle-system/cattle";
  }
  SUBCASE("a name of the Secret that is none") {
    status["serviceAccountTokenSecret"] = "--all";
    words = "clusters-c-x7k2p.json cannot be used: \"--all\" is no name of a Kubernetes object";
  }
  SUBCASE("a token that is no JWT in the Secret") {
    status["serviceAccountToken"] = "";
    status["serviceAccountTokenSecret"] = "cluster-serviceaccounttoken-x";
    json::object secret;
    secret["data"] = json::object{{"credential", base64_encode("retrust-run-folder")}};
    write(run.path() / "backup/secret-cluster-serviceaccounttoken-x.json", json::serialize(secret));
    words = "it is not a JWT";
  }
  SUBCASE("a token of another account in the Secret") {
    status["serviceAccountToken"] = "";
    status["serviceAccountTokenSecret"] = "cluster-serviceaccounttoken-x";
    json::object secret;
    secret["data"] = json::object{{"credential", base64_encode(token_of("first", "default"))}};
    write(run.path() / "backup/secret-cluster-serviceaccounttoken-x.json", json::serialize(secret));
    words = "cluster-serviceaccounttoken-x.json holds a token of the service account";
  }
  write(run.path() / "backup/clusters-c-x7k2p.json", json::serialize(cluster));
  const auto [refused, said] = complaint(run.path());
  CAPTURE(said);
  CHECK(refused == ExitStatus::refused);
  CHECK(said.find(words) != std::string::npos);
}

TEST_CASE("no token, and Rancher's own account of hosted clusters, are put back as well") {
  const OldRun run;
  for (const auto& token : {std::string(), token_of("first", "kontainer-engine")}) {
    write(run.path() / "backup/clusters-c-x7k2p.json", cluster_text(token));
    CHECK(complaint(run.path()).second == "no complaint");
  }
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
  CHECK_THROWS_AS(remember(home.path() / "file/retrust", "x.db"), Failure);
  // The folder, and what is remembered in it, are the caller's alone.
  CHECK((fs::status(folder).permissions() & fs::perms::mask) == fs::perms::owner_all);
  fs::permissions(folder / "etcd-snapshots", fs::perms(0666));
  CHECK_THROWS_AS(is_remembered(folder, "x.db"), Untrusted);
  CHECK_THROWS_AS(remember(folder, "z.db"), Untrusted);
  fs::remove(folder / "etcd-snapshots");
  fs::create_symlink(home.path() / "file", folder / "etcd-snapshots");
  CHECK_THROWS_AS(remember(folder, "z.db"), Untrusted);
  CHECK(fs::file_size(home.path() / "file") == 0);
  fs::permissions(folder, fs::perms(0777));
  CHECK_THROWS_AS(is_remembered(folder, "x.db"), Untrusted);
}

}  // namespace
}  // namespace retrust
