#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"

namespace retrust {

/// A word of a command line from the source of this program.
class Word {
 public:
  consteval Word(const char* text) : text_(text) {}
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

/// The arguments of a command, and the only maker of argument vectors. Words come from the source
/// of this program. Outside text enters as the value of an option or as part of an operand, never
/// as a word that a program could take for an option.
class Arguments {
 public:
  Arguments() = default;
  Arguments(std::initializer_list<Word> words);

  Arguments& words(std::initializer_list<Word> words);
  Arguments& append(const Arguments& others);

  /// Appends "--option=VALUE" as one word; `option` ends with the text before the value.
  Arguments& joined(Word option, std::string_view value);
  /// Appends "-n VALUE" as two words, for values that cannot begin with a dash.
  Arguments& option(Word option, const NamespaceName& value);
  /// Appends a path from the operator, as an option's value or as an operand. A leading dash
  /// becomes "./-…".
  Arguments& path(Word option, std::string_view value);
  Arguments& path(std::string_view value);
  /// Appends "KIND/NAME".
  Arguments& object(Word kind, const ObjectName& name);
  Arguments& objects(Word kind, const std::vector<ObjectName>& names);
  /// Appends a container's name as an operand.
  Arguments& container(const ContainerName& name);
  /// Appends "CONTAINER:/PATH", or an absolute path: operands that cannot begin with a dash. Throws
  /// std::logic_error for a relative path.
  Arguments& container_path(const ContainerName& name, std::string_view absolute);
  Arguments& absolute_path(std::string_view path);

  /// Index of kubectl's command, which follows a leading namespace option.
  std::size_t command_at() const;
  /// The first word of kubectl's command, such as "get", or empty.
  std::string_view command() const;
  /// The value of -n, or empty.
  std::string_view name_space() const;

  const std::vector<std::string>& list() const { return list_; }
  bool empty() const { return list_.empty(); }
  bool operator==(const Arguments&) const = default;

 private:
  std::vector<std::string> list_;
};

/// The command as a person would type it: a program with its own first words, and the arguments.
std::string shell_line(const std::vector<std::string>& program, const Arguments& args);

}  // namespace retrust
