#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "oracles.h"
#include "traced.h"

namespace retrust::hostile {

/// One attack on one call of retrust.
struct Attack {
  std::string what;     ///< in a word or two, for the table
  std::string command;  ///< the name of one of `commands()`
  std::string world;    ///< of the worlds of that command
  std::string server;   ///< downstream or local
  std::string spec;     ///< what retrust-sandbox is told, see its help; FILE is a file of the test
  std::string patience = "3s";  ///< of one wait of a run
  std::string text() const;     ///< in one line, as `parsed` takes it back
};
Attack parsed(const std::string& text);

/// What of it can be measured, and what was wrong.
struct Seen {
  Ended ended;
  std::size_t largest_transcript = 0;
  std::size_t largest_output = 0;  ///< transcripts, standard output and standard error
  std::string out = {};            ///< standard output, where no token is expected there
  Complaints complaints;
};

/// Every place of a string that the commands read, by the server that sends it, in all worlds.
std::map<std::string, std::set<std::string>> places();
/// What a string is replaced by, as retrust-sandbox is told.
struct Replacement {
  std::string what;
  std::string spec;
};
const std::vector<Replacement>& replacements();
const std::vector<Replacement>& behaviours();

/// Starts a sandbox, has it attack, and looks at everything that comes of it.
Seen performed(const Attack& attack);

}  // namespace retrust::hostile
