#include "base/secret_shapes.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace retrust {
namespace {

using Shapes = std::vector<SecretShape>;
constexpr auto npos = std::string_view::npos;

constexpr std::string_view token_label = "‹token›";
constexpr std::string_view secret_label = "‹secret›";
constexpr std::string_view key_label = "‹private key›";
/// Begins the label of what is masked already.
constexpr std::string_view masked = "‹";

bool is_alnum(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}
bool is_base64url(char c) {
  return is_alnum(c) || c == '-' || c == '_';
}
bool is_base64(char c) {
  return is_base64url(c) || c == '+' || c == '/';
}
/// End of what fits, from an offset on.
template <typename Fits>
std::size_t end_of(std::string_view text, std::size_t at, const Fits& fits) {
  while (at < text.size() && fits(text[at])) ++at;
  return at;
}

void add(Shapes& found, std::size_t begin, std::size_t end, std::string_view label) {
  if (end > begin) found.push_back({begin, end - begin, label});
}

/// Calls act(offset) for each occurrence; act returns where to go on.
template <typename Act>
void each(std::string_view text, std::string_view part, const Act& act) {
  for (auto at = text.find(part); at != npos;) at = text.find(part, act(at));
}

/// A JWT, whole or cut off: its header is JSON, so it begins `{"`, `{ ` or `{` and a line end.
void find_jwts(std::string_view text, Shapes& found) {
  constexpr std::size_t least_header = 16;
  constexpr std::size_t least_claims = 8;
  for (const std::string_view begins : {"eyJ", "eyA", "ewo"}) {
    each(text, begins, [&](std::size_t at) {
      auto end = end_of(text, at, is_base64url);
      if (end - at < least_header || end == text.size() || text[end] != '.') return end;
      const auto claims_end = end_of(text, end + 1, is_base64url);
      const auto cut_off = claims_end == text.size();
      if (claims_end - end - 1 < least_claims && !cut_off) return end;
      end = end_of(text, end, [](char c) { return is_base64url(c) || c == '.'; });
      while (text[end - 1] == '.' && end < text.size()) --end;
      add(found, at, end, token_label);
      return end;
    });
  }
}

/// End of base64 that a program wrapped: lines of the same alphabet follow a long one.
std::size_t end_of_wrapped(std::string_view text, std::size_t begin) {
  constexpr std::size_t least_line = 60;
  auto end = end_of(text, begin, is_base64);
  auto line = end - begin;
  while (end < text.size() && text[end] == '\n' && line >= least_line) {
    const auto next = end_of(text, end + 1, is_base64);
    const auto padded = end_of(text, next, [](char c) { return c == '='; });
    line = next - end - 1;
    const auto whole = padded == text.size() || text[padded] == '\n' || text[padded] == '\r';
    if (line == 0 || !whole) break;
    end = next;
  }
  return end_of(text, end, [](char c) { return c == '='; });
}

/// Base64 of a text that begins with these bytes, or (at the other two offsets) contains them.
void find_base64(std::string_view text, Shapes& found) {
  struct Encoded {
    std::string_view begins;
    std::string_view label;
    enum class Where { at_start, anywhere } where;
  };
  constexpr std::array encoded{
      // Base64 of `eyJ`, which a certificate's base64 may hold by chance, but does not begin with.
      Encoded{"ZXlK", token_label, Encoded::Where::at_start},
      // Base64 of `eyJhbGciOi` at the three offsets that it can have.
      Encoded{"ZXlKaGJHY2lPa", token_label, Encoded::Where::anywhere},
      Encoded{"V5SmhiR2NpT2", token_label, Encoded::Where::anywhere},
      Encoded{"leUpoYkdjaU9p", token_label, Encoded::Where::anywhere},
      // Base64 of `-----BEGIN ` and PRIVATE, RSA, EC, ENCRYPTED or OPENSSH; not CERTIFICATE.
      Encoded{"LS0tLS1CRUdJTiBQUklW", key_label, Encoded::Where::anywhere},
      Encoded{"LS0tLS1CRUdJTiBSU0Eg", key_label, Encoded::Where::anywhere},
      Encoded{"LS0tLS1CRUdJTiBFQy", key_label, Encoded::Where::anywhere},
      Encoded{"LS0tLS1CRUdJTiBFTkNS", key_label, Encoded::Where::anywhere},
      Encoded{"LS0tLS1CRUdJTiBPUEVO", key_label, Encoded::Where::anywhere},
  };
  constexpr std::size_t least = 40;
  for (const auto& [begins, label, where] : encoded) {
    each(text, begins, [&, wanted = where, name = label, size = begins.size()](std::size_t at) {
      const auto inside = at > 0 && is_base64(text[at - 1]);
      if (inside && wanted == Encoded::Where::at_start) return at + size;
      const auto end = end_of_wrapped(text, at);
      if (end - at >= least) add(found, at, end, name);
      return std::max(end, at + size);
    });
  }
}

/// PEM private keys, to their end or the end of the text.
void find_private_keys(std::string_view text, Shapes& found) {
  constexpr std::string_view begins = "-----BEGIN ";
  constexpr std::string_view kind = "PRIVATE KEY-----";
  each(text, begins, [&](std::size_t at) {
    const auto after = at + begins.size();
    const auto dashes = text.find("-----", after);
    const auto head_end = dashes == npos ? text.size() : dashes + 5;
    if (dashes != npos && !text.substr(after, head_end - after).ends_with(kind)) return after;
    if (dashes == npos && text.substr(after).find("PRIVATE") == npos) return after;
    const auto last = text.find("-----END ", head_end);
    const auto last_dashes = last == npos ? npos : text.find("-----", last + 9);
    const auto end = last_dashes == npos ? text.size() : last_dashes + 5;
    // The first line alone is none.
    const auto body = text.find_first_not_of(" \t\r\n", head_end);
    if (body != npos && body < end) add(found, at, end, key_label);
    return end;
  });
}

/// Tokens that name their maker: Google's, those of `aws eks get-token` (kubernetes-sigs/
/// aws-iam-authenticator v0.7.0, pkg/token/token.go), GitLab's, GitHub's, DigitalOcean's.
void find_prefixed(std::string_view text, Shapes& found) {
  constexpr std::size_t least = 16;
  for (const std::string_view begins : {"ya29.", "k8s-aws-v1.", "glpat-", "glcbt-", "ghp_", "gho_",
                                        "ghs_", "github_pat_", "dop_v1_", "doo_v1_"}) {
    each(text, begins, [&](std::size_t at) {
      const auto after = at + begins.size();
      const auto end =
          end_of(text, after, [](char c) { return is_base64url(c) || c == '.' || c == '~'; });
      const auto inside = at > 0 && is_base64(text[at - 1]);
      if (!inside && end - after >= least) add(found, at, end, token_label);
      return end;
    });
  }
}

/// Rancher's API tokens, NAME:KEY.
void find_ranchers(std::string_view text, Shapes& found) {
  constexpr std::size_t least_key = 40;
  const auto is_key = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  each(text, ":", [&](std::size_t at) {
    const auto end = end_of(text, at + 1, is_key);
    if (end - at - 1 < least_key) return std::max(end, at + 1);
    auto begin = at;
    while (begin > 0 &&
           (is_key(text[begin - 1]) || text[begin - 1] == '-' || text[begin - 1] == '.')) {
      --begin;
    }
    const auto name = text.substr(begin, at - begin);
    if (name.starts_with("token-") || name.starts_with("kubeconfig-")) {
      add(found, begin, end, token_label);
    }
    return end;
  });
}

std::string lowered(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

/// "Bearer TOKEN", "Basic TOKEN": a word of prose after them is short, or has no digit.
void find_authorization(std::string_view text, std::string_view lower, Shapes& found) {
  constexpr std::size_t least = 8;
  constexpr std::size_t most_word = 24;
  for (const std::string_view scheme : {"bearer", "basic"}) {
    each(lower, scheme, [&](std::size_t at) {
      const auto after = at + scheme.size();
      const auto begin = end_of(text, after, [](char c) { return c == ' ' || c == '\t'; });
      const auto end = end_of(text, begin, [](char c) {
        return is_base64(c) || c == '.' || c == '~' || c == '=' || c == ':';
      });
      const auto word = text.substr(begin, end - begin);
      const auto digit =
          std::any_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
      if (begin > after && word.size() >= least && (digit || word.size() > most_word)) {
        add(found, begin, end, token_label);
      }
      return std::max(end, after);
    });
  }
}

/// Names of fields that hold secrets, in small letters and without `-` and `_`.
bool names_secret(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (is_alnum(c)) plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  constexpr std::array names{std::string_view{"token"},
                             std::string_view{"accesstoken"},
                             std::string_view{"apikey"},
                             std::string_view{"awssecretaccesskey"},
                             std::string_view{"awssessiontoken"},
                             std::string_view{"bearertoken"},
                             std::string_view{"clientkeydata"},
                             std::string_view{"clientsecret"},
                             std::string_view{"idtoken"},
                             std::string_view{"passwd"},
                             std::string_view{"password"},
                             std::string_view{"privatekey"},
                             std::string_view{"refreshtoken"},
                             std::string_view{"secretaccesskey"},
                             std::string_view{"serviceaccounttoken"},
                             std::string_view{"sessiontoken"}};
  return std::find(names.begin(), names.end(), plain) != names.end();
}

/// What could be the name of an object: a sentence may say "rejected token: NAME".
bool is_object_name(std::string_view word) {
  constexpr std::size_t longest_word = 40;
  if (word.size() >= longest_word && word.find('-') == npos) return false;
  return std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

/// The field's name before an offset; a quote between them is passed over.
std::string_view name_before(std::string_view text, std::size_t at) {
  while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '"' || text[at - 1] == '\'')) --at;
  constexpr std::size_t longest = 40;
  auto begin = at;
  while (begin > 0 && at - begin < longest && is_base64url(text[begin - 1])) --begin;
  return text.substr(begin, at - begin);
}

/// Whether a value that no quotes surround is a secret, after `=` or `:`.
bool is_bare_secret(std::string_view value, char sign) {
  constexpr std::size_t least_assigned = 8;
  constexpr std::size_t least_told = 16;
  // `$(…)`, `<placeholder>`, `{.data.token}`, `***` and paths hold none; nor does a fingerprint.
  constexpr std::string_view no_secret = "$<{[(*/";
  const auto least = sign == '=' ? least_assigned : least_told;
  if (value.size() < least || no_secret.find(value[0]) != npos) return false;
  return !value.starts_with("sha256:") && (sign == '=' || !is_object_name(value));
}

/// `"token": "…"`, `password: …`, `--client-secret=…`, `?access_token=…`.
void find_fields(std::string_view text, Shapes& found) {
  constexpr std::size_t least_quoted = 8;
  constexpr std::string_view ends = " \t\r\n\"',;&)}]";
  for (auto at = text.find_first_of(":="); at != npos; at = text.find_first_of(":=", at + 1)) {
    if (!names_secret(name_before(text, at))) continue;
    // `--token= --verbose` gives none; `token = …` does.
    const auto given = text[at] == ':' || text[at - 1] == ' ';
    auto begin = given ? end_of(text, at + 1, [](char c) { return c == ' '; }) : at + 1;
    if (begin == text.size() || text.substr(begin).starts_with(masked)) continue;
    const auto quote = text[begin];
    const auto quoted = quote == '"' || quote == '\'';
    if (quoted) ++begin;
    auto end = begin;
    if (quoted) {
      while (end < text.size() && text[end] != quote) end += text[end] == '\\' ? 2 : 1;
      end = std::min(end, text.size());
    } else {
      end = std::min(text.find_first_of(ends, begin), text.size());
    }
    const auto value = text.substr(begin, end - begin);
    const auto secret = quoted ? value.size() >= least_quoted && !value.starts_with(masked)
                               : is_bare_secret(value, text[at]);
    if (secret) add(found, begin, end, secret_label);
    // Not within it again, so that the time stays linear.
    at = std::max(at, end - 1);
  }
}

/// The user and password of `https://user:password@host`.
void find_userinfo(std::string_view text, Shapes& found) {
  constexpr std::string_view slashes = "://";
  each(text, slashes, [&](std::size_t at) {
    const auto begin = at + slashes.size();
    const auto end = std::min(text.find_first_of("/?# \t\r\n\"'<>\\", begin), text.size());
    const auto sign = text.substr(begin, end - begin).rfind('@');
    if (sign != npos && !text.substr(begin).starts_with(masked)) {
      add(found, begin, begin + sign, secret_label);
    }
    return std::max(end, begin);
  });
}

}  // namespace

std::vector<SecretShape> secret_shapes(std::string_view text) {
  Shapes found;
  const auto lower = lowered(text);
  find_jwts(text, found);
  find_base64(text, found);
  find_private_keys(text, found);
  find_prefixed(text, found);
  find_ranchers(text, found);
  find_authorization(text, lower, found);
  find_fields(text, found);
  find_userinfo(text, found);
  return found;
}

}  // namespace retrust
