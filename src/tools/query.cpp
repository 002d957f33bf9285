#include "tools/query.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/json.h"

namespace retrust {
namespace {

/// The API version and names of a kind of object.
struct Place {
  std::string_view api;  ///< apiVersion
  std::string_view kind;
  std::string_view plural;
};

constexpr Place place_of(Resource resource) {
  switch (resource) {
    case Resource::namespaces:
      return {"v1", "Namespace", "namespaces"};
    case Resource::service_accounts:
      return {"v1", "ServiceAccount", "serviceaccounts"};
    case Resource::secrets:
      return {"v1", "Secret", "secrets"};
    case Resource::config_maps:
      return {"v1", "ConfigMap", "configmaps"};
    case Resource::pods:
      return {"v1", "Pod", "pods"};
    case Resource::nodes:
      return {"v1", "Node", "nodes"};
    case Resource::events:
      return {"v1", "Event", "events"};
    case Resource::deployments:
      return {"apps/v1", "Deployment", "deployments"};
    case Resource::daemon_sets:
      return {"apps/v1", "DaemonSet", "daemonsets"};
    case Resource::api_services:
      return {"apiregistration.k8s.io/v1", "APIService", "apiservices"};
    case Resource::leases:
      return {"coordination.k8s.io/v1", "Lease", "leases"};
    case Resource::clusters:
      return {"management.cattle.io/v3", "Cluster", "clusters"};
    case Resource::settings:
      return {"management.cattle.io/v3", "Setting", "settings"};
    case Resource::registration_tokens:
      return {"management.cattle.io/v3", "ClusterRegistrationToken", "clusterregistrationtokens"};
    case Resource::operator_backups:
      return {"resources.cattle.io/v1", "Backup", "backups"};
    case Resource::resource_sets:
      return {"resources.cattle.io/v1", "ResourceSet", "resourcesets"};
  }
  return {};
}

/// Encodes a value for a query string.
std::string encoded(std::string_view text) {
  constexpr std::string_view plain = "-._~";
  std::string result;
  for (const auto character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (std::isalnum(byte) != 0 || plain.find(character) != std::string_view::npos) {
      result += character;
    } else {
      result += fmt::format("%{:02X}", byte);
    }
  }
  return result;
}

/// Number of objects in a page, equal to kubectl's --chunk-size.
constexpr int page_size = 500;
/// Limit in bytes of a `continue`. API servers write some 100 bytes (apiserver,
/// pkg/storage/continue.go).
constexpr std::size_t most_continue = 4096;

}  // namespace

ApiRead ApiRead::object(Resource resource, const NamespaceName& name_space,
                        const ObjectName& name) {
  return {resource, name_space, name, Form::object};
}

ApiRead ApiRead::list(Resource resource, const NamespaceName& name_space) {
  return {resource, name_space, {}, Form::list};
}

ApiRead ApiRead::one_or_all(Resource resource, const ObjectName& name) {
  auto read = list(resource).with_field("metadata.name", name.text());
  read.form_ = Form::one_or_all;
  return read;
}

ApiRead ApiRead::with_field(Word field, std::string_view value) const {
  auto copy = *this;
  copy.selector_ = encoded(fmt::format("{}={}", field.text(), value));
  return copy;
}

ApiRead ApiRead::all() const {
  return list(resource_, name_space_);
}

std::string ApiRead::listed() const {
  const auto place = place_of(resource_);
  // Only the core group has no name.
  const auto root = place.api == "v1" ? "/api" : "/apis";
  return fmt::format("{}/{}{}{}/{}", root, place.api, name_space_.empty() ? "" : "/namespaces/",
                     name_space_, place.plural);
}

std::string ApiRead::path() const {
  return fmt::format("{}/{}", listed(), name_);
}

std::string ApiRead::page(std::string_view more) const {
  if (more.size() > most_continue) {
    throw Failure(
        FailureCode::bad_answer,
        fmt::format("the page of a list of {} has a `continue` of {} bytes",
                    place_of(resource_).plural, more.size()),
        "no API server makes such a page. Find out what answers at the cluster's address");
  }
  return fmt::format("{}?limit={}{}{}{}{}", listed(), page_size,
                     selector_.empty() ? "" : "&fieldSelector=", selector_,
                     more.empty() ? "" : "&continue=", encoded(more));
}

std::string ApiRead::whole() const {
  return fmt::format("{}{}{}", listed(), selector_.empty() ? "" : "?fieldSelector=", selector_);
}

std::string ApiRead::watch(const ResourceVersion& version) const {
  return fmt::format("{}?watch=true&resourceVersion={}{}{}", listed(), encoded(version.text()),
                     selector_.empty() ? "" : "&fieldSelector=", selector_);
}

// A list that is empty may have null for its items: Go writes a slice without elements so.
bool ApiRead::is_list(const boost::json::value& document) const {
  const auto* object = document.if_object();
  const auto* items = object == nullptr ? nullptr : object->if_contains("items");
  return items != nullptr && (items->is_array() || items->is_null()) &&
         text_at(document, "/kind") == fmt::format("{}List", place_of(resource_).kind);
}

bool ApiRead::is_object(const boost::json::value& document) const {
  return text_at(document, "/kind") == place_of(resource_).kind &&
         text_at(document, "/metadata/name") == name_.text();
}

void ApiRead::complete(boost::json::value& value) const {
  auto* object = value.if_object();
  if (object == nullptr) return;
  const auto place = place_of(resource_);
  if (!object->contains("kind")) object->emplace("kind", place.kind);
  if (!object->contains("apiVersion")) object->emplace("apiVersion", place.api);
  auto* metadata = object->if_contains("metadata");
  if (metadata != nullptr && metadata->is_object()) metadata->get_object().erase("managedFields");
}

std::optional<std::string_view> review_path(const boost::json::value& object) {
  struct Review {
    std::string_view api;
    std::string_view kind;
    std::string_view path;
  };
  constexpr std::array reviews{
      Review{"authentication.k8s.io/v1", "TokenReview",
             "/apis/authentication.k8s.io/v1/tokenreviews"},
      Review{"authorization.k8s.io/v1", "SelfSubjectAccessReview",
             "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"},
  };
  const auto api = text_at(object, "/apiVersion");
  const auto kind = text_at(object, "/kind");
  const auto* found = std::find_if(reviews.begin(), reviews.end(), [&](const Review& review) {
    return review.api == api && review.kind == kind;
  });
  return found == reviews.end() ? std::nullopt : std::optional(found->path);
}

bool is_review_of(const boost::json::value& object, const boost::json::value& answer) {
  const auto same = [&](std::string_view pointer) {
    return text_at(answer, pointer) == text_at(object, pointer);
  };
  const auto says_or_leaves_out = [&](std::string_view pointer) {
    const auto* verdict = find_at(answer, pointer);
    return verdict == nullptr || verdict->is_bool();
  };
  const auto* status = find_at(answer, "/status");
  return same("/apiVersion") && same("/kind") && same("/spec/token") && status != nullptr &&
         status->is_object() && says_or_leaves_out("/status/authenticated") &&
         says_or_leaves_out("/status/allowed");
}

}  // namespace retrust
