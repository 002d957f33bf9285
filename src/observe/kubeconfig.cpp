#include "observe/kubeconfig.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/encoding.h"
#include "base/failure.h"
#include "base/folder.h"
#include "base/json.h"
#include "base/text.h"
#include "base/trust.h"
#include "credentials/secret.h"
#include "credentials/token.h"
#include "tools/kubectl_errors.h"

namespace retrust {
namespace {

namespace json = boost::json;

/// A file in memory without a name.
Descriptor file_in_memory(std::string_view text) {
  // A system may allow files in memory only if nobody can execute them: vm.memfd_noexec, Linux 6.3.
  constexpr unsigned not_executable = 8;
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  Descriptor made(::memfd_create("kubeconfig", flags | not_executable));
  if (!made && errno == EINVAL) made = Descriptor(::memfd_create("kubeconfig", flags));
  const auto failed = errno;
  // A child's input may not be one of the first three descriptors.
  Descriptor file(::fcntl(made.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!file || !write_all(file, text)) {
    const std::error_code error(made ? errno : failed, std::generic_category());
    auto failure = shortage(
        fmt::format("cannot keep a temporary kubeconfig in memory: {}", error.message()), error);
    if (error.value() == ENOSYS) {
      failure.advice = "use a machine with Linux 3.17 or later, or with RHEL 7.3 or later";
    }
    throw std::move(failure);
  }
  // No child can change it.
  ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK);
  return file;
}

/// True if the value cannot be a word that retrust prints, nor a part of one: names of objects have
/// no such long part, and a fingerprint may be hidden.
bool is_no_word(std::string_view value) {
  constexpr std::size_t least_part = 20;
  constexpr std::size_t least_encoded = 40;
  const auto is_alnum = [](unsigned char c) { return std::isalnum(c) != 0; };
  const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  const auto fits = [&](const auto& is) { return std::any_of(value.begin(), value.end(), is); };
  if (!std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c <= '~'; })) {
    return false;
  }
  if (!fits(is_digit)) return false;
  for (auto begin = value.begin(); begin != value.end(); ++begin) {
    const auto end = std::find_if_not(begin, value.end(), is_alnum);
    if (static_cast<std::size_t>(end - begin) >= least_part && std::any_of(begin, end, is_digit)) {
      return true;
    }
    if (end == value.end()) break;
    begin = end;
  }
  // Base64 may have a sign after each letter.
  return value.size() >= least_encoded &&
         value.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") ==
             std::string_view::npos &&
         fits([](unsigned char c) { return std::isupper(c) != 0; }) &&
         fits([](unsigned char c) { return std::islower(c) != 0; });
}

/// Registers the values that a kubeconfig calls secret.
class Keeper {
 public:
  Keeper(Redactor& redactor, const std::optional<std::filesystem::path>& folder)
      : redactor_(redactor), folder_(folder) {}

  void value(std::string_view value, std::string_view what) const {
    if (value.empty() || !may_hide(value)) return;
    const auto label = fmt::format("‹{} sha256:{}›", what, fingerprint(value));
    redactor_.add(value, label);
    redactor_.add(base64_encode(value), label);
    for (const auto& line : split_lines(value)) redactor_.add(line, label);
  }

  void token(std::string_view text) const {
    if (may_hide(text)) redact(redactor_, text);
  }

  /// Registers the key of the kubeconfig, and the lines of the PEM file without its first and last.
  void key(const std::string& pem) const {
    if (pem.empty()) return;
    const auto encoded = base64_encode(pem);
    const auto label = fmt::format("‹client-key-data sha256:{}›", fingerprint(encoded));
    if (may_hide(encoded)) redactor_.add(encoded, label);
    for (const auto& line : split_lines(pem)) {
      if (!line.starts_with("-----") && may_hide(line)) redactor_.add(line, label);
    }
  }

  /// The beginning of a file that the kubeconfig names, empty if there is none.
  std::string file_text(const std::string& name) const {
    if (name.empty() || !folder_) return {};
    constexpr std::size_t most = 64UL * 1024;
    return beginning_of(*folder_ / name, most);
  }

 private:
  /// True if hiding the text is safe: a kubeconfig from elsewhere may not hide words of ours.
  bool may_hide(std::string_view text) const { return folder_ || is_no_word(text); }

  Redactor& redactor_;
  const std::optional<std::filesystem::path>& folder_;
};

/// Trims as client-go trims a token file.
std::string trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\v\f";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(blanks) - begin + 1));
}

/// True for names such as `--client-secret` and AWS_SESSION_TOKEN, false for `--token-cache-dir`
/// and AWS_WEB_IDENTITY_TOKEN_FILE.
bool name_says_secret(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const std::string_view end :
       {"name", "file", "path", "dir", "url", "endpoint", "storage", "type"}) {
    if (lower.ends_with(end)) return false;
  }
  for (const std::string_view part : {"secret", "password", "passwd", "token", "apikey", "api-key",
                                      "api_key", "private", "credential", "access_key", "_pat"}) {
    if (lower.find(part) != std::string::npos) return true;
  }
  return false;
}

void keep_plugin(const Keeper& keeper, const json::value& exec) {
  constexpr std::string_view what = "login secret";
  const auto keep = [&](std::string_view name, std::string_view value) {
    if (is_plugin_secret(name, value)) keeper.value(value, what);
  };
  for (const auto& variable : array_at(exec, "/env")) {
    keep(text_at(variable, "/name"), text_at(variable, "/value"));
  }
  std::string before;
  for (const auto& arg : array_at(exec, "/args")) {
    const std::string word(arg.is_string() ? std::string_view(arg.get_string())
                                           : std::string_view());
    const auto sign = word.find('=');
    if (word.starts_with('-') && sign != std::string::npos) {
      keep(word.substr(0, sign), word.substr(sign + 1));
    } else {
      keep(before, word);
    }
    before = word.starts_with('-') && sign == std::string::npos ? word : std::string();
  }
}

void keep_user(const Keeper& keeper, const json::value& user) {
  keeper.token(text_at(user, "/token"));
  keeper.token(trimmed(keeper.file_text(text_at(user, "/tokenFile"))));
  const auto password = text_at(user, "/password");
  keeper.value(password, "password");
  if (!password.empty()) {
    // The form of basic authentication.
    keeper.value(text_at(user, "/username") + ":" + password, "password");
  }
  // A key that cannot be decoded is registered too, because kubectl may quote it.
  const auto key = text_at(user, "/client-key-data");
  keeper.value(key, "client-key-data");
  keeper.key(base64_decode(key).value_or(""));
  keeper.key(keeper.file_text(text_at(user, "/client-key")));
  for (const auto* name : {"id-token", "access-token", "refresh-token"}) {
    keeper.token(text_at(user, fmt::format("/auth-provider/config/{}", name)));
  }
  keeper.value(text_at(user, "/auth-provider/config/client-secret"), "client-secret");
  if (const auto* exec = find_at(user, "/exec"); exec != nullptr) keep_plugin(keeper, *exec);
}

/// Registers the password and the query of an address.
void keep_url(const Keeper& keeper, const std::string& url) {
  const auto host = url.find("://");
  if (host == std::string::npos) return;
  const auto end = std::min(url.find_first_of("/?#", host + 3), url.size());
  const auto user = url.substr(host + 3, end - host - 3);
  if (const auto sign = user.rfind('@'); sign != std::string::npos) {
    const auto colon = std::min(user.find(':'), sign);
    keeper.value(user.substr(0, sign), "user");
    if (colon < sign) keeper.value(user.substr(colon + 1, sign - colon - 1), "password");
  }
  const auto query = url.find('?');
  if (query == std::string::npos) return;
  keeper.value(url.substr(query + 1), "query");
  for (auto begin = query + 1; begin < url.size();) {
    const auto last = std::min(url.find('&', begin), url.size());
    const auto sign = std::min(url.find('=', begin), last);
    if (sign < last) keeper.value(url.substr(sign + 1, last - sign - 1), "query");
    begin = last + 1;
  }
}

}  // namespace

KubeconfigView parse_kubeconfig(const json::value& view) {
  KubeconfigView parsed;
  parsed.context = text_at(view, "/current-context");
  const auto& clusters = array_at(view, "/clusters");
  if (clusters.empty()) return parsed;
  if (const auto* cluster = find_at(clusters.front(), "/cluster"); cluster != nullptr) {
    parsed.cluster = *cluster;
  }
  parsed.server = shown_url(text_at(parsed.cluster, "/server"));
  parsed.ca_pem =
      base64_decode(text_at(parsed.cluster, "/certificate-authority-data")).value_or("");
  const auto* skip = find_at(parsed.cluster, "/insecure-skip-tls-verify");
  if (skip != nullptr && skip->is_bool() && skip->get_bool()) {
    parsed.verifies_server = false;
  }
  return parsed;
}

json::value without_secrets(json::value view) {
  auto* users = view.is_object() ? view.as_object().if_contains("users") : nullptr;
  if (users == nullptr || !users->is_array()) return view;
  for (auto& entry : users->as_array()) {
    const auto* given = find_at(entry, "/user");
    json::object user;
    if (given != nullptr && given->is_object()) {
      for (const auto& member : given->as_object()) {
        const auto empty = member.value().is_string() && member.value().as_string().empty();
        user[member.key()] = empty ? "" : "hidden";
      }
      if (const auto name = text_at(*given, "/auth-provider/name"); !name.empty()) {
        user["auth-provider"] = {{"name", name}};
      }
      if (find_at(*given, "/exec/command") != nullptr) {
        user["exec"] = {{"command", text_at(*given, "/exec/command")},
                        {"interactiveMode", text_at(*given, "/exec/interactiveMode")}};
      }
    }
    entry = json::object{{"name", text_at(entry, "/name")}, {"user", std::move(user)}};
  }
  return view;
}

std::string shown_url(std::string_view url) {
  constexpr std::string_view slashes = "://";
  const auto scheme = url.find(slashes);
  const auto host = scheme == std::string_view::npos ? 0 : scheme + slashes.size();
  const auto rest = url.substr(host);
  const auto authority = rest.substr(0, rest.find_first_of("/?#"));
  const auto user = authority.rfind('@');
  const auto shown = user == std::string_view::npos ? rest : rest.substr(user + 1);
  return fmt::format("{}{}", url.substr(0, host), shown.substr(0, shown.find_first_of("?#")));
}

bool is_plugin_secret(std::string_view name, std::string_view value) {
  constexpr std::size_t least_named = 8;
  constexpr std::size_t least = 16;
  const auto path = value.starts_with('/') || value.starts_with("./") || value.starts_with("../") ||
                    value.starts_with('~') || value.starts_with('$');
  const auto url = value.find("://") != std::string_view::npos || value.starts_with("arn:");
  if (value.size() < least_named) return false;
  if (name_says_secret(name)) return true;
  if (value.starts_with('-') || path || url) return false;
  // Names and words are those of a cluster, a region, an API version, a cloud or an account.
  const auto is_name = std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 ||
           std::string_view("-._/:@").find(static_cast<char>(c)) != std::string_view::npos;
  });
  const auto is_word = std::all_of(value.begin(), value.end(), [](unsigned char c) {
    return std::isalpha(c) != 0 || c == ' ' || c == '-' || c == '_';
  });
  return value.size() >= least && !is_name && !is_word;
}

void keep_users(Redactor& redactor, const json::value& view,
                const std::optional<std::filesystem::path>& folder) {
  const Keeper keeper(redactor, folder);
  for (const auto& entry : array_at(view, "/users")) {
    const auto* user = find_at(entry, "/user");
    if (user != nullptr) keep_user(keeper, *user);
  }
  for (const auto& entry : array_at(view, "/clusters")) {
    keep_url(keeper, text_at(entry, "/cluster/server"));
    keep_url(keeper, text_at(entry, "/cluster/proxy-url"));
  }
}

std::string through_rancher(const std::string& server) {
  constexpr std::string_view path = "/k8s/clusters/";
  const auto at = server.find(path);
  if (at == std::string::npos) return {};
  const auto id = server.substr(at + path.size());
  return id.substr(0, id.find_first_of("/?"));
}

TemporaryKubeconfig::TemporaryKubeconfig(const KubeconfigView& operators,
                                         const Credentials& credentials) {
  json::object cluster;
  if (operators.cluster.is_object()) cluster = operators.cluster.get_object();
  cluster.erase("insecure-skip-tls-verify");
  cluster.erase("certificate-authority");
  cluster["certificate-authority-data"] = base64_encode(credentials.ca_pem);
  json::object user;
  if (!credentials.token.empty()) user["token"] = credentials.token.reveal();

  const auto entry = [](std::string_view key, json::object value) {
    json::object named;
    named["name"] = temporary_context;
    named[key] = std::move(value);
    json::array list;
    list.emplace_back(std::move(named));
    return list;
  };
  json::object context;
  context["cluster"] = temporary_context;
  context["user"] = temporary_context;
  json::object config;
  config["apiVersion"] = "v1";
  config["kind"] = "Config";
  config["current-context"] = temporary_context;
  config["clusters"] = entry("cluster", std::move(cluster));
  config["users"] = entry("user", std::move(user));
  config["contexts"] = entry("context", std::move(context));
  file_ = file_in_memory(json::serialize(config));
}

}  // namespace retrust
