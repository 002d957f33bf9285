#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boost/json/value.hpp>

#include "resources.h"
#include "selector.h"
#include "store.h"

namespace retrust::sandbox {

/// A request as the HTTP server hands it on.
struct Request {
  std::string method;
  std::string path;  ///< without the query
  std::map<std::string, std::string> query;
  std::string token;  ///< of the Authorization header
  std::string accept;
  std::string content_type;
  std::string body;

  /// A parameter of the query; empty where it is not there.
  std::string parameter(const std::string& key) const {
    const auto found = query.find(key);
    return found == query.end() ? std::string() : found->second;
  }
};

struct Response {
  unsigned code = 200;
  boost::json::value body = {};
  /// Anything but JSON has its own text.
  std::string content_type = "application/json";
  std::string text = {};
};

/// A watch that was granted: what it wants to see, from which version on.
struct Watch {
  std::string resource;
  std::string name_space;
  Selector selector;
  std::uint64_t since = 0;
  std::vector<std::string> first = {};                     ///< lines about what is there already
  enum class Then { goes_on, ends } then = Then::goes_on;  ///< after these lines
};

/// What a request is about; for the log, and for those who play tricks.
struct About {
  std::string user;
  std::string verb;  ///< Kubernetes's: get, list, watch, create, update, patch, delete
  std::string resource = {};
  std::string name_space = {};
  std::string name = {};
  std::string subresource = {};
};

/// Whether a user who may only read may do it: reviews are questions too.
bool reads(const About& about);

/// Whether a list forbids it: "events,update:clusters.management.cattle.io/status". A resource
/// alone stands for every verb, and for all of its subresources.
bool forbids(const std::string& list, const About& about);

struct Answer {
  About about;
  std::variant<Response, Watch> result;
};

/// Who may do what. `viewer` reads and reviews, but not the pods of all namespaces;
/// the others do anything.
enum class Access { none, reads, everything };
struct User {
  std::string name;
  Access access = Access::none;
  /// The words of a TokenReview that rejects the token; empty if no authenticator knows it.
  std::string rejection = {};
};

/// The Kubernetes API over a store. Knows no network.
class Api {
 public:
  struct Settings {
    KubernetesProfile kubernetes;
    std::vector<Resource> resources;
    /// Tells whose token it is; access none where it is nobody's.
    std::function<User(const std::string& token)> authenticate;
    /// What ails the server when it reviews a token; empty where nothing does.
    std::function<std::string()> review_trouble;
    /// Called before a change is made.
    std::function<void(const About&)> before_change;
    /// What nobody may do: see forbids().
    std::string forbidden = {};
  };
  Api(Store& store, Settings settings) : store_(store), settings_(std::move(settings)) {}

  Answer handle(const Request& request);

 private:
  struct Target {
    const Resource* resource = nullptr;
    std::string name_space;
    std::string name;
    std::string subresource;  ///< empty, or status
  };
  std::optional<Target> route(const std::string& path) const;
  std::variant<Response, Watch> dispatch(const Request& request, const Target& target,
                                         const About& about);
  std::variant<Response, Watch> collection(const Request& request, const Target& target,
                                           const std::string& verb);
  std::variant<Response, Watch> watch(const Target& target, Selector selector,
                                      std::uint64_t since) const;
  Response list(const Request& request, const Target& target) const;
  Response create(const Request& request, const Target& target, const About& about);
  Response review(const Request& request, const Target& target, const About& about) const;
  Response replace(const ObjectKey& key, const Target& target, boost::json::value object);
  Response patch(const Request& request, const ObjectKey& key, const Target& target);
  Response remove(const Request& request, const ObjectKey& key, const Target& target);

  Store& store_;
  Settings settings_;
};

/// The list of ADDED, MODIFIED, DELETED lines that a watch gets for a change; nothing where the
/// change does not concern it.
std::optional<std::string> watch_line(const Watch& watch, const Change& change);

}  // namespace retrust::sandbox
