#pragma once

#include <cstdint>
#include <deque>
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

/// The objects of a cluster as those who act in it see and change them.
class Objects {
 public:
  using Observer = std::function<void(const Change&)>;
  virtual ~Objects() = default;

  const boost::json::value* find(const ObjectKey& key) const;
  /// All of a resource, in one namespace or (empty) in all.
  std::vector<const boost::json::value*> list(const std::string& resource,
                                              const std::string& name_space) const;
  /// The same, from the one that follows a key on, in the order of namespaces and names.
  std::vector<const boost::json::value*> list_after(const ObjectKey& last,
                                                    const std::string& name_space) const;
  const std::map<ObjectKey, boost::json::value>& all() const { return objects_; }
  /// Adds an object under that name.
  virtual void add(const ObjectKey& key, boost::json::value object) = 0;
  /// Changes an object that is there to what is given; nothing happens where nothing differs.
  virtual void update(const ObjectKey& key, boost::json::value object) = 0;
  /// Removes an object at once.
  virtual void remove(const ObjectKey& key) = 0;

  /// Called at every change, one change after the other; returns a number for unobserve.
  int observe(Observer observer);
  void unobserve(int number);

 protected:
  /// Tells the observers; one that changes something itself is told of that when all know of this.
  void tell(Change change);
  std::map<ObjectKey, boost::json::value> objects_;

 private:
  std::map<int, Observer> observers_;
  std::deque<Change> untold_;
  int next_observer_ = 0;
};

/// The objects of one played cluster, one counter of versions, and what happened to them.
class Store : public Objects {
 public:
  /// Adds an object: gives it uid, creationTimestamp (where it brings none) and resourceVersion.
  const boost::json::value& create(const ObjectKey& key, boost::json::value object);
  void add(const ObjectKey& key, boost::json::value object) override;
  void update(const ObjectKey& key, boost::json::value object) override;
  void remove(const ObjectKey& key) override;

  std::uint64_t version() const { return version_; }
  /// What happened after this version is remembered; what was before is not.
  std::uint64_t oldest() const { return oldest_; }
  /// Forgets what happened so far, as etcd does when it is compacted.
  void forget();
  /// What happened after that version.
  std::vector<Change> since(std::uint64_t version) const;

 private:
  void record(Change change);

  static constexpr std::uint64_t first_version = 1000;
  /// As etcd is compacted: who has slept for longer has to begin with a list.
  static constexpr std::size_t remembered = 5000;
  std::uint64_t version_ = first_version;
  std::uint64_t oldest_ = first_version;
  std::deque<Change> history_;
};

}  // namespace retrust::sandbox
