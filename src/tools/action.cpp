#include "tools/action.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace retrust {
namespace {

/// The objects of a command, by its words after the command: "the pod x", "the pods".
std::string objects_text(const std::vector<std::string>& words, std::size_t first) {
  std::string kind;
  std::string name;
  std::size_t count = 0;
  for (auto i = first; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word == "-n" || word == "-o") {
      ++i;
      continue;
    }
    if (word.starts_with('-')) continue;
    // An annotation or a label comes behind the object.
    if (word.find('=') != std::string::npos) continue;
    const auto slash = word.find('/');
    const auto found = word.substr(0, std::min(slash, word.find('.')));
    if (count > 0 && found != kind) return "the objects";
    kind = found;
    name = slash == std::string::npos ? std::string() : word.substr(slash + 1);
    ++count;
  }
  if (kind.empty() || kind.find(',') != std::string::npos) return "the objects";
  if (kind == "clusters")
    return fmt::format("the clusters resource{}{}", name.empty() ? "s" : " ", name);
  if (name.empty()) return fmt::format("the {}", kind);
  if (count > 1) return fmt::format("the {}s", kind);
  return fmt::format("the {} {}", kind, name);
}

}  // namespace

std::string action_text(const Arguments& args, std::string_view given) {
  const auto& words = args.list();
  const auto command = args.command();
  const auto next = args.command_at() + 1;
  const auto second = next < words.size() ? std::string_view(words[next]) : std::string_view();
  // Without the version, which says nothing of the object.
  const auto object = given.substr(0, std::min(given.find(", resourceVersion"), given.size()));
  if (command == "create") {
    // Reviews are answered, and not kept.
    if (given.find("Review") != std::string_view::npos) return fmt::format("asking for {}", given);
    return object.empty() ? std::string("creating an object")
                          : fmt::format("creating the {}", object);
  }
  if (command == "replace") {
    return object.empty() ? std::string("replacing an object")
                          : fmt::format("replacing the {}", object);
  }
  if (command == "version") return "asking for the version";
  if (command == "config") return "reading the kubeconfig";
  if (command == "rollout") return fmt::format("restarting {}", objects_text(words, next + 1));
  if (second == "--raw") {
    const auto path = next + 1 < words.size() ? std::string_view(words[next + 1]) : "a path";
    return fmt::format("{} {}", command == "delete" ? "deleting" : "reading",
                       path.substr(0, path.find('?')));
  }
  if (command == "annotate") return fmt::format("annotating {}", objects_text(words, next));
  if (command == "delete") return fmt::format("deleting {}", objects_text(words, next));
  if (command == "get") {
    const auto watches = std::find(words.begin(), words.end(), "-w") != words.end();
    return fmt::format("{} {}", watches ? "watching" : "reading",
                       second == "-f" ? "the objects" : objects_text(words, next));
  }
  return fmt::format("kubectl {}", command);
}

}  // namespace retrust
