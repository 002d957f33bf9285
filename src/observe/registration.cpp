#include "observe/registration.h"

#include <algorithm>
#include <set>
#include <string_view>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "base/json.h"
#include "base/redactor.h"
#include "credentials/compare.h"
#include "observe/observation.h"
#include "observe/parse.h"

namespace retrust {
namespace {

namespace json = boost::json;

constexpr std::string_view prefix = "cattle-credentials-";

/// Host and port of an address, in small letters: "rancher.example.com:443".
std::string authority(const std::string& url) {
  constexpr std::string_view https = "https://";
  std::string rest;
  std::transform(url.begin(), url.end(), std::back_inserter(rest), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  const auto tls = rest.starts_with(https);
  if (tls) rest.erase(0, https.size());
  rest = rest.substr(0, rest.find('/'));
  // The address has no port if it has no colon, or if its colons are of an IPv6 address.
  const auto bare = rest.find(':') == std::string::npos || rest.ends_with(']');
  return tls && bare && !rest.empty() ? rest + ":443" : rest;
}

std::set<std::string> mounted_names(const json::value& list) {
  std::set<std::string> names;
  for (const std::string_view kind : {"Deployment", "DaemonSet"}) {
    for (const auto* workload : items_of(list, kind)) {
      if (text_at(*workload, "/spec/template/spec/serviceAccountName") != agent_account) continue;
      for (const auto& volume : array_at(*workload, "/spec/template/spec/volumes")) {
        auto name = text_at(volume, "/secret/secretName");
        if (name.starts_with(prefix)) names.insert(std::move(name));
      }
    }
  }
  return names;
}

}  // namespace

std::vector<AgentCredentials> agent_credentials(const json::value& list, Redactor& redactor) {
  const auto mounted = mounted_names(list);
  std::vector<AgentCredentials> all;
  for (const auto* secret : items_of(list, "Secret")) {
    const auto name = text_at(*secret, "/metadata/name");
    if (!name.starts_with(prefix)) continue;
    AgentCredentials found;
    // The tokens of unmounted secrets are registered, too.
    found.token = Secret(redactor, Secret::Kind::registration, decoded(*secret, "/data/token"));
    found.secret = ObjectName::if_allowed(name);
    found.url = decoded(*secret, "/data/url");
    found.cluster = ClusterId::if_allowed(decoded(*secret, "/data/namespace"));
    all.push_back(std::move(found));
  }
  const auto is_mounted = [&](const AgentCredentials& each) {
    return mounted.contains(each.secret.text());
  };
  if (std::any_of(all.begin(), all.end(), is_mounted)) {
    std::erase_if(all, [&](const AgentCredentials& each) { return !is_mounted(each); });
  }
  return all;
}

bool Registration::is_another_rancher() const {
  const auto agents = authority(url);
  const auto own = authority(server_url);
  return !agents.empty() && !own.empty() && agents != own;
}

bool Registration::claims(const ClusterId& id) const {
  return !cluster.empty() && cluster == id && !url.empty() && !server_url.empty() &&
         !is_another_rancher();
}

Registration compare_registration(const std::vector<AgentCredentials>& mounted,
                                  const std::vector<RegistrationToken>& known,
                                  std::chrono::sys_seconds now) {
  Registration found;
  if (mounted.empty()) return found;
  found.url = mounted.front().url;
  found.cluster = mounted.front().cluster;
  const auto has = [&](const Secret& token) {
    return !token.empty() &&
           std::any_of(mounted.begin(), mounted.end(),
                       [&](const AgentCredentials& each) { return each.token == token; });
  };
  if (known.empty()) return found;
  found.state = Registration::State::dead;
  for (const auto& each : known) {
    if (has(each.token)) {
      found.state = Registration::State::present;
      found.until = {};
      return found;
    }
    if (has(each.previous) && (!each.previous_until || *each.previous_until > now)) {
      found.state = Registration::State::previous;
      found.until = each.previous_until;
    }
  }
  return found;
}

std::string registration_trouble(const Registration& registration) {
  using State = Registration::State;
  if (registration.state == State::another_cluster) {
    return fmt::format("the agents are registered with the clusters resource {}",
                       registration.cluster);
  }
  if (registration.is_another_rancher()) {
    return fmt::format("the agents connect to {}, and this Rancher's address is {}",
                       registration.url, registration.server_url);
  }
  switch (registration.state) {
    case State::dead:
      return "Rancher does not know the agents' registration token: an agent that restarts does "
             "not "
             "connect again";
    case State::previous:
      return registration.until
                 ? fmt::format(
                       "the agents have the previous registration token, which Rancher "
                       "takes until {}",
                       minute_text(*registration.until))
                 : std::string("the agents have the previous registration token");
    default:
      break;
  }
  if (registration.trouble.empty()) return {};
  return fmt::format("whether Rancher knows the agents' registration token cannot be seen: {}",
                     registration.trouble);
}

}  // namespace retrust
