#include "tools/arguments.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>

#include "base/failure.h"
#include "base/text.h"
#include "base/words.h"

namespace retrust {

Arguments::Arguments(std::initializer_list<Word> words) {
  this->words(words);
}

Arguments& Arguments::words(std::initializer_list<Word> words) {
  for (const auto& word : words) list_.emplace_back(word.text());
  return *this;
}

Arguments& Arguments::append(const Arguments& others) {
  list_.insert(list_.end(), others.list_.begin(), others.list_.end());
  return *this;
}

Arguments& Arguments::joined(Word option, std::string_view value) {
  list_.push_back(fmt::format("{}{}", option.text(), value));
  return *this;
}

Arguments& Arguments::option(Word option, const NamespaceName& value) {
  if (value.empty()) {
    throw Failure(FailureCode::bad_answer, "an object came without its namespace",
                  "an API server sends none such. Find out what answers at the cluster's address");
  }
  list_.emplace_back(option.text());
  list_.push_back(value.text());
  return *this;
}

Arguments& Arguments::path(Word option, std::string_view value) {
  list_.emplace_back(option.text());
  return path(value);
}

Arguments& Arguments::path(std::string_view value) {
  list_.push_back(fmt::format("{}{}", value.starts_with('-') ? "./" : "", value));
  return *this;
}

Arguments& Arguments::object(Word kind, const ObjectName& name) {
  if (name.empty()) throw std::logic_error("an object without a name in a command");
  list_.push_back(fmt::format("{}/{}", kind.text(), name));
  return *this;
}

Arguments& Arguments::objects(Word kind, const std::vector<ObjectName>& names) {
  for (const auto& name : names) object(kind, name);
  return *this;
}

Arguments& Arguments::container(const ContainerName& name) {
  if (name.empty()) throw std::logic_error("a container without a name in a command");
  list_.push_back(name.text());
  return *this;
}

Arguments& Arguments::container_path(const ContainerName& name, std::string_view absolute) {
  if (name.empty() || !absolute.starts_with('/')) throw std::logic_error("no path in a container");
  list_.push_back(fmt::format("{}:{}", name, absolute));
  return *this;
}

Arguments& Arguments::absolute_path(std::string_view path) {
  if (!path.starts_with('/')) throw std::logic_error("no absolute path");
  list_.emplace_back(path);
  return *this;
}

std::size_t Arguments::command_at() const {
  return !list_.empty() && list_.front() == "-n" ? 2 : 0;
}

std::string_view Arguments::command() const {
  const auto at = command_at();
  return at < list_.size() ? std::string_view(list_[at]) : std::string_view();
}

std::string_view Arguments::name_space() const {
  const auto found = std::find(list_.begin(), list_.end(), "-n");
  return found == list_.end() || std::next(found) == list_.end()
             ? std::string_view()
             : std::string_view(*std::next(found));
}

std::string shell_line(const std::vector<std::string>& program, const Arguments& args) {
  return shell_line(with_more(program, args.list()));
}

}  // namespace retrust
