#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "api.h"

namespace retrust::sandbox {

/// requests.jsonl and events.jsonl: what was asked, and what the played parties did. Never a token.
class Log {
 public:
  explicit Log(const std::filesystem::path& directory);
  /// The same files; events are marked as of that cluster.
  Log of(std::string cluster) const;
  void request(const std::string& server, const About& about, const std::string& path,
               unsigned code);
  void event(const std::string& actor, const std::string& event, const std::string& detail);

 private:
  struct Files {
    std::ofstream requests;
    std::ofstream events;
  };
  std::shared_ptr<Files> files_;
  std::string cluster_;  // empty: events are not marked
};

}  // namespace retrust::sandbox
