#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include "base/json_stream.h"
#include "base/names.h"
#include "tools/arguments.h"

namespace retrust {

/// The kinds of objects that retrust reads by their paths.
enum class Resource {
  namespaces,
  service_accounts,
  secrets,
  config_maps,
  pods,
  nodes,
  events,
  deployments,
  daemon_sets,
  api_services,
  leases,
  clusters,             ///< Rancher's Cluster
  settings,             ///< Rancher's Setting
  registration_tokens,  ///< Rancher's ClusterRegistrationToken
  operator_backups,     ///< the backup operator's Backup
  resource_sets,        ///< the backup operator's ResourceSet
};

/// One read of a cluster's API: an object, or a list that can also be watched. Its path consists of
/// words of this program and of checked names. A session sends only these paths and reviews.
class ApiRead {
 public:
  static ApiRead object(Resource resource, const NamespaceName& name_space, const ObjectName& name);
  static ApiRead list(Resource resource, const NamespaceName& name_space = {});
  /// A list of the one object with that name if it exists, otherwise a list of all objects.
  static ApiRead one_or_all(Resource resource, const ObjectName& name);
  /// The same list, limited by a field selector.
  ApiRead with_field(Word field, std::string_view value) const;

  enum class Form { object, list, one_or_all };
  Form form() const { return form_; }
  /// The list of all objects of the same kind and namespace.
  ApiRead all() const;

  /// The path of the object.
  std::string path() const;
  /// The path of a page of the list; `more` is the `continue` of the previous page. Throws Failure
  /// (refused) if no API server makes such a `continue`.
  std::string page(std::string_view more = {}) const;
  /// The path of the whole list in one page.
  std::string whole() const;
  /// The path of a watch from a version on.
  std::string watch(const ResourceVersion& version) const;

  /// True if the document is such a list, or the object of that name: a login page with HTTP status
  /// 200, for example, is neither, and has nothing to say of what the cluster holds.
  bool is_list(const boost::json::value& document) const;
  bool is_object(const boost::json::value& document) const;

  /// Completes an item of a list, or an object, to the output of `kubectl get -o json`: items of
  /// built-in kinds come without their kind. Removes managedFields, which kubectl leaves out since
  /// 1.21.
  void complete(boost::json::value& object) const;

 private:
  ApiRead(Resource resource, NamespaceName name_space, ObjectName name, Form form)
      : resource_(resource),
        name_space_(std::move(name_space)),
        name_(std::move(name)),
        form_(form) {}
  std::string listed() const;

  Resource resource_;
  NamespaceName name_space_;
  ObjectName name_;
  Form form_;
  std::string selector_;
};

/// A read of a cluster, both as a kubectl command and as API reads with the same combined answer.
/// Without API reads, only the command can answer.
class Query {
 public:
  Query(Arguments args, std::vector<ApiRead> reads = {})
      : args_(std::move(args)), reads_(std::move(reads)) {}

  /// The arguments after `kubectl get`.
  const Arguments& args() const { return args_; }
  const std::vector<ApiRead>& reads() const { return reads_; }

 private:
  Arguments args_;
  std::vector<ApiRead> reads_;
};

/// The path for a review object, which the cluster answers and does not keep. Nothing for any other
/// object.
std::optional<std::string_view> review_path(const boost::json::value& object);

/// True if the answer is the same review, with the cluster's verdict. Deletions depend on it, and a
/// server repeats the token that it was asked about (kubernetes/kubernetes v1.20.2,
/// pkg/registry/authentication/tokenreview/storage.go: Create).
bool is_review_of(const boost::json::value& object, const boost::json::value& answer);

}  // namespace retrust
