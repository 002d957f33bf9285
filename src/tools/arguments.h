#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"

namespace retrust {

/// A word of a command line that stands in the source of this program.
class Word {
 public:
  consteval Word(const char* text) : text_(text) {}
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

/// The arguments of a command. The only maker of argument vectors: words come from the source of
/// this program, and what comes from outside enters as the value of an option or as part of an
/// operand, never as a word that a program could take for an option.
class Arguments {
 public:
  Arguments() = default;
  Arguments(std::initializer_list<Word> words);

  Arguments& words(std::initializer_list<Word> words);
  Arguments& append(const Arguments& others);

  /// "--option=VALUE" in one word; `option` ends with what comes before the value.
  Arguments& joined(Word option, std::string_view value);
  /// "-n VALUE": for values that cannot begin with a dash.
  Arguments& option(Word option, const NamespaceName& value);
  /// The same of a path that the operator gave, and a path as an operand; one that begins with a
  /// dash becomes "./-…".
  Arguments& path(Word option, std::string_view value);
  Arguments& path(std::string_view value);
  /// "KIND/NAME".
  Arguments& object(Word kind, const ObjectName& name);
  Arguments& objects(Word kind, const std::vector<ObjectName>& names);
  /// A container's name as an operand.
  Arguments& container(const ContainerName& name);
  /// "CONTAINER:/PATH", or an absolute path: operands that cannot begin with a dash. Throws
  /// std::logic_error for any other.
  Arguments& container_path(const ContainerName& name, std::string_view absolute);
  Arguments& absolute_path(std::string_view path);

  /// Where the command begins: after the namespace, where that comes first.
  std::size_t command_at() const;
  /// The first word of kubectl's command, such as "get"; empty where there is none.
  std::string_view command() const;
  /// The value of -n; empty where there is none.
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
