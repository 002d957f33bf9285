#include "attack.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <stdexcept>

#include <boost/algorithm/string/replace.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "credentials/encoding.h"
#include "sandbox.h"

namespace retrust::hostile {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t most_output = std::size_t{1} << 20U;
constexpr long most_memory_kib = 64L << 10U;
/// A few dozen for each of a run's waits.
constexpr std::size_t most_progress = 200;
const std::string wait_progress = R"("event":"wait_progress")";
constexpr std::chrono::seconds longest{60};
const std::string in_between = " | ";

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> found;
  if (!text.empty()) boost::algorithm::split(found, text, [](char each) { return each == ' '; });
  return found;
}

/// As a reader sees it who follows links: without code blocks and code spans.
std::string without_code(const std::string& markdown) {
  std::string rest;
  std::string fence;
  for (const auto& line : e2e::lines_of(markdown)) {
    const auto ticks = std::min(line.find_first_not_of('`'), line.size());
    if (!fence.empty()) {
      if (line == fence) fence.clear();
      continue;
    }
    if (ticks >= 3 && line.find('`', ticks) == std::string::npos) {
      fence = std::string(ticks, '`');
      continue;
    }
    for (std::size_t at = 0; at < line.size();) {
      if (line[at] != '`') {
        rest += line[at++];
        continue;
      }
      auto end = line.find_first_not_of('`', at);
      const auto run = line.substr(at, end == std::string::npos ? end : end - at);
      auto close = end;
      // The next run of that very length.
      while (close != std::string::npos) {
        close = line.find('`', close);
        if (close == std::string::npos) break;
        const auto after = std::min(line.find_first_not_of('`', close), line.size());
        if (after - close == run.size()) break;
        close = after;
      }
      at = close == std::string::npos || end == std::string::npos ? at + run.size()
                                                                  : close + run.size();
    }
    rest += '\n';
  }
  return rest;
}

/// The objects that a server holds, by its dump.
json::value dump_of(e2e::Sandbox& sandbox) {
  sandbox.tell("dump");
  return json::parse(e2e::read_file(sandbox.file("dump.json")));
}

void add_forms(std::set<std::string>& forms, const std::string& secret) {
  forms.merge(forms_of(secret));
}

/// Every secret of both clusters and of their kubeconfigs, in the forms in which they could show.
std::set<std::string> secrets_in(const json::value& dump, e2e::Sandbox& sandbox) {
  std::set<std::string> forms;
  for (const auto* server : {"downstream", "local"}) {
    for (const auto& object : dump.at(server).as_array()) {
      for (const auto* data : {"/data/token", "/data/credential"}) {
        add_forms(forms, base64_decode(e2e::text(object, data)).value_or(""));
      }
      add_forms(forms, e2e::text(object, "/status/serviceAccountToken"));
    }
    const auto config =
        json::parse(e2e::read_file(sandbox.file(server + std::string(".kubeconfig"))));
    add_forms(forms, e2e::text(config, "/users/0/user/token"));
  }
  return forms;
}

/// A kubectl that writes its arguments to a file of its own in `folder`, and is then the real one.
std::string recording_kubectl(const fs::path& folder) {
  fs::create_directories(folder);
  const char* given = std::getenv("RETRUST_TEST_KUBECTL");
  const auto path = folder / "kubectl";
  e2e::write_file(path,
                  fmt::format("#!/bin/sh\nprintf '%s\\0' \"$@\" >'{}'/argv.$$\nexec '{}' \"$@\"\n",
                              folder.string(), given == nullptr ? "kubectl" : given));
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

/// A kubeconfig that whoever uses it runs a program by.
std::string write_trap(const fs::path& directory) {
  const auto path = directory / "trap";
  e2e::write_file(path,
                  fmt::format(R"({{"apiVersion": "v1", "kind": "Config", "current-context": "x",
 "clusters": [{{"name": "x", "cluster": {{"server": "https://127.0.0.1:1"}}}}],
 "users": [{{"name": "x", "user": {{"exec": {{"apiVersion": "client.authentication.k8s.io/v1beta1",
   "command": "touch", "args": ["{}"]}}}}}}],
 "contexts": [{{"name": "x", "context": {{"cluster": "x", "user": "x"}}}}]}}
)",
                              (directory / "executed").string()));
  return path.string();
}

std::vector<std::string> args_of(const std::string& command, const std::string& patience) {
  if (command == "status") return {"status", "-o", "json"};
  if (command == "plan") return {"plan"};
  if (command == "get-token") return {"step", "get-token", "--timeout", patience};
  return {"run", "--yes", "--no-rancher-backup", "--timeout", patience};
}

bool is_token(const std::string& text) {
  return text.size() >= 16 && text.size() <= 8192 &&
         std::all_of(text.begin(), text.end(), [](char each) { return each > ' ' && each <= '~'; });
}

/// Then memory is the sanitizers' own.
bool sanitized() {
  const char* value = std::getenv("RETRUST_TEST_SANITIZED");
  return value != nullptr && *value != '\0';
}

/// Looks at what one call left.
class Inspection {
 public:
  Inspection(const Attack& attack, e2e::Sandbox& sandbox) : attack_(attack), sandbox_(sandbox) {}

  void secrets(const std::set<std::string>& forms) { secrets_ = forms; }

  void output(const std::string& name, const fs::path& path) {
    std::error_code missing;
    const auto size = fs::file_size(path, missing);
    if (missing || size == 0) return;
    largest_output_ = std::max<std::size_t>(largest_output_, size);
    if (name.starts_with("transcript")) largest_ = std::max<std::size_t>(largest_, size);
    if (size > most_output) complain("volume", fmt::format("{} of {} bytes", name, size));
    const auto text = e2e::read_file(path).substr(0, 8 * most_output);
    for (const auto& secret : secrets_) {
      if (text.find(secret) != std::string::npos) {
        complain("secret", name);  // and never which
        break;
      }
    }
    const auto character = forbidden_character(text);
    if (!character.empty()) complain("character", name + ": " + character);
    const auto line = line_of_attacker(text);
    if (!line.empty()) complain("column 0", name + ": " + line);
    if (name == "transcript.md" &&
        without_code(text).find("hostile.example") != std::string::npos) {
      complain("markdown", name + ": a link outside of code");
    }
    if (name == "transcript.jsonl") {
      std::size_t progress = 0;
      for (auto at = text.find(wait_progress); at != std::string::npos;
           at = text.find(wait_progress, at + 1)) {
        ++progress;
      }
      if (progress > most_progress) complain("volume", fmt::format("{} wait_progress", progress));
      for (const auto& each : e2e::lines_of(text)) {
        boost::system::error_code wrong;
        json::parse(each, wrong);
        if (wrong) complain("json", name + ": " + wrong.message());
      }
    }
  }

  void json_output(const fs::path& path) {
    const auto text = e2e::read_file(path);
    if (text.empty()) return;
    boost::system::error_code wrong;
    json::parse(text, wrong);
    if (wrong) complain("json", "stdout: " + wrong.message());
  }

  void token_output(const fs::path& path, int status) {
    auto text = e2e::read_file(path);
    if (status != 0 && !text.empty())
      complain("token", fmt::format("printed with status {}", status));
    if (status != 0) return;
    if (text.ends_with('\n')) text.pop_back();
    if (!is_token(text)) complain("token", "what was printed is no token");
  }

  void arguments(const fs::path& folder, const std::set<std::string>& files) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (!entry.path().filename().string().starts_with("argv.")) continue;
      const auto text = e2e::read_file(entry.path());
      for (const auto& secret : secrets_) {
        if (text.find(secret) != std::string::npos) complain("secret", "argument");
      }
      for (const auto& each : against_grammar(words_of(text), files)) complain("argument", each);
    }
  }

  void changes(int status) {
    const bool nothing = attack_.command != "run" || status == 2 || status == 3 || status == 4;
    for (const auto& request : sandbox_.requests()) {
      const auto verb = e2e::text(request, "/verb");
      const auto resource = e2e::text(request, "/resource");
      const auto server = e2e::text(request, "/server");
      if (verb == "get" || verb == "list" || verb == "watch" ||
          resource.find("reviews.") != std::string::npos ||
          e2e::text(request, "/user") == "rancher") {
        continue;
      }
      const auto what = fmt::format("{} {} {} {}", server, verb, resource,
                                    e2e::text(request, "/name").substr(0, 60));
      if (nothing) {
        complain("change", fmt::format("{}, and the status is {}", what, status));
      } else if (server == "other") {
        complain("change", what);
      } else if (server == "local") {
        const bool record = (verb == "update" || verb == "patch") &&
                            resource == "clusters.management.cattle.io" &&
                            e2e::text(request, "/name") == "c-x7k2p";
        const bool holder = verb == "create" && resource == "secrets" &&
                            e2e::text(request, "/path")
                                .starts_with("/api/v1/namespaces/cattle-global-data/secrets");
        if (!record && !holder) complain("change", what);
      }
    }
  }

  /// Rancher may only have been given what can be a token and a CA.
  void record(const json::value& dump) {
    for (const auto& object : dump.at("local").as_array()) {
      if (e2e::text(object, "/metadata/name") != "c-x7k2p") continue;
      if (e2e::text(object, "/kind") != "Cluster") continue;
      const auto token = e2e::text(object, "/status/serviceAccountToken");
      if (!token.empty() && !is_token(token)) complain("record", "the stored token is none");
      const auto ca = base64_decode(e2e::text(object, "/status/caCert")).value_or("");
      if (ca.find("-----BEGIN CERTIFICATE-----") == std::string::npos ||
          ca.find("ENCRYPTED") != std::string::npos) {
        complain("record", "the stored CA is none");
      }
    }
  }

  void files(const std::string& trap, const std::string& before) {
    const auto directory = sandbox_.directory();
    if (e2e::read_file(trap) != before) complain("file", "the trap was written");
    if (fs::exists(directory / "executed")) complain("file", "a program was run");
    if (!fs::is_empty(directory / "tmp")) complain("file", "left behind in TMPDIR");
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
      if (entry.path().filename().string().find("HOSTILE") != std::string::npos) {
        complain("file",
                 "the attacker named one: " + entry.path().filename().string().substr(0, 80));
      }
    }
  }

  void end(const Ended& ended) {
    if (ended.pace == Ended::Pace::too_late) {
      complain("time", fmt::format("no end within {} s", longest.count()));
      return;
    }
    // 6 and 7 are no statuses of this version yet.
    if (ended.status < 0 || ended.status > 5) {
      complain("status",
               fmt::format("{}: {}", ended.status,
                           e2e::read_file(sandbox_.directory() / "attacked.err").substr(0, 120)));
    }
    if (ended.peak_kib > most_memory_kib && !sanitized()) {
      complain("memory", fmt::format("{} KiB", ended.peak_kib));
    }
  }

  void complain(const std::string& kind, const std::string& what) {
    auto text = what.starts_with(kind + ": ") ? what : kind + ": " + what;
    if (seen_.insert(text).second) complaints_.push_back(std::move(text));
  }

  std::size_t largest_transcript() const { return largest_; }
  std::size_t largest_output() const { return largest_output_; }
  Complaints complaints() const { return complaints_; }

 private:
  const Attack& attack_;
  e2e::Sandbox& sandbox_;
  std::set<std::string> secrets_;
  std::set<std::string> seen_;
  std::size_t largest_ = 0;
  std::size_t largest_output_ = 0;
  Complaints complaints_;
};

}  // namespace

std::string Attack::text() const {
  return what + in_between + command + in_between + world + in_between + server + in_between + spec;
}

Attack parsed(const std::string& text) {
  std::array<std::string, 4> parts;
  std::size_t begin = 0;
  for (auto& part : parts) {
    const auto end = text.find(in_between, begin);
    if (end == std::string::npos) throw std::runtime_error("no attack: " + text);
    part = text.substr(begin, end - begin);
    begin = end + in_between.size();
  }
  return {.what = parts[0],
          .command = parts[1],
          .world = parts[2],
          .server = parts[3],
          .spec = text.substr(begin)};
}

const std::vector<std::string>& commands() {
  static const std::vector<std::string> all{"status", "run", "plan", "get-token"};
  return all;
}

const std::vector<std::string>& worlds() {
  static const std::vector<std::string> all{"", "--fault agents-never-report",
                                            "--rancher 2.7.0 --kubernetes 1.24"};
  return all;
}

std::vector<std::string> places(const std::string& server) {
  std::set<std::string> found;
  for (const auto& world : worlds()) {
    auto options = words(world);
    options.insert(options.end(), {"--hostile", server + " none"});
    e2e::Sandbox sandbox(options);
    sandbox.run({"--timeout", "2s"});
    for (auto& place : e2e::lines_of(e2e::read_file(sandbox.file("places-" + server)))) {
      found.insert(std::move(place));
    }
  }
  return {found.begin(), found.end()};
}

const std::vector<Replacement>& replacements() {
  static const std::vector<Replacement> all{
      {"--all", R"(json="--all")"},
      {"--kubeconfig=", R"(json="--kubeconfig=FILE")"},
      {"--profile-output=", R"(json="--profile-output=FILE")"},
      {"short option", R"(json="-f")"},
      {"two words", R"(json="kubectl --kubeconfig")"},
      {"lines",
       R"(json="\nHOSTILE x\nHOSTILE Done. Rancher trusts it again. Exit status 0.\r\nHOSTILE\n# HOSTILE\n")"},
      {"line separators",
       R"(json="HOSTILE\u2028HOSTILE\u2029HOSTILE\u0085HOSTILE\u000bHOSTILE\u000c")"},
      {"escape sequences",
       R"(json="HOSTILE\u001b[2J\u001b[1;1H\u001b]0;x\u0007\u009b31m\b\b\b\b\u0000")"},
      {"invisible",
       R"(json="HOSTILE\u202e\u202d\u200b\u200f\u061c\ufeff\u2066\u2060\u00ad\udb40\udc41")"},
      {"markdown",
       R"(json="HOSTILE `` ``` | ![x](https://hostile.example/x.png) <img src=https://hostile.example/y> @all")"},
      {"shell", R"(json="HOSTILE$(touch FILE)`touch FILE`;'\"%s%n{}{0}\\")"},
      {"path", R"(json="../../../HOSTILE/../x")"},
      {"4 MB", "long"},
      {"64 KB", "long=65536"},
      {"number", "json=1e999999"},
      {"huge number", "json=18446744073709551616"},
      {"null", "json=null"},
      {"object", R"(json={"HOSTILE\n":["--all"]})"},
      {"array", R"(json=[["--all"],null,7])"},
      {"false", "json=false"},
      {"empty", R"(json="")"},
      {"nested", "nested"},
      {"invalid UTF-8", "invalid-utf8"},
      {"duplicate key", R"(duplicate="--all")"},
      {"duplicate lines", R"(duplicate="\nHOSTILE Done. Exit status 0.\n")"},
      {"bearer", "bearer"},
      {"encrypted PEM", "encrypted-pem"},
      {"1,500 certificates", "certificates"}};
  return all;
}

const std::vector<Replacement>& behaviours() {
  static const std::vector<Replacement> all{
      {"slow", "slow=300"},           {"silent", "slow=600000"},
      {"refusal 403", "refuse=403"},  {"refusal 500", "refuse=500"},
      {"refusal 409", "refuse=409"},  {"refusal 401", "refuse=401"},
      {"garbage", "garbage"},         {"20,000 objects", "many"},
      {"ERROR event", "error-event"}, {"BOOKMARK event", "bookmark"},
      {"junk events", "junk-events"}, {"events again", "repeat"},
      {"flood of changes", "flood"},  {"flood of objects", "multiply"}};
  return all;
}

Seen performed(const Attack& attack) {
  auto options = words(attack.world);
  options.insert(options.end(), {"--hostile", attack.server + " none"});
  e2e::Sandbox sandbox(options);
  const auto directory = sandbox.directory();
  fs::create_directories(directory / "tmp");
  const auto trap = write_trap(directory);
  const auto before = e2e::read_file(trap);
  auto secrets = secrets_in(dump_of(sandbox), sandbox);

  e2e::Sandbox::Call call{.args = args_of(attack.command, attack.patience)};
  call.args.insert(call.args.end(), {"--command-timeout", "10s"});
  call.kubectl = recording_kubectl(directory / "argv");
  call.environment["TMPDIR"] = (directory / "tmp").string();
  call.environment["ASAN_OPTIONS"] = "detect_leaks=0";  // which works in no traced program
  auto setup = sandbox.setup(call);
  setup.name = "attacked";
  sandbox.tell("hostile " + attack.server + " " +
               boost::replace_all_copy(attack.spec, "FILE", trap));
  Seen seen;
  seen.ended = run_traced(setup, longest);
  sandbox.tell("hostile " + attack.server + " none");

  const auto after = dump_of(sandbox);
  secrets.merge(secrets_in(after, sandbox));
  Inspection inspection(attack, sandbox);
  inspection.secrets(secrets);
  inspection.end(seen.ended);
  const auto out = directory / "attacked.out";
  if (attack.command == "get-token") {
    inspection.token_output(out, seen.ended.status);
  } else {
    inspection.output("stdout", out);
  }
  if (attack.command == "status") inspection.json_output(out);
  inspection.output("stderr", directory / "attacked.err");
  if (!sandbox.run_folder().empty()) {
    inspection.output("transcript.md", sandbox.run_folder() / "transcript.md");
    inspection.output("transcript.jsonl", sandbox.run_folder() / "transcript.jsonl");
  }
  inspection.arguments(directory / "argv",
                       {sandbox.file("downstream.kubeconfig"), sandbox.file("local.kubeconfig"),
                        (directory / "tmp").string() + "/"});
  inspection.changes(seen.ended.status);
  inspection.record(after);
  inspection.files(trap, before);
  seen.largest_transcript = inspection.largest_transcript();
  seen.largest_output = inspection.largest_output();
  seen.out = attack.command == "get-token" ? "" : e2e::read_file(out).substr(0, 64 << 10);
  seen.complaints = inspection.complaints();
  return seen;
}

}  // namespace retrust::hostile
