#include "store.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "json_util.h"
#include "pki.h"

namespace retrust::sandbox {

const boost::json::value* Objects::find(const ObjectKey& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : &found->second;
}

std::vector<const boost::json::value*> Objects::list(const std::string& resource,
                                                     const std::string& name_space) const {
  return list_after({resource, name_space, ""}, name_space);  // no object's name is empty
}

std::vector<const boost::json::value*> Objects::list_after(const ObjectKey& last,
                                                           const std::string& name_space) const {
  std::vector<const boost::json::value*> found;
  for (auto each = objects_.upper_bound(last); each != objects_.end(); ++each) {
    const auto& key = each->first;
    if (key.resource != last.resource) break;
    if (!name_space.empty() && key.name_space != name_space) break;
    found.push_back(&each->second);
  }
  return found;
}

void Objects::tell(Change change) {
  untold_.push_back(std::move(change));
  if (untold_.size() > 1) return;  // whoever tells of the first goes on to this one
  while (!untold_.empty()) {
    // An observer may come or go meanwhile: work on a copy.
    const auto observers = observers_;
    for (const auto& [number, observer] : observers) {
      if (observers_.contains(number)) observer(untold_.front());
    }
    untold_.pop_front();
  }
}

int Objects::observe(Observer observer) {
  observers_.emplace(++next_observer_, std::move(observer));
  return next_observer_;
}

void Objects::unobserve(int number) {
  observers_.erase(number);
}

const boost::json::value& Store::create(const ObjectKey& key, boost::json::value object) {
  put(object, "/metadata/name", key.name);
  if (!key.name_space.empty()) put(object, "/metadata/namespace", key.name_space);
  if (text_at(object, "/metadata/uid").empty()) put(object, "/metadata/uid", random_uid());
  if (text_at(object, "/metadata/creationTimestamp").empty()) {
    put(object, "/metadata/creationTimestamp", now_text());
  }
  put(object, "/metadata/resourceVersion", std::to_string(++version_));
  const auto [place, fresh] = objects_.emplace(key, std::move(object));
  if (!fresh) throw std::logic_error("there already is a " + key.resource + " " + key.name);
  record({Change::Type::added, version_, key, place->second, {}});
  return objects_.at(key);
}

void Store::add(const ObjectKey& key, boost::json::value object) {
  create(key, std::move(object));
}

void Store::update(const ObjectKey& key, boost::json::value object) {
  auto& present = objects_.at(key);
  put(object, "/metadata/resourceVersion", text_at(present, "/metadata/resourceVersion"));
  if (object == present) return;
  put(object, "/metadata/resourceVersion", std::to_string(++version_));
  std::swap(present, object);
  record({Change::Type::modified, version_, key, present, std::move(object)});
}

void Store::remove(const ObjectKey& key) {
  const auto found = objects_.find(key);
  if (found == objects_.end()) return;
  auto object = std::move(found->second);
  objects_.erase(found);
  put(object, "/metadata/resourceVersion", std::to_string(++version_));
  record({Change::Type::deleted, version_, key, std::move(object), {}});
}

std::vector<Change> Store::since(std::uint64_t version) const {
  std::vector<Change> changes;
  std::copy_if(history_.begin(), history_.end(), std::back_inserter(changes),
               [&](const Change& change) { return change.version > version; });
  return changes;
}

void Store::forget() {
  history_.clear();
  oldest_ = version_;
}

void Store::record(Change change) {
  history_.push_back(change);
  if (history_.size() > remembered) {
    oldest_ = history_.front().version;
    history_.pop_front();
  }
  tell(std::move(change));
}

}  // namespace retrust::sandbox
