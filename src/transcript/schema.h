#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

namespace retrust {

/// How transcript.jsonl has a member of an event.
enum class Presence {
  always,
  sometimes,
  never,  ///< for the operator alone
};

/// A member of the lines of transcript.jsonl.
struct SchemaField {
  enum class Type { text, number, list };
  std::string_view name;
  Type type;
  Presence presence;
  std::string_view meaning;
};

/// One kind of line.
struct SchemaEvent {
  std::string_view name;
  std::string_view meaning;
  std::vector<SchemaField> fields;
};

/// The schema of transcript.jsonl, and of what `-o json` prints of run, step and rollback; a change
/// that a reader could stumble over raises the number.
inline constexpr int schema_version = 1;
/// Members of every line.
const std::vector<SchemaField>& schema_of_lines();
const std::vector<SchemaEvent>& schema_of_events();

/// What is wrong with a line by that schema, in words; empty where nothing is.
std::string against_schema(const boost::json::value& line);

}  // namespace retrust
