#include "run/saved_plan.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/json_stream.h"
#include "base/trust.h"
#include "cli/options.h"
#include "transcript/plan_text.h"

namespace retrust {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view format_name = "retrustPlan";
constexpr std::int64_t format_version = 1;
/// Limit of a command in bytes. A longer one is cut, when it is saved and when it is compared.
constexpr std::size_t most_in_command = 256UL * 1024;

[[noreturn]] void wrong(const std::string& what) {
  throw Failure(ExitStatus::usage, what, "save the plan again with plan --out");
}

const json::value& member(const json::object& object, std::string_view name) {
  const auto* found = object.if_contains(name);
  if (found == nullptr) wrong(fmt::format("{} is missing", name));
  return *found;
}

std::string text_in(const json::object& object, std::string_view name) {
  const auto& value = member(object, name);
  if (!value.is_string()) wrong(fmt::format("{} is no text", name));
  return std::string(value.get_string());
}

const json::object& object_of(const json::value& value, std::string_view name) {
  if (!value.is_object()) wrong(fmt::format("{} is no object", name));
  return value.get_object();
}

const json::array& array_in(const json::object& object, std::string_view name) {
  const auto& value = member(object, name);
  if (!value.is_array()) wrong(fmt::format("{} is no array", name));
  return value.get_array();
}

std::vector<std::string> texts_in(const json::object& object, std::string_view name) {
  std::vector<std::string> texts;
  for (const auto& value : array_in(object, name)) {
    if (!value.is_string()) wrong(fmt::format("{} holds something that is no text", name));
    texts.push_back(display_text(value.get_string(), most_in_command));
  }
  return texts;
}

Need need_of(const std::string& word) {
  for (const auto need :
       {Need::needed, Need::reads, Need::not_needed, Need::depends, Need::skipped, Need::waived}) {
    if (word_of(need) == word) return need;
  }
  wrong(fmt::format("need is {}", display_text(word, 40)));
}

SavedStep parse_step(const json::value& value) {
  const auto& object = object_of(value, "a step");
  const auto name = text_in(object, "name");
  const auto step = find_step(name);
  if (!step || info_of(*step).name != name) {
    wrong(fmt::format("there is no step {}", display_text(name, 40)));
  }
  return {*step, need_of(text_in(object, "need")), text_in(object, "reason"),
          texts_in(object, "commands")};
}

/// Checks words of the command line: options that decide a plan, apart from the clusters.
std::vector<std::string> checked_options(const std::vector<std::string>& given_words) {
  auto line = split_command_line(given_words);
  if (!line.others.empty()) wrong("options holds a word that is no option");
  // Words that give no option are left out, such as "--".
  std::vector<std::string> words;
  for (auto& given : line.options) {
    const auto name = given.option->name;
    if (!decides_plan(*given.option) || name == "cluster" || name == "all-clusters") {
      wrong(fmt::format("options holds --{}, which no saved plan has", name));
    }
    words.insert(words.end(), given.words.begin(), given.words.end());
  }
  return words;
}

json::value parsed(std::string_view text) {
  try {
    return parse_document(text);
  } catch (const std::exception& error) {
    wrong(fmt::format("this is no JSON: {}", reason_of(error)));
  }
}

/// The document, if it is a saved plan of some format.
const json::object& plan_object(const json::value& document) {
  if (!document.is_object() || !document.get_object().contains(format_name)) {
    wrong("this is no plan that retrust saved");
  }
  return document.get_object();
}

std::string content_of(const fs::path& path) {
  const auto file = open_trusted(path);
  struct ::stat state {};
  if (::fstat(file.get(), &state) == 0 && state.st_size == 0) wrong("the file is empty");
  if (state.st_size > static_cast<off_t>(most_plan_bytes)) {
    wrong(fmt::format("the file is larger than {} MiB", most_plan_bytes >> 20U));
  }
  return read_all(file, path, most_plan_bytes);
}

}  // namespace

std::vector<std::string> SavedPlan::words() const {
  auto words = options;
  for (const auto& cluster : clusters) words.push_back(fmt::format("--cluster={}", cluster.id));
  return words;
}

const ClusterPlan* SavedPlan::find(const ClusterId& id) const {
  const auto found = std::find_if(clusters.begin(), clusters.end(),
                                  [&](const ClusterPlan& each) { return each.id == id; });
  return found == clusters.end() ? nullptr : &*found;
}

json::object plan_head(std::string_view retrust, std::string_view created,
                       const std::vector<std::string>& options) {
  json::object head;
  head[format_name] = format_version;
  head["retrust"] = retrust;
  head["created"] = created;
  head["options"] = json::array(options.begin(), options.end());
  return head;
}

ClusterPlan parse_cluster_plan(const json::value& value) {
  const auto& object = object_of(value, "a cluster");
  ClusterPlan plan;
  plan.id = ClusterId::if_allowed(text_in(object, "id"));
  if (plan.id.empty()) wrong("id is no ID of a cluster");
  plan.name = text_in(object, "name");
  const auto& facts = object_of(member(object, "facts"), "facts");
  for (const auto& fact : plan_facts) {
    plan.facts.emplace(fact.name, text_in(facts, fact.name));
  }
  for (const auto& each : array_in(object, "steps")) {
    auto step = parse_step(each);
    const auto twice = std::any_of(plan.steps.begin(), plan.steps.end(),
                                   [&](const auto& other) { return other.step == step.step; });
    if (twice) wrong(fmt::format("the step {} is there twice", info_of(step.step).name));
    plan.steps.push_back(std::move(step));
  }
  return plan;
}

SavedPlan parse_saved_plan(std::string_view text) {
  const auto document = parsed(text);
  const auto& object = plan_object(document);
  const auto& version = object.at(format_name);
  if (version != json::value(format_version)) {
    wrong(fmt::format("the plan has a format that this retrust does not know; this one reads {} {}",
                      format_name, format_version));
  }
  SavedPlan plan;
  plan.retrust = text_in(object, "retrust");
  plan.created = text_in(object, "created");
  plan.options = checked_options(texts_in(object, "options"));
  const auto& clusters = array_in(object, "clusters");
  if (clusters.empty()) wrong("clusters is empty");
  if (clusters.size() > most_plan_clusters) wrong("clusters holds too many");
  for (const auto& each : clusters) {
    auto cluster = parse_cluster_plan(each);
    if (plan.find(cluster.id) != nullptr) {
      wrong(fmt::format("the cluster {} is there twice", cluster.id));
    }
    plan.clusters.push_back(std::move(cluster));
  }
  return plan;
}

SavedPlan read_saved_plan(const fs::path& path) {
  std::string content;
  try {
    content = content_of(path);
    return parse_saved_plan(content);
  } catch (const Untrusted&) {
    throw;
  } catch (const Failure& failure) {
    throw Failure(ExitStatus::usage, fmt::format("--plan {}: {}", path.string(), failure.what()),
                  failure.advice);
  }
}

void check_replaceable(const fs::path& path) {
  struct ::stat state {};
  const auto folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const auto there = ::lstat(path.c_str(), &state) == 0;
  auto error = there || errno == ENOENT ? 0 : errno;
  if (error == 0 && ::access(folder.c_str(), W_OK | X_OK) != 0) error = errno;
  if (error != 0) {
    throw Failure(ExitStatus::usage,
                  fmt::format("--out: cannot write {}: {}", path.string(), std::strerror(error)),
                  {"name a file in a folder that you can write", "ls -ld " + operand(folder)});
  }
  if (!there) return;
  try {
    if (!S_ISREG(state.st_mode)) wrong("this is no regular file");
    const auto document = parsed(content_of(path));
    plan_object(document);
  } catch (const Failure& failure) {
    throw Failure(ExitStatus::usage,
                  fmt::format("--out: {} is there already and stays as it is, because retrust "
                              "replaces only saved plans: {}",
                              path.string(), failure.what()),
                  {"name another file, or look at this one", "ls -ld " + operand(path)});
  }
}

}  // namespace retrust
