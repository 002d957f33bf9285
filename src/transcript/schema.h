#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

namespace retrust {

/// Presence of a member in the lines of transcript.jsonl.
enum class Presence {
  always,
  sometimes,
  never,  ///< for the operator alone
};

/// A member of the lines of transcript.jsonl.
struct SchemaField {
  enum class Type { text, number, list, truth };
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

/// Version of the schema of transcript.jsonl, and of the output of run, step and rollback with `-o
/// json`. A change that could break a reader raises the number.
inline constexpr int schema_version = 1;
/// Members of every line.
const std::vector<SchemaField>& schema_of_lines();
const std::vector<SchemaEvent>& schema_of_events();

/// Text of a line's first violation of the schema; empty if the line is valid.
std::string against_schema(const boost::json::value& line);

}  // namespace retrust
