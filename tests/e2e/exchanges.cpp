#include "exchanges.h"

#include <algorithm>
#include <functional>
#include <regex>
#include <sstream>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "sandbox.h"

namespace retrust::e2e {
namespace {

namespace json = boost::json;

/// Every field that src/ reads of an object, by kind (parse.cpp, observe.cpp, permissions.cpp,
/// steps.cpp, and kubectl.cpp for the kind). `*` is each element of an array; in conditions a name
/// is that of a type. With `=` the value is kept: it is one of few.
const std::map<std::string, std::vector<std::string>>& fields_by_kind() {
  static const std::vector<std::string> workload{"/metadata/namespace",
                                                 "/spec/template/spec/serviceAccountName",
                                                 "/spec/template/spec/volumes/*/secret/secretName",
                                                 "/spec/template/spec/volumes/*/secret/optional"};
  static const auto with = [](std::vector<std::string> fields, std::vector<std::string> more) {
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
  };
  static const std::map<std::string, std::vector<std::string>> fields{
      {"Secret",
       {"/type=", "/metadata/namespace", "/metadata/uid", "/metadata/creationTimestamp",
        "/metadata/annotations/kubernetes.io~1service-account.name",
        "/metadata/labels/cattle.io~1service-account.name", "/data/token", "/data/ca.crt"}},
      {"ServiceAccount",
       {"/metadata/uid", "/metadata/annotations/rancher.io~1service-account.secret-ref",
        "/secrets/*/name"}},
      {"Namespace", {"/metadata/uid"}},
      {"ConfigMap",
       {"/data/ca.crt", "/metadata/creationTimestamp", "/metadata/managedFields/*/time",
        "/metadata/managedFields/*/fieldsV1/f:data"}},
      {"APIService", {"/status/conditions/Available/status="}},
      {"Pod",
       {"/metadata/uid", "/metadata/creationTimestamp", "/metadata/deletionTimestamp",
        "/metadata/labels/app", "/metadata/labels/pod-template-hash",
        "/metadata/ownerReferences/*/apiVersion=", "/metadata/ownerReferences/*/kind=",
        "/metadata/ownerReferences/*/name",
        "/metadata/ownerReferences/*/controller=", "/spec/serviceAccountName",
        "/spec/volumes/*/secret/secretName", "/spec/volumes/*/secret/optional", "/status/phase=",
        "/status/conditions/Ready/status=", "/status/containerStatuses/*/state/running/startedAt"}},
      {"DaemonSet", workload},
      {"Deployment", with(workload, {"/metadata/generation", "/spec/replicas",
                                     "/status/observedGeneration", "/status/replicas",
                                     "/status/updatedReplicas", "/status/availableReplicas"})},
      {"Cluster",
       {"/metadata/resourceVersion", "/spec/displayName", "/status/driver=", "/status/caCert",
        "/status/serviceAccountToken", "/status/serviceAccountTokenSecret",
        "/status/version/gitVersion", "/status/conditions/Ready/status=",
        "/status/conditions/Ready/reason", "/status/conditions/Ready/message"}},
      {"Setting", {"/value", "/default"}},
      {"Lease",
       {"/metadata/namespace", "/metadata/uid", "/metadata/resourceVersion", "/spec/holderIdentity",
        "/spec/leaseDurationSeconds", "/spec/acquireTime", "/spec/renewTime",
        "/spec/leaseTransitions"}},
      {"ClusterRegistrationToken", {"/status/token"}},
      {"TokenReview", {"/status/authenticated=", "/status/error"}},
      {"SelfSubjectAccessReview", {"/status/allowed="}},
      // What kubectl makes its sentences and its exit status from.
      {"Status", {"/status=", "/reason=", "/code=", "/message"}},
  };
  return fields;
}

/// The resources that retrust uses with the verbs that it needs; other groups and versions of a
/// real server are left out.
const std::map<std::string, std::map<std::string, std::set<std::string>>>& used_resources() {
  static const std::map<std::string, std::map<std::string, std::set<std::string>>> used{
      {"v1",
       {{"namespaces", {"get", "list"}},
        {"serviceaccounts", {"list"}},
        {"secrets", {"delete", "get", "list", "watch"}},
        {"configmaps", {"list"}},
        {"pods", {"delete", "list", "watch"}}}},
      {"apps/v1", {{"deployments", {"get", "list", "patch", "watch"}}, {"daemonsets", {"list"}}}},
      {"authentication.k8s.io/v1", {{"tokenreviews", {"create"}}}},
      {"authorization.k8s.io/v1", {{"selfsubjectaccessreviews", {"create"}}}},
      {"coordination.k8s.io/v1", {{"leases", {"create", "list", "update"}}}},
      {"apiextensions.k8s.io/v1", {}},
      {"management.cattle.io/v3",
       {{"clusters", {"get", "list", "update", "watch"}},
        {"settings", {"list"}},
        {"clusterregistrationtokens", {"list"}}}},
  };
  return used;
}

/// Lines whose presence is a matter of the moment in lists and watches: whether a pod was seen
/// before or after it was ready, and a Deployment before or after its first new pod. A server
/// leaves out a count that is 0 (Kubernetes v1.20.2, staging/src/k8s.io/api/apps/v1/types.go).
constexpr std::string_view passing_states[] = {"/metadata/deletionTimestamp",
                                               "/status/phase string=Pending",
                                               "/status/conditions/Ready/status string=False",
                                               "/status/replicas ",
                                               "/status/updatedReplicas ",
                                               "/status/availableReplicas "};

std::string type_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::string:
      return "string";
    case json::kind::bool_:
      return "bool";
    case json::kind::array:
      return "array";
    case json::kind::object:
      return "object";
    case json::kind::null:
      return "null";
    default:
      return "number";
  }
}

std::string plain(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

/// Calls `found` with each value that the pointer leads to.
void follow(const json::value& value, std::string_view pointer,
            const std::function<void(const json::value&)>& found) {
  if (pointer.empty()) {
    found(value);
    return;
  }
  const auto end = std::min(pointer.find('/', 1), pointer.size());
  const auto step = pointer.substr(0, end);
  const auto rest = pointer.substr(end);
  if (value.is_array()) {
    for (const auto& element : value.get_array()) {
      if (step == "/*" || "/" + text(element, "/type") == step) follow(element, rest, found);
    }
    return;
  }
  boost::system::error_code missing;
  const auto* next = value.find_pointer(step, missing);
  if (next != nullptr) follow(*next, rest, found);
}

void add_fields(std::set<std::string>& lines, const json::value& object, const std::string& kind) {
  std::vector<std::string> pointers{"/kind=", "/apiVersion="};
  if (kind != "Status" && !kind.ends_with("Review")) pointers.emplace_back("/metadata/name");
  const auto fields = fields_by_kind().find(kind);
  if (fields != fields_by_kind().end()) {
    pointers.insert(pointers.end(), fields->second.begin(), fields->second.end());
  }
  for (const auto& field : pointers) {
    const auto keeps = field.ends_with("=");
    const auto pointer = field.substr(0, field.size() - (keeps ? 1 : 0));
    follow(object, pointer, [&](const json::value& value) {
      lines.insert(pointer + " " + type_of(value) + (keeps ? "=" + plain(value) : ""));
    });
  }
}

/// The discovery documents: what retrust needs of them.
void add_discovery(std::set<std::string>& lines, const json::value& document,
                   const std::string& kind) {
  if (kind == "APIVersions") {
    follow(document, "/versions/*",
           [&](const json::value& version) { lines.insert(plain(version)); });
  } else if (kind == "APIGroupList") {
    follow(document, "/groups/*/versions/*/groupVersion", [&](const json::value& version) {
      if (used_resources().contains(plain(version))) lines.insert(plain(version));
    });
  } else if (kind == "APIResourceList") {
    const auto used = used_resources().find(text(document, "/groupVersion"));
    if (used == used_resources().end()) return;
    follow(document, "/resources/*", [&](const json::value& resource) {
      const auto needed = used->second.find(text(resource, "/name"));
      if (needed == used->second.end()) return;
      auto line = needed->first + " " + text(resource, "/kind");
      line += resource.at("namespaced").as_bool() ? " namespaced" : " cluster";
      std::set<std::string> verbs;
      follow(resource, "/verbs/*", [&](const json::value& verb) { verbs.insert(plain(verb)); });
      for (const auto& verb : needed->second) line += verbs.contains(verb) ? " " + verb : "";
      lines.insert(std::move(line));
    });
  }
}

bool is_watch(const std::string& head) {
  return head.find("watch=true") != std::string::npos;
}

/// Made-up names have an ending of Kubernetes's: letters and digits without vowels.
std::string without_names(const std::string& text) {
  static const std::regex token("-token-[b-df-hj-np-tv-z0-9]{5}(?![a-z0-9])");
  static const std::regex credentials("cattle-credentials-[a-z0-9]+");
  static const std::regex pod(
      "(/pods/[^/?]*?)(-[b-df-hj-np-tv-z0-9]{6,10})?-[b-df-hj-np-tv-z0-9]{5}(?=[/?]|$)");
  auto result = std::regex_replace(text, token, "-token-*");
  result = std::regex_replace(result, credentials, "cattle-credentials-*");
  return std::regex_replace(result, pod, "$1-*");
}

std::string pattern_of(const std::string& target) {
  static const std::set<std::string> changing{"continue", "resourceVersion", "timeout",
                                              "timeoutSeconds"};
  const auto question = std::min(target.find('?'), target.size());
  auto pattern = without_names(target.substr(0, question));
  std::set<std::string> query;
  std::istringstream parts(target.substr(std::min(question + 1, target.size())));
  for (std::string part; std::getline(parts, part, '&');) {
    const auto key = part.substr(0, part.find('='));
    query.insert(changing.contains(key) ? key : without_names(part));
  }
  for (auto separator = '?'; const auto& part : query) {
    pattern += separator + part;
    separator = '&';
  }
  return pattern;
}

/// A discovery document of a group or version that retrust has no use for.
bool is_of_no_use(const std::string& path) {
  static const std::regex discovery("/apis/([^/?]+/v[^/?]*)(\\?.*)?");
  std::smatch found;
  return std::regex_match(path, found, discovery) && !used_resources().contains(found[1].str());
}

void add_watch(std::set<std::string>& lines, const std::string& body) {
  std::istringstream events(body);
  for (std::string line; std::getline(events, line);) {
    boost::system::error_code broken_off;
    const auto event = json::parse(line, broken_off);
    if (broken_off || !event.is_object()) continue;
    lines.insert("event " + text(event, "/type"));
    const auto* object = event.get_object().if_contains("object");
    if (object != nullptr) add_fields(lines, *object, text(*object, "/kind"));
  }
}

void add_exchange(Exchanges& exchanges, const std::string& server, const json::value& exchange) {
  const auto& status = exchange.at("status").to_number<int>();
  const auto target = text(exchange, "/target");
  // The version is asked of the downstream cluster alone; some kubectls choose their own by it.
  const auto not_asked = server == "local" && target.starts_with("/version?");
  if (status == 0 || not_asked || is_of_no_use(target)) return;
  auto head = server + " " + text(exchange, "/method") + " " + pattern_of(target) +
              " accept=" + text(exchange, "/accept") + " type=" + text(exchange, "/requestType") +
              " -> " + std::to_string(status) + " " + text(exchange, "/contentType");
  const auto body = text(exchange, "/body");
  boost::system::error_code not_json;
  const auto document = json::parse(body, not_json);
  if (status == 200 && is_watch(head)) {
    add_watch(exchanges[head + " watch"], body);
    return;
  }
  const auto kind = not_json ? "" : text(document, "/kind");
  auto& lines = exchanges[head + (kind.empty() ? "" : " " + kind)];
  add_discovery(lines, document, kind);
  if (kind.starts_with("API") && !kind.starts_with("APIService")) return;
  const auto* items = document.is_object() ? document.get_object().if_contains("items") : nullptr;
  if (items != nullptr && kind.ends_with("List")) {
    lines.insert("/apiVersion string=" + text(document, "/apiVersion"));
    const auto kind_of_items = kind.substr(0, kind.size() - 4);
    for (const auto& item : items->as_array()) {
      std::set<std::string> of_item;
      add_fields(of_item, item, kind_of_items);
      for (const auto& line : of_item) lines.insert("/items/*" + line);
    }
  } else if (!not_json) {
    add_fields(lines, document, kind);
  }
}

/// Whether it says more about the moment than about the server.
bool is_passing(const std::string& head, const std::string& line) {
  if (head.find(" GET ") == std::string::npos) return false;
  for (const auto state : passing_states) {
    if (line.find(state) != std::string::npos) return true;
  }
  // How a cluster is is for Rancher to say, whenever it looks.
  if (head.find("/clusters") != std::string::npos &&
      line.find("/status/conditions/Ready/") != std::string::npos) {
    return true;
  }
  // A token secret is empty for some milliseconds after it was made.
  const auto of_tokens = head.find("service-account-token&limit=") != std::string::npos;
  if (of_tokens && line.starts_with("/items/*/data/")) return true;
  // In a watch also: what happened, to whom (a pod of a DaemonSet or of a Deployment), and how far
  // it had come.
  return is_watch(head) && (line.starts_with("event ") || line.starts_with("/status/") ||
                            line.starts_with("/metadata/ownerReferences/") ||
                            line.starts_with("/metadata/labels/pod-template-hash "));
}

/// Whether a request was also made there, with any answer.
bool is_asked(const Exchanges& exchanges, const std::string& head) {
  const auto request = head.substr(0, head.find(" -> ") + 4);
  const auto found = exchanges.lower_bound(request);
  return found != exchanges.end() && found->first.starts_with(request);
}

/// No watch is begun where the list before it showed enough. The look at the downstream cluster
/// before a deletion is left out while the last one is fresh.
bool may_be_left_out(const std::string& head) {
  return is_watch(head) || head.starts_with("downstream GET /api/v1/namespaces/kube-system ");
}

void add_missing(std::vector<std::string>& lines, const std::string& label, const Exchanges& from,
                 const Exchanges& in) {
  for (const auto& [head, fields] : from) {
    const auto other = in.find(head);
    if (other == in.end()) {
      if (!may_be_left_out(head) || is_asked(in, head)) lines.push_back(label + ": " + head);
      continue;
    }
    // A watch that nothing happened in shows nothing.
    if (is_watch(head) && other->second.empty()) continue;
    for (const auto& field : fields) {
      if (other->second.contains(field) || is_passing(head, field)) continue;
      lines.push_back(label + ": " + head + "\n    " + field);
    }
  }
}

}  // namespace

void add_record(Exchanges& exchanges, const std::string& server,
                const std::filesystem::path& record) {
  std::istringstream lines(read_file(record));
  for (std::string line; std::getline(lines, line);) {
    add_exchange(exchanges, server, json::parse(line));
  }
}

std::string text_of(const Exchanges& exchanges) {
  std::string text;
  for (const auto& [head, fields] : exchanges) {
    text += head + "\n";
    for (const auto& field : fields) text += "  " + field + "\n";
  }
  return text;
}

Exchanges exchanges_of(const std::string& text) {
  Exchanges exchanges;
  std::string head;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  ")) {
      exchanges[head].insert(line.substr(2));
    } else {
      head = line;
      exchanges[head];
    }
  }
  return exchanges;
}

std::vector<std::string> secrets_in(const std::string& text) {
  // Tokens and encoded keys are longer than any name or path; nothing else is in one piece that
  // long.
  static const std::regex secret("-----BEGIN|eyJ[A-Za-z0-9_-]{8,}|[A-Za-z0-9+_=-]{48,}");
  std::vector<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), secret); at != std::sregex_iterator();
       ++at) {
    found.push_back(at->str());
  }
  return found;
}

std::vector<std::string> differences(const Exchanges& expected, const Exchanges& found) {
  std::vector<std::string> lines;
  add_missing(lines, "missing", expected, found);
  add_missing(lines, "extra", found, expected);
  return lines;
}

}  // namespace retrust::e2e
