#include "tools/object_check.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "base/display_text.h"
#include "base/failure.h"
#include "base/names.h"

namespace retrust {
namespace {

namespace json = boost::json;

/// Limit of a shown text: enough for a person to find the text.
constexpr std::size_t most_shown = 80;

/// Describes a value of any type for a sentence.
std::string shown(const json::value& value) {
  if (!value.is_string()) return fmt::format("a {}", json::to_string(value.kind()).data());
  const std::string_view text(value.get_string());
  return fmt::format("\"{}\"", display_text(text, most_shown));
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

class ObjectCheck {
 public:
  ObjectCheck(const json::value& object, const Question& question)
      : whole_(object),
        object_(object.get_object()),
        question_(question),
        kind_(text_of(object_, "kind")) {}

  void check() const {
    check_metadata();
    check_references();
  }

 private:
  void check_metadata() const {
    const auto* metadata = object_.if_contains("metadata");
    if (metadata == nullptr || metadata->is_null()) return;
    if (!metadata->is_object()) refuse("metadata", *metadata);
    const auto& members = metadata->get_object();
    check_text(members, "metadata.name",
               [this](std::string_view text) { return allows_name(kind_, text); });
    // A kuberc can make `kubectl get` read all namespaces: another one's object is never ours.
    check_text(members, "metadata.namespace", [this](std::string_view text) {
      return LabelRule::allows(text) &&
             (question_.name_space.empty() || text == question_.name_space);
    });
    check_text(members, "metadata.uid", UidRule::allows);
    // The resourceVersion of a list is empty in some answers.
    check_text(members, "metadata.resourceVersion", [](std::string_view text) {
      return text.empty() || ResourceVersionRule::allows(text);
    });
    if (const auto* owners = members.if_contains("ownerReferences"); owners != nullptr) {
      check_owners(*owners);
    }
  }

  /// Checks references to other objects, of any kind of object: the names become parts of commands.
  void check_references() const {
    check_reference("/spec/serviceAccountName", "spec.serviceAccountName");
    check_reference("/status/serviceAccountTokenSecret", "status.serviceAccountTokenSecret");
    if (text_of(object_, "type") == "kubernetes.io/service-account-token") {
      check_reference("/metadata/annotations/kubernetes.io~1service-account.name",
                      "annotation kubernetes.io/service-account.name");
    }
  }

  void check_reference(std::string_view pointer, std::string_view path) const {
    const auto* name = at(whole_, pointer);
    if (name == nullptr || name->is_null()) return;
    const auto allowed = name->is_string() &&
                         (name->get_string().empty() || ObjectNameRule::allows(name->get_string()));
    if (!allowed) refuse(path, *name);
  }

  static const json::value* at(const json::value& within, std::string_view pointer) {
    boost::system::error_code missing;
    return within.find_pointer(pointer, missing);
  }

  /// Checks the member whose name is the last part of the path.
  template <typename Allows>
  void check_text(const json::object& members, std::string_view path, Allows allows) const {
    const auto* value = members.if_contains(path.substr(path.rfind('.') + 1));
    if (value == nullptr) return;
    if (!value->is_string() || !allows(std::string_view(value->get_string()))) {
      refuse(path, *value);
    }
  }

  void check_owners(const json::value& owners) const {
    if (owners.is_null()) return;
    if (!owners.is_array()) refuse("metadata.ownerReferences", owners);
    for (const auto& owner : owners.get_array()) {
      if (!owner.is_object()) refuse("metadata.ownerReferences", owner);
      // An owner may be of any kind, and is only shown.
      check_text(owner.get_object(), "metadata.ownerReferences.name", is_path_segment);
    }
  }

  [[noreturn]] void refuse(std::string_view member, const json::value& value) const {
    throw Failure(
        FailureCode::bad_answer,
        fmt::format("the {} sent {} whose {} is {}, which {}", question_.cluster, description(),
                    member, shown(value),
                    is_foreign(member, value) ? "is not the namespace that was asked for"
                                              : "Kubernetes does not allow"),
        {"this may be an attack, and retrust uses nothing of that answer. See what the cluster "
         "sends, and find out who created the object",
         question_.command});
  }

  static bool is_foreign(std::string_view member, const json::value& value) {
    return member == "metadata.namespace" && value.is_string() &&
           LabelRule::allows(std::string_view(value.get_string()));
  }

  /// Describes the object, e.g. "a Pod called x in cattle-system", as far as its words are valid.
  std::string description() const {
    auto text = kind_.empty() ? std::string("an object")
                              : fmt::format("a {}", display_text(kind_, most_shown));
    const auto* metadata = object_.if_contains("metadata");
    if (metadata == nullptr || !metadata->is_object()) return text;
    const auto name = text_of(metadata->get_object(), "name");
    if (allows_name(kind_, name)) text += " called " + name;
    const auto name_space = text_of(metadata->get_object(), "namespace");
    if (LabelRule::allows(name_space)) text += " in " + name_space;
    return text;
  }

  const json::value& whole_;
  const json::object& object_;
  const Question& question_;
  std::string kind_;
};

}  // namespace

void check_objects(const json::value& answer, const Question& question) {
  const auto* object = answer.if_object();
  if (object == nullptr) return;
  ObjectCheck(answer, question).check();
  if (const auto* items = object->if_contains("items"); items != nullptr && items->is_array()) {
    for (const auto& item : items->get_array()) check_objects(item, question);
  }
  // A watch prints {"type": …, "object": …}.
  if (const auto* inner = object->if_contains("object"); inner != nullptr) {
    check_objects(*inner, question);
  }
}

}  // namespace retrust
