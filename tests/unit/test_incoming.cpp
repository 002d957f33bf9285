// What docker delivers: nothing but a regular file is read, and no more of it is kept than counts.
#include <exception>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "base/failure.h"
#include "children.h"
#include "tools/docker.h"
#include "tools/incoming.h"
#include "tools/tar.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;

class Silence final : public EventSink {
 public:
  void emit(const Event&) override {}
};

/// Runs a task to its end, on an executor of its own that `make` gets a Runner of.
template <typename Make>
void finish(Make make) {
  boost::asio::io_context io;
  Runner runner(io.get_executor());
  std::exception_ptr failure;
  boost::asio::co_spawn(io, make(runner), [&](std::exception_ptr error) { failure = error; });
  io.run();
  if (failure) std::rethrow_exception(failure);
}

void write(const fs::path& path, std::string_view text) {
  std::ofstream(path) << text;
}

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void make(const std::string& script) {
  const auto outcome = test::run(test::shell(script));
  CAPTURE(outcome.err);
  REQUIRE(outcome.succeeded());
}

Incoming incoming_in(const test::Folder& folder) {
  return Incoming(Folder::open(folder.path("")).value());
}

std::string refusal(const Incoming& incoming) {
  try {
    (void)incoming.open("file");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

long peak_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST_CASE("nothing but a regular file of ours is taken from docker") {
  const test::Folder folder;
  const auto secret = folder.file("secret", "secret", fs::perms::owner_read);
  std::string said;
  {
    const auto incoming = incoming_in(folder);
    const auto file = incoming.path() / "file";
    CHECK((fs::status(incoming.path()).permissions() & fs::perms::mask) == fs::perms::owner_all);
    SUBCASE("nothing at all") {
      said = "docker cp delivered no file";
    }
    SUBCASE("a symbolic link") {
      fs::create_symlink(secret, file);
      said = "docker cp delivered a symbolic link";
    }
    SUBCASE("a FIFO, which nobody writes to") {
      REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
      said = "docker cp delivered a FIFO";
    }
    SUBCASE("a folder") {
      fs::create_directory(file);
      write(file / "inside", "text");
      said = "docker cp delivered a folder";
    }
    SUBCASE("a second name of another file") {
      fs::create_hard_link(secret, file);
      said = "docker cp delivered a file that has a second name";
    }
    SUBCASE("somebody else's") {
      if (::geteuid() != 0) return;
      write(file, "text");
      REQUIRE(::chown(file.c_str(), 65534, 65534) == 0);
      said = "docker cp delivered a file of user 65534";
    }
    CHECK(refusal(incoming) == said);
  }
  CHECK(read(secret) == "secret");
  // The hidden folder is gone, with all in it.
  CHECK(std::distance(fs::directory_iterator(folder.path("")), fs::directory_iterator()) == 1);
}

TEST_CASE("a file that was checked gets its name, and no other file's place") {
  const test::Folder folder;
  {
    const auto incoming = incoming_in(folder);
    write(incoming.path() / "file", "text");
    fs::permissions(incoming.path() / "file", fs::perms::all);
    const auto opened = incoming.open("file");
    CHECK(size_of(opened) == 4);
    CHECK_FALSE(fs::exists(folder.path("file")));
    std::string digest;
    finish([&](Runner&) -> boost::asio::awaitable<void> { digest = co_await sha256_of(opened); });
    // printf text | sha256sum
    CHECK(digest == "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1");
    incoming.keep("file", opened);
  }
  CHECK(read(folder.path("file")) == "text");
  CHECK((fs::status(folder.path("file")).permissions() & fs::perms::mask) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  {
    const auto incoming = incoming_in(folder);
    write(incoming.path() / "file", "other");
    const auto opened = incoming.open("file");
    CHECK_THROWS_AS(incoming.keep("file", opened), Failure);
  }
  CHECK(read(folder.path("file")) == "text");
}

TEST_CASE("a file that is replaced while it is checked is not kept") {
  const test::Folder folder;
  const auto incoming = incoming_in(folder);
  write(incoming.path() / "file", "text");
  const auto opened = incoming.open("file");
  fs::remove(incoming.path() / "file");
  write(incoming.path() / "file", "other");
  CHECK_THROWS_AS(incoming.keep("file", opened), Failure);
  CHECK_FALSE(fs::exists(folder.path("file")));
}

TEST_CASE("docker that writes without end is stopped by the limit of the file") {
  const test::Folder folder;
  const auto incoming = incoming_in(folder);
  const auto program =
      folder.file("docker", "#!/bin/sh\nexec cat /dev/zero >\"$3/file\"\n", fs::perms::owner_all);
  Silence events;
  constexpr std::uint64_t largest = std::uint64_t{4} << 20U;
  const auto copy = [&](Runner& runner) -> boost::asio::awaitable<void> {
    const Docker docker(runner, events, {.program = program});
    co_await docker.copy_out("rancher", "/tmp/file", incoming.path().string(), largest,
                             std::function<void()>());
  };
  CHECK_THROWS_AS(finish(copy), DockerFailure);
  CHECK(incoming.size_of("file") == largest);
}

TEST_CASE("what has come is judged before all of it has come") {
  const test::Folder folder;
  const auto incoming = incoming_in(folder);
  const auto file = incoming.path() / "file";
  CHECK_FALSE(incoming.wrong("file"));
  write(file, "te");
  CHECK_FALSE(incoming.wrong("file"));
  write(incoming.path() / ".other", "text");
  CHECK(incoming.wrong("file") == "docker cp delivered more than one file");
  fs::remove(file);
  CHECK(incoming.wrong("file") == "docker cp delivered more than one file");
  fs::remove(incoming.path() / ".other");
  fs::create_directory(file);
  CHECK(incoming.wrong("file") == "docker cp delivered a folder");
}

TEST_CASE("folders of any depth and mode are removed") {
  const test::Folder folder;
  rlimit usual{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
  {
    const auto incoming = incoming_in(folder);
    make("cd '" + incoming.path().string() +
         "'; mkdir -p 1/1 2; touch 1/file 1/1/file; ln -s / 2/link; mkfifo 2/fifo; chmod 0 2; "
         "n=0; while [ $((n += 1)) -lt 200 ]; do mkdir a; touch 1; cd a; done; chmod 0 .");
    auto few = usual;
    few.rlim_cur = 64;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  }
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
  CHECK(fs::is_empty(folder.path("")));
  CHECK(fs::exists("/etc"));
}

TEST_CASE("a docker that never ends its line is followed without memory for it") {
  const test::Folder folder;
  const auto program = folder.file(
      "docker", "#!/bin/sh\necho 1\nhead -c 50000000 /dev/zero | tr '\\0' 7\nprintf '\n42\n'\n",
      fs::perms::owner_all);
  Silence events;
  std::vector<std::uint64_t> sizes;
  const auto before = peak_kib();
  finish([&](Runner& runner) -> boost::asio::awaitable<void> {
    const Docker docker(runner, events, {.program = program});
    co_await docker.follow_size("rancher", "/tmp/file",
                                [&](std::uint64_t size) { sizes.push_back(size); });
  });
  CHECK(sizes == std::vector<std::uint64_t>{1, 42});
  CHECK(peak_kib() - before < 32L * 1024);
}

std::uint64_t count(std::initializer_list<std::string_view> pieces) {
  ListingCount listing("var/lib/rancher");
  for (const auto piece : pieces) listing.feed(piece);
  return listing.files();
}

TEST_CASE("the names that tar lists are counted below the folder alone") {
  CHECK(count({}) == 0);
  CHECK(count({"var/lib/rancher/\nvar/lib/rancher/k3s/\n"}) == 0);
  CHECK(count({"var/lib/rancher/a\n./var/lib/ran", "cher/b\n"}) == 2);
  CHECK(count({"/var/lib/rancher/a\n../var/lib/rancher/b\nvar/lib/rancher2/c\netc/passwd\n"}) == 0);
}

/// The number of files that tar finds in an archive, which these words of a shell make as "$file".
std::uint64_t files_in(const std::string& script) {
  const test::Folder folder;
  const auto incoming = incoming_in(folder);
  const test::Folder work;
  make("cd '" + work.path("") + "'; file='" + incoming.path().string() + "/file'; " + script);
  const auto opened = incoming.open("file");
  ListingCount listing("var/lib/rancher");
  Silence events;
  finish([&](Runner& runner) -> boost::asio::awaitable<void> {
    const Tar tar(runner, events, "tar", std::chrono::minutes{1});
    const std::chrono::minutes limit{1};
    OutputReader reader = [&](std::string_view piece) {
      listing.feed(piece);
      return Flow::go_on;
    };
    co_await tar.list(opened, limit, std::move(reader));
  });
  return listing.files();
}

TEST_CASE("an archive is read to its end, with any names in it") {
  CHECK(files_in("mkdir -p var/lib/rancher; touch var/lib/rancher/a 'var/lib/rancher/b\nc'; "
                 "tar -czf \"$file\" var/lib/rancher") == 2);
  // Names that would leave the folder are listed, and nothing is unpacked.
  CHECK(files_in("touch a; tar -czPf \"$file\" --transform 's,^a$,../../../escaped,' a") == 0);
  CHECK(files_in("touch a; tar -czPf \"$file\" --transform 's,^a$,/absolute,' a") == 0);
}

TEST_CASE("an archive of many long names takes no memory") {
  const auto before = peak_kib();
  // 20,000 names of 4,000 bytes each.
  const auto found = files_in(
      "perl -e 'my $n = \"var/lib/rancher/\" . \"x\" x 4000; my $l = length($n) + 1; "
      "sub h { my ($name, $size, $type) = @_; my $h = pack(\"a100a8a8a8a12a12a8a1a100a255\", "
      "$name, \"0000644\", \"0000000\", \"0000000\", sprintf(\"%011o\", $size), \"00000000000\", "
      "\"        \", $type, \"\", \"ustar  \"); "
      "my $s = 0; $s += $_ for unpack(\"C*\", $h); "
      "substr($h, 148, 8) = sprintf(\"%06o\\0 \", $s); $h } "
      "my $e = h(\"././@LongLink\", $l, \"L\") . pack(\"a4096\", $n) . h(\"short\", 0, \"0\"); "
      "print $e for 1..20000; print \"\\0\" x 1024' | gzip -1 >\"$file\"");
  CHECK(found == 20000);
  CHECK(peak_kib() - before < 32L * 1024);
}

TEST_CASE("a header of no length, and a large file after it, take no memory") {
  const auto before = peak_kib();
  for (const std::string type : {"L", "x"}) {
    CAPTURE(type);
    try {
      (void)files_in(
          "perl -e 'sub h { my ($name, $size, $type) = @_; my $h = "
          "pack(\"a100a8a8a8a12a12a8a1a100a255\", $name, \"0000644\", \"0000000\", \"0000000\", "
          "sprintf(\"%011o\", $size), \"00000000000\", \"        \", $type, \"\", \"ustar  \"); "
          "my $s = 0; $s += $_ for unpack(\"C*\", $h); "
          "substr($h, 148, 8) = sprintf(\"%06o\\0 \", $s); $h } "
          "print h(\"././@LongLink\", 0, \"" +
          type +
          "\"), h(\"var/lib/rancher/big\", 64 << 20, \"0\"); print \"\\0\" x (1 << 20) for "
          "1..64; print \"\\0\" x 1024' | gzip -1 >\"$file\"");
    } catch (const Failure&) {
      // tar may refuse it as damaged.
    }
  }
  CHECK(peak_kib() - before < 32L * 1024);
}

TEST_CASE("an archive that ends too early, or is none, is refused in tar's own words") {
  const auto refused = [](const std::string& script) {
    try {
      (void)files_in(script);
    } catch (const Failure& failure) {
      CHECK(failure.status == ExitStatus::refused);
      return failure.detail;
    }
    return std::string();
  };
  const std::string make_one =
      "mkdir -p var/lib/rancher; head -c 100000 /dev/urandom >var/lib/rancher/a; "
      "tar -czf whole var/lib/rancher; ";
  CHECK(refused(make_one + "head -c 50000 whole >\"$file\"").find("unexpected end of file") !=
        std::string::npos);
  CHECK(refused("echo hello >\"$file\"").find("not in gzip format") != std::string::npos);
  CHECK_FALSE(refused(": >\"$file\"").empty());
}

}  // namespace
}  // namespace retrust
