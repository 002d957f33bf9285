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
  deployments,
  daemon_sets,
  clusters,             ///< of Rancher
  settings,             ///< of Rancher
  registration_tokens,  ///< of Rancher
};

/// One read of a cluster's API: an object, or a list that can be watched, too. Its path consists of
/// words of this program and of checked names. There is no other way to ask: a session sends what
/// these functions return, and reviews.
class ApiRead {
 public:
  static ApiRead object(Resource resource, const NamespaceName& name_space, const ObjectName& name);
  static ApiRead list(Resource resource, const NamespaceName& name_space = {});
  /// A list of the object of that name alone if there is one, else of all.
  static ApiRead one_or_all(Resource resource, const ObjectName& name);
  /// The objects of a list that a field selector leaves.
  ApiRead with_field(Word field, std::string_view value) const;

  enum class Form { object, list, one_or_all };
  Form form() const { return form_; }
  /// The same list of all objects.
  ApiRead all() const;

  /// The path of the object.
  std::string path() const;
  /// The path of a page of the list: `more` is the `continue` of the one before. Throws Failure
  /// (refused) where that is none that an API server makes.
  std::string page(std::string_view more = {}) const;
  /// The whole list in one page.
  std::string whole() const;
  /// The path of a watch from that version on.
  std::string watch(const ResourceVersion& version) const;

  /// Makes an item of a list, or an object, what `kubectl get -o json` prints of it: items of
  /// built-in kinds come without their kind. Without managedFields, which kubectl leaves out since
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

/// Something that is read of a cluster: as a command of kubectl, and as reads of its API, which
/// answer the same together. Without such reads the command alone can.
class Query {
 public:
  Query(Arguments args, std::vector<ApiRead> reads = {})
      : args_(std::move(args)), reads_(std::move(reads)) {}

  /// What comes after `kubectl get`.
  const Arguments& args() const { return args_; }
  const std::vector<ApiRead>& reads() const { return reads_; }

 private:
  Arguments args_;
  std::vector<ApiRead> reads_;
};

/// The path of reviews of such an object, which the cluster answers and does not keep. Nothing for
/// any other object.
std::optional<std::string_view> review_path(const boost::json::value& object);

}  // namespace retrust
