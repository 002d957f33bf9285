#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <boost/json/value.hpp>

namespace retrust::sandbox {

/// Names one object: resource is plural and group, e.g. "secrets" or "deployments.apps".
struct ObjectKey {
  std::string resource;
  std::string name_space;  ///< empty for cluster-scoped objects
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
};

/// What happened to an object.
struct Change {
  enum class Type { added, modified, deleted };
  Type type;
  std::uint64_t version;
  ObjectKey key;
  boost::json::value object;       ///< as it is now; for a deletion, as it was last
  boost::json::value before = {};  ///< as it was, where it was modified
};

/// The objects of one cluster, one counter of versions, and what happened to them.
class Store {
 public:
  using Observer = std::function<void(const Change&)>;

  const boost::json::value* find(const ObjectKey& key) const;
  /// All of a resource, in one namespace or (empty) in all.
  std::vector<const boost::json::value*> list(const std::string& resource,
                                              const std::string& name_space) const;

  /// Adds an object: gives it uid, creationTimestamp (where it brings none) and resourceVersion.
  const boost::json::value& create(const ObjectKey& key, boost::json::value object);
  /// Replaces an object; nothing happens where nothing differs.
  const boost::json::value& update(const ObjectKey& key, boost::json::value object);
  void remove(const ObjectKey& key);

  std::uint64_t version() const { return version_; }
  /// What happened after this version is remembered; what was before is not.
  std::uint64_t oldest() const { return first_version; }
  /// What happened after that version.
  std::vector<Change> since(std::uint64_t version) const;
  /// Called at every change, until the store is gone; returns a number for unobserve.
  int observe(Observer observer);
  void unobserve(int number);

 private:
  void record(Change change);

  static constexpr std::uint64_t first_version = 1000;
  std::uint64_t version_ = first_version;
  std::map<ObjectKey, boost::json::value> objects_;
  std::vector<Change> history_;
  std::map<int, Observer> observers_;
  int next_observer_ = 0;
};

}  // namespace retrust::sandbox
