#include "log.h"

#include <chrono>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "json_util.h"

namespace retrust::sandbox {
namespace {

/// In milliseconds, to be compared with a transcript's.
std::string log_time() {
  const auto now = std::chrono::system_clock::now();
  const auto part =
      std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  auto text = time_text(now);
  text.insert(text.size() - 1, fmt::format(".{:03}", part));
  return text;
}

}  // namespace

Log::Log(const std::filesystem::path& directory) : files_(std::make_shared<Files>()) {
  files_->requests.open(directory / "requests.jsonl", std::ios::app);
  files_->events.open(directory / "events.jsonl", std::ios::app);
  using enum std::filesystem::perms;
  for (const auto* name : {"requests.jsonl", "events.jsonl"}) {
    std::filesystem::permissions(directory / name, owner_read | owner_write);
  }
}

Log Log::of(std::string cluster) const {
  auto marked = *this;
  marked.cluster_ = std::move(cluster);
  return marked;
}

void Log::request(const std::string& server, const About& about, const std::string& path,
                  unsigned code) {
  boost::json::object line;
  line["time"] = log_time();
  line["server"] = server;
  line["user"] = about.user;
  line["verb"] = about.verb;
  line["path"] = path;
  line["resource"] = about.resource;
  line["name"] = about.name;
  if (!about.subresource.empty()) line["subresource"] = about.subresource;
  line["code"] = code;
  files_->requests << boost::json::serialize(line) << std::endl;
}

void Log::event(const std::string& actor, const std::string& event, const std::string& detail) {
  boost::json::object line;
  line["time"] = log_time();
  line["actor"] = actor;
  line["event"] = event;
  line["detail"] = detail;
  if (!cluster_.empty()) line["cluster"] = cluster_;
  files_->events << boost::json::serialize(line) << std::endl;
}

}  // namespace retrust::sandbox
