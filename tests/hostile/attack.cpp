#include "attack.h"

#include <array>
#include <filesystem>
#include <set>
#include <stdexcept>

#include <boost/algorithm/string/replace.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "calls.h"
#include "held.h"
#include "inspection.h"
#include "sandbox.h"

namespace retrust::hostile {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

const std::string in_between = " | ";

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

std::map<std::string, std::set<std::string>> places() {
  std::map<std::string, std::set<std::string>> found;
  for (const auto& world : worlds()) {
    auto options = options_of(world);
    options.insert(options.end(), {"--hostile", "downstream none", "--hostile", "local none"});
    e2e::Sandbox sandbox(options);
    sandbox.run({"--timeout", "2s", "--repair-impersonation"});
    sandbox.retrust({"rollback", sandbox.run_folder().string(), "--yes"});
    for (const std::string server : {"downstream", "local"}) {
      for (auto& place : e2e::lines_of(e2e::read_file(sandbox.file("places-" + server)))) {
        found[server].insert(std::move(place));
      }
    }
  }
  return found;
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
      {"words of kubectl", R"(json="error: context \"x\" does not exist")"},
      {"version with a token", "bearer=v1.30.1-"},
      {"version with a word of a shell", R"x(json="v2.6.0-$(touch FILE)")x"},
      {"version with lines", R"(json="v2.6.0\nHOSTILE Done. Exit status 0.\n")"},
      {"version of options", R"(json="v1.30.1 --all --kubeconfig=FILE")"},
      {"encrypted PEM", "encrypted-pem"},
      {"1,500 certificates", "certificates"}};
  return all;
}

const std::vector<Replacement>& behaviours() {
  static const std::vector<Replacement> all{
      {"slow", "slow=300"},
      {"silent", "slow=600000"},
      {"refusal 403", "refuse=403"},
      {"refusal 500", "refuse=500"},
      {"refusal 409", "refuse=409"},
      {"refusal 401", "refuse=401"},
      {"refusal: no context", R"(refuse=400,BadRequest,"x\nerror: context \"x\" )"
                              R"(does not exist\n")"},
      {"refusal: no kubeconfig",
       "refuse=401,Unauthorized,error loading config file "
       "//localhost:8080 was refused"},
      {"refusal: no context to minify",
       "refuse=401,Unauthorized,context \"x\" must exist in "
       "order to minify: cannot locate context \"x\""},
      {"refusal: x509",
       "refuse=500,,Unable to connect to the server: x509: "
       "certificate signed by unknown authority"},
      {"refusal: executable",
       "refuse=500,InternalError,OCI runtime exec failed: "
       "exec: \"kubectl\": executable file not found in "
       "$PATH: unknown"},
      {"refusal: no container", R"(refuse=404,NotFound,"x\nError response from )"
                                R"(daemon: No such container: rancher\n")"},
      {"garbage", "garbage"},
      {"20,000 objects", "many"},
      {"ERROR event", "error-event"},
      {"BOOKMARK event", "bookmark"},
      {"junk events", "junk-events"},
      {"events again", "repeat"},
      {"flood of changes", "flood"},
      {"flood of objects", "multiply"},
      {"flood of large ones", "swell"},
      {"40,000 names", "bare"},
      {"5,000 tokens", "tokens"}};
  return all;
}

Seen performed(const Attack& attack) {
  const auto& command = command_named(attack.command);
  auto options = options_of(attack.world);
  options.insert(options.end(), {"--hostile", attack.server + " none"});
  e2e::Sandbox sandbox(options);
  const auto directory = sandbox.directory();
  fs::create_directories(directory / "tmp");
  const auto trap = write_trap(directory);
  const auto before = e2e::read_file(trap);
  auto secrets = secrets_in(dump_of(sandbox), sandbox);

  auto call = prepared(command, sandbox, attack.patience);
  const auto earlier = sandbox.requests().size();
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
  Inspection inspection(command, sandbox, secrets);
  inspection.end(seen.ended);
  const auto out = directory / "attacked.out";
  if (command.prints == Command::Prints::token) {
    inspection.token_output(out, seen.ended.status);
  } else {
    inspection.output("stdout", out);
  }
  if (command.prints == Command::Prints::json) inspection.json_output(out);
  inspection.output("stderr", directory / "attacked.err");
  if (!sandbox.run_folder().empty()) {
    inspection.output("transcript.md", sandbox.run_folder() / "transcript.md");
    inspection.output("transcript.jsonl", sandbox.run_folder() / "transcript.jsonl");
  }
  inspection.arguments(recorded(sandbox),
                       {sandbox.file("downstream.kubeconfig"), sandbox.file("local.kubeconfig"),
                        (directory / "tmp").string() + "/"});
  inspection.changes(seen.ended.status, earlier);
  inspection.record(after);
  inspection.files(trap, before);
  seen.largest_transcript = inspection.largest_transcript();
  seen.largest_output = inspection.largest_output();
  seen.out = command.prints == Command::Prints::token
                 ? ""
                 : e2e::read_file(out).substr(0, std::size_t{64} << 10U);
  seen.complaints = inspection.complaints();
  return seen;
}

}  // namespace retrust::hostile
