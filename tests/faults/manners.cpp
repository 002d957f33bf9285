#include "manners.h"

#include <algorithm>
#include <utility>

namespace retrust::faults {
namespace {

/// Words of kubectl: kubernetes/kubectl pkg/cmd/util/helpers.go (StandardErrorMessage), those of
/// the API server: kubernetes/apimachinery pkg/api/errors/errors.go.
const std::vector<std::pair<std::string, std::string>>& messages() {
  static const std::vector<std::pair<std::string, std::string>> all{
      {"says-nothing", ""},
      {"says-not-found", R"(Error from server (NotFound): secrets "x" not found)"},
      {"says-forbidden",
       R"(Error from server (Forbidden): secrets is forbidden: User "admin" cannot list resource )"
       R"("secrets" in API group "" in the namespace "cattle-system")"},
      {"says-unauthorized", "error: You must be logged in to the server (Unauthorized)"},
      {"says-conflict",
       R"(Error from server (Conflict): Operation cannot be fulfilled on )"
       R"(clusters.management.cattle.io "c-x7k2p": the object has been modified; please apply )"
       R"(your changes to the latest version and try again)"},
      {"says-already-exists", R"(Error from server (AlreadyExists): secrets "x" already exists)"},
      {"says-too-many",
       "Error from server (TooManyRequests): the server has received too many requests and has "
       "asked us to try again later"},
      {"says-internal",
       "Error from server (InternalError): an error on the server (\"\") has prevented the request "
       "from succeeding"},
      {"says-unavailable",
       "Error from server (ServiceUnavailable): the server is currently unable to handle the "
       "request"},
      {"says-timeout",
       "Error from server (Timeout): the server was unable to return a response in the time "
       "allotted, but may still be processing the request"},
      {"says-etcd", "Error from server: etcdserver: request timed out"},
      {"says-denied",
       R"(Error from server: admission webhook "x.example.com" denied the request: not today)"},
      {"says-refused",
       "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host "
       "or port?"},
      {"says-x509",
       "Unable to connect to the server: x509: certificate signed by unknown authority"},
      {"says-tls", "Unable to connect to the server: net/http: TLS handshake timeout"},
      {"says-eof", "Unable to connect to the server: EOF"},
      {"says-flag", "error: unknown flag: --minify\nSee 'kubectl --help' for usage."}};
  return all;
}

}  // namespace

const std::string* message_of(const std::string& manner) {
  const auto found = std::find_if(messages().begin(), messages().end(),
                                  [&](const auto& each) { return each.first == manner; });
  return found == messages().end() ? nullptr : &found->second;
}

const std::vector<std::string>& quick_manners() {
  static const auto all = [] {
    std::vector<std::string> names;
    for (const auto& [name, message] : messages()) names.push_back(name);
    names.insert(names.end(), {"empty", "truncated", "foreign", "garbage", "endless", "killed",
                               "effect-fails", "effect-killed", "effect-silent", "effect-eof"});
    return names;
  }();
  return all;
}

const std::vector<std::string>& lasting_manners() {
  static const std::vector<std::string> all{"hang", "hang-ignoring-term", "effect-hang"};
  return all;
}

const std::vector<std::string>& quick_answers() {
  static const std::vector<std::string> all{
      "401",   "403",     "404",     "409",   "429",          "500",       "503",     "504",
      "empty", "foreign", "garbage", "close", "effect-close", "truncated", "endless", "dies"};
  return all;
}

const std::vector<std::string>& lasting_answers() {
  static const std::vector<std::string> all{"hang"};
  return all;
}

}  // namespace retrust::faults
