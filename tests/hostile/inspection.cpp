#include "inspection.h"

#include <algorithm>
#include <cstdlib>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include "base/encoding.h"

namespace retrust::hostile {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t most_output = std::size_t{1} << 20U;
constexpr long most_memory_kib = 64L << 10U;
/// A few dozen for each of a run's waits.
constexpr std::size_t most_progress = 200;
const std::string wait_progress = R"("event":"wait_progress")";

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

bool is_token(const std::string& text) {
  return text.size() >= 16 && text.size() <= 8192 && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), [](char each) { return each > ' ' && each <= '~'; });
}

/// Then memory is the sanitizers' own.
bool sanitized() {
  const char* value = std::getenv("RETRUST_TEST_SANITIZED");
  return value != nullptr && *value != '\0';
}

}  // namespace

void Inspection::output(const std::string& name, const fs::path& path) {
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
  if (name == "transcript.md" && without_code(text).find("hostile.example") != std::string::npos) {
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

void Inspection::json_output(const fs::path& path) {
  const auto text = e2e::read_file(path);
  if (text.empty()) return;
  boost::system::error_code wrong;
  json::parse(text, wrong);
  if (wrong) complain("json", "stdout: " + wrong.message());
}

void Inspection::token_output(const fs::path& path, int status) {
  auto text = e2e::read_file(path);
  if (status != 0 && !text.empty())
    complain("token", fmt::format("printed with status {}", status));
  if (status != 0) return;
  if (text.ends_with('\n')) text.pop_back();
  if (!is_token(text)) complain("token", "what was printed is no token");
}

void Inspection::arguments(const fs::path& folder, const std::set<std::string>& files) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    const auto dot = name.find('.');
    if (dot == std::string::npos) continue;
    const auto text = e2e::read_file(entry.path());
    for (const auto& secret : secrets_) {
      if (text.find(secret) != std::string::npos) complain("secret", "argument");
    }
    for (const auto& each : against_grammar(name.substr(0, dot), words_of(text), files)) {
      complain("argument", each);
    }
  }
}

void Inspection::changes(int status, std::size_t earlier) {
  const bool nothing = command_.effect == Command::Effect::none || status == 2 || status == 3 ||
                       status == 4 || status == 6;
  const auto requests = sandbox_.requests();
  for (auto at = earlier; at < requests.size(); ++at) {
    const auto& request = requests[at];
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
    // A Lease is no change, but a command that changes nothing takes none.
    if (command_.effect == Command::Effect::changes && server == "local" &&
        resource == "leases.coordination.k8s.io" &&
        e2e::text(request, "/path")
            .starts_with("/apis/coordination.k8s.io/v1/namespaces/c-x7k2p/leases")) {
      continue;
    }
    if (nothing) {
      complain("change", fmt::format("{}, and the status is {}", what, status));
    } else if (server == "other") {
      complain("change", what);
    } else if (server == "local") {
      const bool record = (verb == "update" || verb == "patch") &&
                          resource == "clusters.management.cattle.io" &&
                          e2e::text(request, "/name") == "c-x7k2p";
      const bool holder =
          (verb == "create" || verb == "delete") && resource == "secrets" &&
          e2e::text(request, "/path").starts_with("/api/v1/namespaces/cattle-global-data/secrets");
      // Section 3.1 is performed where everything is asked for.
      const bool restart = command_.name == "all" && verb == "patch" &&
                           resource == "deployments.apps" &&
                           e2e::text(request, "/name") == "rancher";
      if (!record && !holder && !restart) complain("change", what);
    }
  }
}

void Inspection::record(const json::value& dump) {
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

void Inspection::files(const std::string& trap, const std::string& before) {
  const auto directory = sandbox_.directory();
  if (e2e::read_file(trap) != before) complain("file", "the trap was written");
  if (fs::exists(directory / "executed")) complain("file", "a program was run");
  if (!fs::is_empty(directory / "tmp")) complain("file", "left behind in TMPDIR");
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.path().filename().string().find("HOSTILE") != std::string::npos) {
      complain("file", "the attacker named one: " + entry.path().filename().string().substr(0, 80));
    }
  }
}

void Inspection::end(const Ended& ended) {
  if (ended.pace == Ended::Pace::too_late) {
    complain("time", fmt::format("no end within {} s", longest.count()));
    return;
  }
  // 2 is wrong usage and 7 the operator's no, of which no server knows.
  if (ended.status < 0 || ended.status > 6 || ended.status == 2) {
    complain("status",
             fmt::format("{}: {}", ended.status,
                         e2e::read_file(sandbox_.directory() / "attacked.err").substr(0, 120)));
  }
  if (ended.peak_kib > most_memory_kib && !sanitized()) {
    complain("memory", fmt::format("{} KiB", ended.peak_kib));
  }
}

void Inspection::complain(const std::string& kind, const std::string& what) {
  auto text = what.starts_with(kind + ": ") ? what : kind + ": " + what;
  if (seen_.insert(text).second) complaints_.push_back(std::move(text));
}

}  // namespace retrust::hostile
