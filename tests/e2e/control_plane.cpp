#include "control_plane.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <stdexcept>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/chrono.h>

#include "child.h"
#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// As audit logs write it, in microseconds.
std::string now() {
  const auto time = std::chrono::system_clock::now();
  const auto part =
      std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()).count() % 1'000'000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(time)), part);
}

/// An audit event as a line of the sandbox's own log.
json::value as_request(const std::string& server, const json::value& event) {
  const auto group = text(event, "/objectRef/apiGroup");
  auto resource = text(event, "/objectRef/resource");
  if (!group.empty()) resource += "." + group;
  json::object request;
  request["time"] = text(event, "/requestReceivedTimestamp");
  request["server"] = server;
  request["user"] = text(event, "/user/username");
  request["verb"] = text(event, "/verb");
  request["resource"] = resource;
  request["name"] = text(event, "/objectRef/name");
  return request;
}

}  // namespace

ControlPlane::ControlPlane(fs::path script, fs::path directory, const std::string& clusters)
    : script_(std::move(script)), directory_(std::move(directory)) {
  std::vector<std::string> args{"up", directory_.string()};
  if (!clusters.empty()) args.insert(args.end(), {"--clusters", clusters});
  call(std::move(args));
}

ControlPlane::~ControlPlane() {
  try {
    call({"down", directory_.string()});
  } catch (const std::exception&) {
    // Its processes are told of by the script; a destructor cannot do more.
  }
}

void ControlPlane::call(std::vector<std::string> args) const {
  const auto name = "control-plane-" + args.front();
  args.insert(args.begin(), script_.string());
  Child child({.command = std::move(args),
               .environment = {},
               .directory = directory_.parent_path(),
               .name = name});
  if (child.wait() != 0) throw std::runtime_error(name + ": " + child.err());
}

void ControlPlane::renew(const std::string& cluster, const std::string& scenario) {
  static const std::map<std::string, std::string> kept{
      {"renewed", ""}, {"ca-only", "--keep-key"}, {"key-only", "--keep-ca"}};
  if (scenario == "healthy") return;
  std::vector<std::string> args{"renew", directory_.string(), cluster};
  if (!kept.at(scenario).empty()) args.push_back(kept.at(scenario));
  call(std::move(args));
}

void ControlPlane::count_from_now() {
  since_ = now();
}

std::vector<json::value> ControlPlane::requests() const {
  std::vector<json::value> found;
  for (const auto& server : lines_of(read_file(directory_ / "run/clusters"))) {
    for (const auto& line : lines_of(read_file(directory_ / (server + "-audit.jsonl")))) {
      const auto event = json::parse(line);
      const auto user = text(event, "/user/username");
      const auto theirs = user == "admin" || user == "viewer";
      if (theirs && text(event, "/requestReceivedTimestamp") > since_) {
        found.push_back(as_request(server, event));
      }
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const json::value& a, const json::value& b) {
    return text(a, "/time") < text(b, "/time");
  });
  return found;
}

}  // namespace retrust::e2e
