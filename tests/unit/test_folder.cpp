// Folders and files that another user could have had a hand in.
#include <atomic>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>

#include "base/failure.h"
#include "base/folder.h"
#include "base/private_file.h"
#include "base/trust.h"
#include "children.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;

constexpr uid_t stranger = 65534;
constexpr auto plain = fs::perms::owner_read | fs::perms::owner_write;

mode_t mode_of(const fs::path& path) {
  struct ::stat state {};
  REQUIRE(::lstat(path.c_str(), &state) == 0);
  return state.st_mode & 07777U;
}

/// How an attempt ended: its status, and all that it said.
struct Ended {
  ExitStatus status = ExitStatus::done;
  std::string words = {};
};

Ended ended(const std::function<void()>& attempt) {
  try {
    attempt();
  } catch (const Failure& failure) {
    return {failure.status, std::string(failure.what()) + "\n" + failure.advice.text()};
  }
  return {};
}

bool has(const Ended& end, const std::string& part) {
  return end.words.find(part) != std::string::npos;
}

/// Something of another user: made one where we may, else something of root's.
std::string foreign(const test::Folder& scratch, const std::string& name, bool folder) {
  auto path = scratch.path(name);
  if (::geteuid() != 0) {
    MESSAGE("not root: what belongs to another user is shown by root's own files");
    return folder ? "/usr" : "/etc/passwd";
  }
  if (folder) {
    fs::create_directory(path);
  } else {
    scratch.file(name, "text", plain);
  }
  REQUIRE(::chown(path.c_str(), stranger, stranger) == 0);
  return path;
}

TEST_CASE("a new folder has mode 0700, and so have parents that were missing") {
  const test::Folder scratch;
  const auto path = scratch.path("a/b/run");
  const auto folder = Folder::create(path);
  for (const auto* each : {"a", "a/b", "a/b/run"}) CHECK(mode_of(scratch.path(each)) == 0700);
  CHECK(folder.path() == path);
  // With a slash at its end, as a shell completes it, and empty.
  CHECK(ended([&] { Folder::create(path + "/"); }).status == ExitStatus::done);
  fs::permissions(path, fs::perms(0755));
  Folder::create(path);
  CHECK(mode_of(path) == 0700);
}

TEST_CASE("a folder that cannot be the run's own is refused, and nothing in it is changed") {
  const test::Folder scratch;
  const auto path = scratch.path("run");
  auto status = ExitStatus::refused;
  std::string words;
  auto refused = path;
  SUBCASE("not empty") {
    fs::create_directory(path);
    std::ofstream(path + "/file") << "text";
    status = ExitStatus::usage;
    words = "exists and is not empty";
  }
  SUBCASE("a file") {
    scratch.file("run", "text", plain);
    status = ExitStatus::usage;
    words = "exists and is not a folder";
  }
  SUBCASE("a pipe") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    status = ExitStatus::usage;
    words = "exists and is not a folder";
  }
  SUBCASE("a symbolic link to an empty folder of the caller") {
    fs::create_directory(scratch.path("victim"));
    fs::permissions(scratch.path("victim"), fs::perms(0755));
    fs::create_directory_symlink(scratch.path("victim"), path);
    words = "is a symbolic link";
  }
  SUBCASE("a symbolic link that leads nowhere") {
    fs::create_directory_symlink(scratch.path("nowhere"), path);
    words = "is a symbolic link";
  }
  SUBCASE("writable for everybody") {
    fs::create_directory(path);
    fs::permissions(path, fs::perms(0777));
    words = "can be written by every user";
  }
  SUBCASE("writable for everybody, with a sticky bit") {
    fs::create_directory(path);
    fs::permissions(path, fs::perms(01777));
    words = "can be written by every user";
  }
  SUBCASE("created in advance by somebody else") {
    refused = foreign(scratch, "run", true);
    words = "belongs to ";
  }
  const auto before = mode_of(refused);
  const auto end = ended([&] { Folder::create(refused); });
  CAPTURE(end.words);
  CHECK(end.status == status);
  CHECK(has(end, words));
  CHECK(mode_of(refused) == before);
  if (fs::exists(scratch.path("victim"))) CHECK(mode_of(scratch.path("victim")) == 0755);
  CHECK_FALSE(fs::exists(scratch.path("nowhere")));
}

TEST_CASE("a refusal names the command that mends the owner and the mode") {
  const test::Folder scratch;
  const auto path = scratch.path("some run");
  fs::create_directory(path);
  fs::permissions(path, fs::perms(0777));
  const auto end = ended([&] { Folder::open(path); });
  CHECK(has(end, "chown -R " + caller_name() + ": '" + path + "' && "));
  CHECK(has(end, "chmod -R go-w '" + path + "'"));
  REQUIRE(std::system(mending_command(path).c_str()) == 0);
  CHECK(ended([&] { Folder::open(path); }).status == ExitStatus::done);
}

TEST_CASE("whoever swaps the folder for a link meanwhile does not change the link's target") {
  const test::Folder scratch;
  const auto path = scratch.path("run");
  const auto victim = scratch.path("victim");
  fs::create_directory(victim);
  fs::permissions(victim, fs::perms(0755));
  std::atomic<bool> over = false;
  std::thread attacker([&] {
    while (!over) {
      ::symlink(victim.c_str(), path.c_str());
      ::unlink(path.c_str());
      ::mkdir(path.c_str(), 0755);
      ::rmdir(path.c_str());
    }
  });
  int made = 0;
  for (int attempt = 0; attempt < 3000; ++attempt) {
    const auto end = ended([&] {
      const auto folder = Folder::create(path);
      PrivateFile(folder, "file").write("text");
    });
    if (end.status == ExitStatus::done) ++made;
    std::error_code gone;
    fs::remove(path + "/file", gone);
  }
  over = true;
  attacker.join();
  MESSAGE(made << " of 3000 folders were created before the swap");
  CHECK(mode_of(victim) == 0755);
  CHECK(fs::is_empty(victim));
}

TEST_CASE("what is written goes to the folder that was opened, wherever its path leads by now") {
  const test::Folder scratch;
  const auto path = scratch.path("run");
  const auto folder = Folder::create(path);
  CHECK(folder.path_for_child() == path);
  fs::rename(path, scratch.path("moved"));
  fs::create_directory(scratch.path("victim"));
  fs::create_directory_symlink(scratch.path("victim"), path);
  BackupFile file(folder, "file");
  file.write("text");
  file.keep();
  CHECK(fs::exists(scratch.path("moved/file")));
  CHECK(fs::is_empty(scratch.path("victim")));
  // A child goes by the path: it gets none.
  CHECK(ended([&] { folder.path_for_child(); }).status == ExitStatus::refused);
}

TEST_CASE("names in a folder are those of its direct members") {
  const test::Folder scratch;
  const auto folder = Folder::create(scratch.path("run"));
  for (const std::string name : {"../outside", "a/b", "/etc/x", "..", ".", ""}) {
    CAPTURE(name);
    CHECK(ended([&] { PrivateFile(folder, name); }).status == ExitStatus::refused);
    CHECK(ended([&] { folder.create_folder(name); }).status == ExitStatus::refused);
    CHECK(ended([&] { folder.open_file(name); }).status == ExitStatus::refused);
  }
  CHECK(ended([&] { PrivateFile(folder, std::string("nul\0x", 5)); }).status ==
        ExitStatus::refused);
  CHECK_FALSE(fs::exists(scratch.path("outside")));
}

TEST_CASE("a file is moved from one folder to another, and replaces nothing") {
  const test::Folder scratch;
  const auto backup = Folder::create(scratch.path("backup"));
  const auto part = backup.create_folder(".copy");
  CHECK(mode_of(scratch.path("backup/.copy")) == 0700);
  std::ofstream(part.path_for_child() / "archive") << "first";
  part.move("archive", backup, "archive");
  std::ofstream(part.path_for_child() / "archive") << "second";
  CHECK(ended([&] { part.move("archive", backup, "archive"); }).status == ExitStatus::refused);
  CHECK(read_all(*backup.open_file("archive"), "archive", 100) == "first");
  part.remove("archive");
  backup.remove(".copy");
  CHECK_FALSE(backup.contains(".copy"));
}

TEST_CASE("a file in a folder is read where the caller alone can change it") {
  const test::Folder scratch;
  const auto folder = Folder::create(scratch.path("run"));
  const auto path = scratch.path("run/file");
  std::string words;
  const auto write = [&](const std::string& text) { std::ofstream(path) << text; };
  SUBCASE("a symbolic link") {
    fs::create_symlink("/etc/passwd", path);
    words = "is a symbolic link";
  }
  SUBCASE("a pipe, which nobody ever writes to") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    words = "is not a regular file";
  }
  SUBCASE("a folder") {
    fs::create_directory(path);
    words = "is not a regular file";
  }
  SUBCASE("writable for everybody") {
    write("text");
    fs::permissions(path, fs::perms(0666));
    words = "can be written by every user";
  }
  SUBCASE("too large") {
    write(std::string(101, 'x'));
    words = "is larger than";
  }
  SUBCASE("of another user") {
    if (::geteuid() != 0) {
      MESSAGE("not root: a file in a folder of ours cannot be given to another user");
      return;
    }
    write("text");
    REQUIRE(::chown(path.c_str(), stranger, stranger) == 0);
    words = "belongs to ";
  }
  const auto end = ended([&] { read_all(*folder.open_file("file"), path, 100); });
  CAPTURE(end.words);
  CHECK(end.status == ExitStatus::refused);
  CHECK(has(end, words));
}

TEST_CASE("a group's permission to write counts, unless it is the user's own group") {
  const test::Folder scratch;
  const auto path = scratch.file("file", "text", plain);
  struct ::stat state {};
  REQUIRE(::stat(path.c_str(), &state) == 0);
  state.st_mode |= S_IWGRP;
  // Root's files are no such files: umask 002 is not for root.
  if (::geteuid() == 0) {
    CHECK(exposure(state, path, Owner::caller) == "can be written by the group root");
  }
  // Users of the system that runs this, with and without a group of their own.
  for (const auto* user = ::getpwent(); user != nullptr; user = ::getpwent()) {
    if (user->pw_uid == 0) continue;
    const std::string name(user->pw_name);
    const auto gid = user->pw_gid;
    const auto* group = ::getgrgid(gid);
    if (group == nullptr || *group->gr_mem != nullptr) continue;
    state.st_uid = user->pw_uid;
    state.st_gid = gid;
    CAPTURE(name);
    const auto own = name == group->gr_name;
    const auto said = exposure(state, path, Owner::caller);
    // We are not that user: whose file it is comes first.
    if (::geteuid() != state.st_uid) CHECK(said == "belongs to " + name);
    if (::geteuid() == state.st_uid) CHECK(said.empty() == own);
  }
  ::endpwent();
}

TEST_CASE("a file that the operator names may be a link, as Kubernetes mounts files") {
  const test::Folder scratch;
  fs::create_directory(scratch.path("..2026"));
  scratch.file("..2026/config", "text", plain);
  fs::create_directory_symlink("..2026", scratch.path("..data"));
  fs::create_symlink("..data/config", scratch.path("config"));
  CHECK(read_all(open_trusted(scratch.path("config")), "config", 100) == "text");
  // Read permission for others is theirs to give.
  fs::permissions(scratch.path("..2026/config"), fs::perms(0644));
  CHECK(ended([&] { open_trusted(scratch.path("config")); }).status == ExitStatus::done);
  // And the temporary directory is sticky.
  fs::permissions(scratch.path("..2026"), fs::perms(01777));
  CHECK(ended([&] { open_trusted(scratch.path("config")); }).status == ExitStatus::done);
  CHECK(ended([&] { open_trusted("/etc/passwd"); }).status == ExitStatus::done);
}

TEST_CASE("others cannot change a folder on a read-only mount of any mode") {
  struct ::stat state {};
  state.st_uid = ::geteuid();
  state.st_mode = S_IFDIR | 0777;
  struct ::statvfs mount {};
  CHECK(way_exposure(state, mount, "/") == "can be written by every user");
  mount.f_flag = ST_NOSUID | ST_NODEV;
  CHECK(way_exposure(state, mount, "/") == "can be written by every user");
  mount.f_flag |= ST_RDONLY;
  CHECK(way_exposure(state, mount, "/").empty());
  // Its owner could mount it otherwise elsewhere.
  state.st_uid = stranger;
  CHECK(way_exposure(state, mount, "/").starts_with("belongs to "));
}

TEST_CASE("a file that another user could change is not what the operator named") {
  const test::Folder scratch;
  fs::create_directory(scratch.path("folder"));
  const auto file = scratch.file("folder/file", "text", plain);
  auto named = file;
  auto status = ExitStatus::refused;
  std::string words;
  SUBCASE("writable for everybody") {
    fs::permissions(file, fs::perms(0666));
    words = "chmod go-w " + file;
  }
  SUBCASE("writable for everybody, behind a link") {
    fs::permissions(file, fs::perms(0666));
    named = scratch.path("link");
    fs::create_symlink(file, named);
    words = "chmod go-w " + file;
  }
  SUBCASE("in a folder that everybody can write") {
    fs::permissions(scratch.path("folder"), fs::perms(0777));
    words = "chmod go-w " + scratch.path("folder");
  }
  SUBCASE("by a link in a folder that everybody can write") {
    fs::create_directory(scratch.path("links"));
    named = scratch.path("links/link");
    fs::create_symlink(file, named);
    fs::permissions(scratch.path("links"), fs::perms(0777));
    words = "the folder " + scratch.path("links") + " can be written by every user";
  }
  SUBCASE("of another user") {
    if (::geteuid() != 0) {
      MESSAGE("not root: a file of a third user cannot be made");
      return;
    }
    REQUIRE(::chown(file.c_str(), stranger, stranger) == 0);
    words = "chown root: " + file + " && chmod go-w " + file;
  }
  SUBCASE("by another user's link in a sticky folder") {
    if (::geteuid() != 0) {
      MESSAGE("not root: a link of a third user cannot be made");
      return;
    }
    fs::permissions(scratch.path("folder"), fs::perms(01777));
    named = scratch.path("folder/link");
    fs::create_symlink(file, named);
    REQUIRE(::lchown(named.c_str(), stranger, stranger) == 0);
    words = "the symbolic link " + named + " belongs to ";
  }
  SUBCASE("in a folder of another user") {
    if (::geteuid() != 0) {
      MESSAGE("not root: a folder of a third user cannot be made");
      return;
    }
    REQUIRE(::chown(scratch.path("folder").c_str(), stranger, stranger) == 0);
    words = "the folder " + scratch.path("folder") + " belongs to ";
  }
  SUBCASE("a pipe") {
    named = scratch.path("pipe");
    REQUIRE(::mkfifo(named.c_str(), 0600) == 0);
    status = ExitStatus::usage;
    words = "is not a regular file";
  }
  SUBCASE("a link to itself") {
    named = scratch.path("circle");
    fs::create_symlink(named, named);
    status = ExitStatus::usage;
    words = "Too many levels";
  }
  const auto end = ended([&] { open_trusted(named); });
  CAPTURE(end.words);
  CHECK(end.status == status);
  CHECK(has(end, words));
}

TEST_CASE("nobody else can put another folder in the place of that for temporary files") {
  const test::Folder scratch;
  const auto folder = scratch.path("folder");
  fs::create_directory(folder);
  auto named = folder;
  std::string words;
  SUBCASE("as it should be") {}
  SUBCASE("sticky, for everybody") {
    fs::permissions(folder, fs::perms(01777));
  }
  SUBCASE("writable for everybody") {
    fs::permissions(folder, fs::perms(0777));
    words = "the folder " + folder + " can be written by every user";
  }
  SUBCASE("in a folder that is writable for everybody") {
    fs::create_directory(folder + "/inner");
    fs::permissions(folder, fs::perms(0777));
    named = folder + "/inner";
    words = "the folder " + folder + " can be written by every user";
  }
  SUBCASE("behind a symbolic link of the caller") {
    named = scratch.path("link");
    fs::create_directory_symlink(folder, named);
  }
  SUBCASE("behind a symbolic link of another user") {
    if (::geteuid() != 0) return;
    named = scratch.path("link");
    fs::create_directory_symlink(folder, named);
    REQUIRE(::lchown(named.c_str(), stranger, stranger) == 0);
    words = "the symbolic link " + named + " belongs to ";
  }
  SUBCASE("that is not there") {
    named = scratch.path("missing");
    words = "cannot read ";
  }
  const auto end = ended([&] { check_way(named); });
  CAPTURE(end.words);
  CHECK((end.status == ExitStatus::done) == words.empty());
  CHECK(has(end, words));
}

}  // namespace
}  // namespace retrust
