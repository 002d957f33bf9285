// What is made of rke's log lines; the lines are those of rancher/rke (cmd/etcd.go,
// cluster/etcd.go, cluster/hosts.go) in the versions named.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "choices/backup_choice.h"
#include "tools/rke.h"

namespace retrust {
namespace {

using Taken = SnapshotLog::Taken;

struct Line {
  std::string level;
  std::string message;
};

/// How logrus writes a line: to a pipe, or to a terminal with and without its colors.
enum class Format { pipe, terminal, color };

std::string written(const Line& line, Format format) {
  if (format == Format::pipe) {
    std::string quoted;
    for (const char c : line.message) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return fmt::format("time=\"2026-11-25T04:20:00Z\" level={} msg=\"{}\"\n", line.level, quoted);
  }
  std::string level;
  for (const char c : line.level.substr(0, 4)) level += static_cast<char>(c - 'a' + 'A');
  if (format == Format::color) level = fmt::format("\x1b[36m{}\x1b[0m", level);
  return fmt::format("{}[0042] {:<44} \n", level, line.message);
}

SnapshotLog read(const std::vector<Line>& lines, Format format) {
  std::string text;
  for (const auto& line : lines) text += written(line, format);
  return read_snapshot_log(text);
}

std::vector<Line> info(const std::vector<std::string>& messages) {
  std::vector<Line> lines;
  for (const auto& message : messages) lines.push_back({"info", message});
  return lines;
}

std::vector<Line> together(std::vector<Line> lines, const std::vector<Line>& more) {
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

const std::vector<std::string> both{"10.0.0.1", "node-2.example.com"};

const std::vector<Line> begun =
    info({"Running RKE version: v1.6.3", "Starting saving snapshot on etcd hosts",
          "[dialer] Setup tunnel for host [10.0.0.1]",
          "[dialer] Setup tunnel for host [node-2.example.com]",
          "[etcd] Running snapshot save once on host [10.0.0.1]",
          "Starting container [etcd-snapshot-once] on host [10.0.0.1], try #1",
          "Removing container [etcd-snapshot-once] on host [10.0.0.1], try #1",
          "[etcd] Running snapshot save once on host [node-2.example.com]",
          "Removing container [etcd-snapshot-once] on host [node-2.example.com], try #1"});
const std::string uploaded = "[etcd] Finished uploading etcd snapshot file to s3 on all etcd hosts";
const std::string last = "Finished saving/uploading snapshot [x.db] on all etcd hosts";
const std::string tunnel =
    "Failed to set up SSH tunneling for host [node-2.example.com]: Can't retrieve Docker Info: "
    "error during connect: Get \"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/info\": dial tcp";
const std::string removed = "Removing host [node-2.example.com] from node lists";
const std::string nobody =
    "Cluster must have at least one etcd plane host: please specify one or "
    "more etcd in cluster config";
const std::string total =
    "[etcd] Failed to take snapshot on all etcd hosts: failed to take one-time snapshot on host "
    "[10.0.0.1], exit code [1]: {\"level\":\"warn\",\"path\":\"C:\\etcd\"}";

struct Case {
  std::string name;
  std::vector<Line> lines;
  Taken taken;
  std::vector<std::string> hosts = both;
  std::vector<std::string> warnings = {};
  std::vector<std::string> unreachable = {};
  std::string version = "v1.6.3";
};

std::vector<Case> cases() {
  const std::string some = "[etcd] Failed to take snapshot on %!s(int=1) etcd hosts";
  const std::string not_uploaded =
      "[etcd] Failed to upload etcd snapshot file to s3 on all etcd hosts";
  const std::string finished = "[etcd] Finished saving snapshot [x.db] on all etcd hosts";
  const std::string no_yaml =
      "failed to parse cluster file: yaml: line 3: mapping values are not allowed in this context";
  return {
      {"success", together(begun, info({finished, uploaded, last})), Taken::everywhere},
      {"success, 1.1 to 1.3.12", together(begun, info({last})), Taken::everywhere},
      {"success, 0.1.7 to 0.2",
       info({"Starting saving snapshot on etcd hosts",
             "[etcd] Saving snapshot [x.db] on host [10.0.0.1]",
             "Finished saving snapshot [x.db] on all etcd hosts"}),
       Taken::everywhere,
       {"10.0.0.1"},
       {},
       {},
       ""},
      {"some hosts fail",
       together(begun, together({{"warning", some}}, info({uploaded, last}))),
       Taken::somewhere,
       both,
       {some}},
      // Said twice, as a warning and at the end.
      {"all hosts fail",
       together(begun, {{"warning", total}, {"fatal", total}}),
       Taken::nowhere,
       both,
       {total}},
      {"a host that cannot be reached",
       together(info({"Running RKE version: v1.6.3", "[dialer] Setup tunnel for host [10.0.0.1]"}),
                together({{"warning", tunnel}, {"warning", removed}},
                         info({"[etcd] Running snapshot save once on host [10.0.0.1]", finished,
                               last}))),
       Taken::somewhere,
       {"10.0.0.1"},
       {tunnel, removed},
       {"node-2.example.com"}},
      {"no etcd host can be reached",
       together(info({"Running RKE version: v1.6.3"}),
                {{"warning", tunnel}, {"warning", removed}, {"fatal", nobody}}),
       Taken::nowhere,
       {},
       {tunnel, removed, nobody},
       {"node-2.example.com"}},
      {"a broken cluster.yml",
       together(info({"Running RKE version: v1.6.3"}), {{"fatal", no_yaml}}),
       Taken::nowhere,
       {},
       {no_yaml}},
      {"no upload",
       together(begun, together(info({finished}), {{"warning", not_uploaded}})),
       Taken::everywhere,
       both,
       {not_uploaded}},
      {"killed in the middle", begun, Taken::nowhere},
      {"nothing at all", {}, Taken::nowhere, {}, {}, {}, ""},
  };
}

TEST_CASE("what rke said of a snapshot, on either stream") {
  for (const auto& each : cases()) {
    for (const auto format : {Format::pipe, Format::terminal, Format::color}) {
      CAPTURE(each.name);
      CAPTURE(static_cast<int>(format));
      const auto log = read(each.lines, format);
      CHECK(log.taken == each.taken);
      CHECK(texts_of(log.hosts) == each.hosts);
      CHECK(texts_of(log.warnings) == each.warnings);
      CHECK(texts_of(log.unreachable) == each.unreachable);
      CHECK(log.version == each.version);
    }
  }
}

TEST_CASE("what is no log line of rke's is passed over") {
  const auto log = read_snapshot_log(
      "panic: runtime error: invalid memory address\n\ngoroutine 1 [running]:\nmain.main()\n"
      "[etcd]\nINFO[\ntime=\nlevel=info msg=\"[etcd] Running snapshot save once on host [\n"
      "time=\"2026-11-25T04:20:00Z\" level=warning msg=short\n"
      "time=\"2026-11-25T04:20:00Z\" level=warning msg=\"ends with a backslash\\");
  CHECK(log.taken == Taken::nowhere);
  CHECK(texts_of(log.warnings) == std::vector<std::string>{"short", "ends with a backslash\\"});
}

TEST_CASE("names of snapshots") {
  for (const auto* name : {"x", "SNAPSHOT-20261125T042000Z.db", "before_renewal-2.1", "0", "C-1"}) {
    CAPTURE(name);
    CHECK(is_snapshot_name(name));
  }
  // A shell on the nodes gets the name as it is; c-… is deleted there by age.
  for (const auto* name :
       {"", "a b", "a;reboot", "$(reboot)", "`id`", "a'b", "a/b", "../a", ".", "..", ".hidden",
        "-name", "c-abcde-rl-xyz", "c-", "a\nb", "über", "a*"}) {
    CAPTURE(name);
    CHECK_FALSE(is_snapshot_name(name));
  }
  CHECK(is_snapshot_name(std::string(200, 'x')));
  CHECK_FALSE(is_snapshot_name(std::string(201, 'x')));
}

TEST_CASE("the documented command") {
  CHECK(Rke::save_args("x.db", "./cluster.yml").list() ==
        std::vector<std::string>{"etcd", "snapshot-save", "--name", "x.db", "--config",
                                 "./cluster.yml"});
}

}  // namespace
}  // namespace retrust
