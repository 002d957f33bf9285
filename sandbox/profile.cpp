#include "profile.h"

#include <map>
#include <regex>
#include <stdexcept>

#include <fmt/format.h>

namespace retrust::sandbox {
namespace {

constexpr Version newest{2, 15, 0};
constexpr int head = 999;  // patch level of what is ahead of every release of its series

AccountSecret account_secret(const Version& rancher) {
  using enum AccountSecret;
  if (rancher < Version{2, 5, 8}) return mounted;
  if (rancher < Version{2, 6, 7}) return referenced;
  if (rancher < Version{2, 6, 10}) return fixed_name;
  if (rancher < Version{2, 7, 0}) return any;
  if (rancher < Version{2, 7, 1}) return fixed_name;
  if (rancher < Version{2, 7, 11}) return any;
  if (rancher < Version{2, 9, 5}) return labelled;
  if (rancher < Version{2, 10, 0}) return annotated;
  return rancher < Version{2, 10, 1} ? labelled : annotated;
}

std::set<std::string> drivers(const Version& rancher) {
  // An empty driver is one that is not known yet, and becomes `imported`.
  if (rancher < Version{2, 6, 0}) return {"", "imported"};
  return {"", "imported", "k3s", "k3os", "rancherd", "rke2"};
}

RancherProfile profile_of(std::string version, const Version& number) {
  const auto from_2_6_0 = number >= Version{2, 6, 0};
  const auto in_secret = number >= (from_2_6_0 ? Version{2, 6, 7} : Version{2, 5, 16});
  const auto notices_tokens =
      number >= (number >= Version{2, 7, 0} ? Version{2, 7, 1} : Version{2, 6, 10});
  RancherProfile profile{.version = std::move(version), .number = number};
  profile.drivers = drivers(number);
  profile.account_secret = account_secret(number);
  if (in_secret) profile.token_place = TokenPlace::secret;
  if (in_secret && !notices_tokens) profile.lone_token = LoneToken::ignored;
  if (number >= newest) profile.status_subresource = StatusSubresource::present;
  if (number >= Version{2, 2, 5}) profile.health_check = HealthCheck::name_space;
  if (number >= Version{2, 14, 0}) profile.health_check = HealthCheck::readyz;
  if (number >= Version{2, 6, 3}) profile.tunnel_check = TunnelCheck::present;
  const auto registers_by_secret = number >= Version{2, 15, 0} ||
                                   (number >= Version{2, 14, 4} && number < Version{2, 15, 0}) ||
                                   (number >= Version{2, 13, 8} && number < Version{2, 14, 0});
  if (registers_by_secret) profile.registration_place = RegistrationPlace::secret;
  if (from_2_6_0) profile.impersonation = Impersonation::user_accounts;
  return profile;
}

}  // namespace

RancherProfile rancher_profile(const std::string& text) {
  static const std::map<std::string, std::string> latest{
      {"2.0", "2.0.16"}, {"2.1", "2.1.14"}, {"2.2", "2.2.13"},  {"2.3", "2.3.11"},
      {"2.4", "2.4.17"}, {"2.5", "2.5.15"}, {"2.12", "2.12.3"}, {"2.15", "2.15.0"}};
  if (text == "dev") return profile_of(text, newest);
  auto version = text.starts_with('v') ? text.substr(1) : text;
  if (const auto found = latest.find(version); found != latest.end()) version = found->second;
  static const std::regex release(R"(2\.(\d{1,3})\.(\d{1,3})(-[\w.-]+)?)");
  static const std::regex ahead(R"(2\.(\d{1,3})-head)");
  std::smatch parts;
  if (std::regex_match(version, parts, release)) {
    return profile_of("v" + version, {2, std::stoi(parts[1]), std::stoi(parts[2])});
  }
  if (std::regex_match(version, parts, ahead)) {
    return profile_of("v" + version, {2, std::stoi(parts[1]), head});
  }
  throw std::runtime_error(
      fmt::format("there is no Rancher {} here; there are 2.0 to 2.5, 2.12, 2.15, and full "
                  "versions such as 2.7.0",
                  text));
}

KubernetesProfile kubernetes_profile(const std::string& text) {
  static const std::regex release(R"(v?1\.(\d{1,2})(?:\.(\d{1,3}))?)");
  static const std::map<int, int> last_patch{{20, 15}, {24, 17}, {30, 14}};
  std::smatch parts;
  if (!std::regex_match(text, parts, release)) {
    throw std::runtime_error(fmt::format(
        "there is no Kubernetes {} here; versions are 1.20, 1.24, 1.30 and alike", text));
  }
  const auto minor = std::stoi(parts[1]);
  const auto known = last_patch.find(minor);
  const auto standard = known == last_patch.end() ? 0 : known->second;
  const auto patch = parts[2].matched ? std::stoi(parts[2]) : standard;
  KubernetesProfile profile{.git_version = fmt::format("v1.{}.{}", minor, patch),
                            .number = {1, minor, patch}};
  if (minor >= 24) profile.account_tokens = AccountTokens::on_request;
  if (minor >= 21) profile.pod_token = PodToken::projected_volume;
  if (minor < 20) profile.root_ca_map = RootCaMap::absent;
  return profile;
}

}  // namespace retrust::sandbox
