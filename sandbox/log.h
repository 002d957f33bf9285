#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "api.h"

namespace retrust::sandbox {

/// requests.jsonl and events.jsonl: what was asked, and what the played parties did. Never a token.
class Log {
 public:
  explicit Log(const std::filesystem::path& directory);
  void request(const std::string& server, const About& about, const std::string& path,
               unsigned code);
  void event(const std::string& actor, const std::string& event, const std::string& detail);

 private:
  std::ofstream requests_;
  std::ofstream events_;
};

}  // namespace retrust::sandbox
