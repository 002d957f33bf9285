#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace retrust {

/// Text from outside that is known to follow a rule, or is empty where there is none.
///
/// The constructors throw Failure (refused) where the text breaks the rule, so that no such text
/// becomes part of a command line, a path or a file name.
template <typename Rule>
class Checked {
 public:
  Checked() = default;
  // Not explicit: whoever assigns text has it checked.
  Checked(std::string text) : text_(std::move(text)) {
    if (!text_.empty() && !Rule::allows(text_)) Rule::refuse(text_);
  }
  Checked(std::string_view text) : Checked(std::string(text)) {}
  Checked(const char* text) : Checked(std::string(text)) {}

  /// Returns no name if the text breaks the rule, for references that Kubernetes does not check.
  static Checked if_allowed(std::string_view text) {
    return Rule::allows(text) ? Checked(text) : Checked();
  }

  bool empty() const { return text_.empty(); }
  const std::string& text() const { return text_; }
  operator const std::string&() const { return text_; }

  bool operator==(const Checked&) const = default;
  auto operator<=>(const Checked&) const = default;
  // The text may be anything here: what is compared is no name yet.
  friend bool operator==(const Checked& name, std::string_view text) { return name.text_ == text; }
  friend bool operator==(const Checked& name, const std::string& text) {
    return name.text_ == text;
  }
  friend bool operator==(const Checked& name, const char* text) { return name.text_ == text; }

 private:
  std::string text_;
};

/// Name of an object: an RFC 1123 subdomain of at most 253 characters, which is the rule for
/// Secrets, Pods, ServiceAccounts, ConfigMaps, Deployments and custom resources (Kubernetes,
/// staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go, IsDNS1123Subdomain).
struct ObjectNameRule {
  static bool allows(std::string_view text);
  [[noreturn]] static void refuse(std::string_view text);
};
/// Name of a namespace, and so a cluster's ID: an RFC 1123 label of at most 63 characters.
struct LabelRule {
  static bool allows(std::string_view text);
  [[noreturn]] static void refuse(std::string_view text);
};
/// An object's uid. API servers write UUIDs; at most 64 letters, digits and dashes are taken.
struct UidRule {
  static bool allows(std::string_view text);
  [[noreturn]] static void refuse(std::string_view text);
};
/// A resourceVersion is opaque: at most 128 letters, digits and `._:-`, not beginning with a dash.
struct ResourceVersionRule {
  static bool allows(std::string_view text);
  [[noreturn]] static void refuse(std::string_view text);
};
/// Name or ID of a container (moby, daemon/names/names.go).
struct ContainerNameRule {
  static bool allows(std::string_view text);
  [[noreturn]] static void refuse(std::string_view text);
};

using ObjectName = Checked<ObjectNameRule>;
using NamespaceName = Checked<LabelRule>;
using ClusterId = Checked<LabelRule>;
using Uid = Checked<UidRule>;
using ResourceVersion = Checked<ResourceVersionRule>;
using ContainerName = Checked<ContainerNameRule>;

/// Whether the text can be a name of an object of that kind. Most kinds follow ObjectNameRule; RBAC
/// objects and APIServices have rules of their own.
bool allows_name(std::string_view kind, std::string_view name);

/// Whether the text can be a name of an object of whichever kind: a segment of a path (Kubernetes,
/// staging/src/k8s.io/apimachinery/pkg/api/validation/path/name.go), without a dash at its
/// beginning. RBAC's `system:node` is one, an APIService's `v1.`, OpenShift's `sha256:1a2b`.
bool is_path_segment(std::string_view name);

/// The names as plain texts, for sentences.
template <typename Rule>
std::vector<std::string> texts_of(const std::vector<Checked<Rule>>& names) {
  return {names.begin(), names.end()};
}

}  // namespace retrust

template <typename Rule>
struct fmt::formatter<retrust::Checked<Rule>> : fmt::formatter<std::string> {
  template <typename Context>
  auto format(const retrust::Checked<Rule>& name, Context& context) const {
    return fmt::formatter<std::string>::format(name.text(), context);
  }
};
