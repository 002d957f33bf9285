#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include "api.h"

namespace retrust::sandbox {

/// What one attacked server does; see the help in main.cpp.
struct Attack {
  std::string place;  ///< RESOURCE[#NAME]POINTER, or RESOURCE alone for a behaviour; empty: none
  std::string replacement;  ///< what goes there, or the behaviour
  std::string argument = {};
};

/// Rewrites what a server sends, as a cluster does that somebody else has taken over. Writes down
/// each place that it came by, in the file `places`, once.
class Hostile {
 public:
  explicit Hostile(const std::filesystem::path& places);

  /// Takes "PLACE REPLACEMENT[=ARGUMENT]" or "none". Throws where there is no such replacement.
  void set_from(const std::string& text);

  /// What is sent instead of an answer.
  Response answer(const Request& request, const About& about, Response response);
  /// What is sent instead of a line of a watch.
  std::vector<std::string> lines(const Request& request, const About& about,
                                 const std::string& line);
  /// How long anything is held back.
  std::chrono::milliseconds delay(const About& about) const;
  /// Whether a watch never becomes quiet, and the next line of it.
  bool floods(const About& about) const;
  std::string flood_line(const About& about);

 private:
  bool does(const About& about, std::string_view behaviour) const;
  std::string rewritten(const Request& request, const About& about, boost::json::value document);
  void add_more(const About& about, boost::json::array& items) const;
  std::string swollen_line(boost::json::value object, std::size_t number);
  std::string mark_of(const std::string& resource, const boost::json::value& object);
  void note(const std::string& place);

  std::ofstream file_;
  std::set<std::string> places_;
  std::map<std::string, std::map<std::string, std::string>> marks_;  // of objects by resource
  std::map<std::string, std::size_t> alike_;                         // objects of one stem
  std::map<std::string, boost::json::value> last_;                   // object of a resource
  Attack attack_;
  std::size_t flooded_ = 0;
  std::string swollen_;  // a line of a watch
};

}  // namespace retrust::sandbox
