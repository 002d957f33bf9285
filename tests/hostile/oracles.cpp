#include "oracles.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <regex>

#include <boost/algorithm/string/join.hpp>
#include <fmt/format.h>

#include "base/encoding.h"

namespace retrust::hostile {
namespace {

/// The character that begins there, and its length; length 0 where it is no UTF-8.
struct Character {
  std::uint32_t code = 0;
  std::size_t length = 0;
};

Character character_at(const std::string& text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || at + length > text.size()) return {lead, 0};
  auto code = static_cast<std::uint32_t>(lead) & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xc0U) != 0x80U) return {lead, 0};
    code = code << 6U | (next & 0x3fU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  if (overlong || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return {lead, 0};
  return {code, length};
}

bool is_forbidden(std::uint32_t code) {
  struct Range {
    std::uint32_t from;
    std::uint32_t to;
  };
  static constexpr Range ranges[] = {
      {0x00, 0x08},     {0x0b, 0x1f},     {0x7f, 0x9f},      {0xad, 0xad},     {0x34f, 0x34f},
      {0x61c, 0x61c},   {0x115f, 0x1160}, {0x17b4, 0x17b5},  {0x180b, 0x180f}, {0x200b, 0x200f},
      {0x2028, 0x202e}, {0x2060, 0x206f}, {0x3164, 0x3164},  {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
      {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0xe0000, 0xe0fff}};
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [&](const Range& range) { return code >= range.from && code <= range.to; });
}

/// Around that place, made printable.
std::string excerpt(const std::string& text, std::size_t at) {
  std::string shown;
  const auto begin = at < 40 ? 0 : at - 40;
  for (const char each : text.substr(begin, 80)) shown += each >= ' ' && each <= '~' ? each : '?';
  return shown;
}

}  // namespace

std::string forbidden_character(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto found = character_at(text, at);
    if (found.length == 0) return fmt::format("byte {:#x} in: {}", found.code, excerpt(text, at));
    if (is_forbidden(found.code))
      return fmt::format("U+{:04X} in: {}", found.code, excerpt(text, at));
    at += found.length;
  }
  return {};
}

std::string line_of_attacker(const std::string& text) {
  for (std::size_t at = 0; at != std::string::npos && at < text.size();) {
    if (text.compare(at, 7, "HOSTILE") == 0) return excerpt(text, at);
    at = text.find('\n', at);
    if (at != std::string::npos) ++at;
  }
  return {};
}

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\0', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

namespace {

bool fits(const std::string& word, const std::regex& pattern) {
  return word.size() <= 4096 && std::regex_match(word, pattern);
}

Complaints against_kubectls(const std::vector<std::string>& words,
                            const std::set<std::string>& files) {
  static const std::set<std::string> flags{
      "--", "-w", "--output-watch-events", "--ignore-not-found", "--wait=false", "--raw",
      "--minify", "--flatten", "--no-headers", "--validate=false", "--client", "--all-namespaces",
      "--interactive=false", "--request-timeout=30s", "--dry-run=none", "--force=false",
      "--reject-methods=^(PUT|PATCH|DELETE)$",
      // Of the sandbox's kubeconfigs.
      "--context=downstream", "--context=local",
      // Of a temporary one.
      "--context=retrust"};
  static const std::string name = "[a-z0-9]([-a-z0-9.]*[a-z0-9])?";
  static const std::regex one_name(name);
  static const std::regex output(
      R"x(json|name|custom-columns=[A-Za-z:.,]+|jsonpath=[\[\]{}*.A-Za-z \\"]+)x");
  static const std::regex selector("--field-selector=((metadata\\.name|type)=(kubernetes\\.io/)?" +
                                   name + "|type=Warning|reason=FailedCreatePodSandBox)");
  static const std::regex path("/[A-Za-z0-9][-A-Za-z0-9/._]*(\\?[-A-Za-z0-9=&%.,_/]*)?");
  static const std::regex socket(
      "--unix-socket=/[-A-Za-z0-9._/]+/retrust-session-[A-Za-z0-9]{6}/s");
  // Resource types, names, and both: pods,secrets; pod/name.
  static const std::regex plain(name + "([,/]" + name + ")*");
  Complaints complaints;
  const auto complain = [&](const std::string& word) {
    complaints.push_back("argument: " + excerpt(word, 0));
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word == "-n" || word == "-o" || word == "-f") {
      const auto value = ++i < words.size() ? words[i] : std::string();
      const bool good = word == "-n"   ? fits(value, one_name)
                        : word == "-o" ? fits(value, output)
                                       : value == "-";
      if (!good) complain(word + " " + value);
    } else if (word.starts_with("--kubeconfig=")) {
      const auto file = word.substr(13);
      // A temporary one is in memory.
      const bool in_memory = file == "/dev/stdin";
      const bool known =
          in_memory || std::any_of(files.begin(), files.end(), [&](const std::string& each) {
            return file == each || (each.ends_with('/') && file.starts_with(each));
          });
      if (!known) complain(word);
    } else if (!flags.contains(word) && !fits(word, selector) && !fits(word, path) &&
               !fits(word, socket) && !fits(word, plain)) {
      complain(word);
    }
  }
  return complaints;
}

/// The arguments of docker, tar, rke and k3s, one line for each kind of start, with a space between
/// words. What docker's `sh -c` runs is docker.cpp's, word by word.
const std::map<std::string, std::vector<std::regex>>& lines_of_others() {
  static const std::string archive = R"(/tmp/rancher-data-backup-v[-A-Za-z0-9._]+\.tar\.gz)";
  static const std::string snapshot = "SNAPSHOT-[0-9TZ-]+";
  static const auto all = [] {
    const auto literal = [](const std::string& text) {
      return std::regex_replace(text, std::regex(R"([$()\[\]{}*+?.\\^|])"), R"(\$&)");
    };
    const auto size =
        literal(R"x(n=0; until [ -e "$1" ] || [ $((n += 1)) -gt 60 ]; do sleep 1; done; )x"
                R"x(while stat -c %s "$1" 2>/dev/null; do sleep 1; done)x");
    const auto remove =
        literal(R"x(for p in /proc/[0-9]*; do [ "${p#/proc/}" = $$ ] && continue; )x"
                R"x(case "$(tr '\0' ' ' <"$p/cmdline" 2>/dev/null)" in )x"
                R"x(*"$1"*) kill "${p#/proc/}" 2>/dev/null;; esac; done; rm -f -- "$1")x");
    const auto left = literal(
        R"x(for f in "$1"*-20[0-9][0-9][0-9][0-9][0-9][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z.tar.gz; )x"
        R"x(do [ -f "$f" ] || continue; used=; for p in /proc/[0-9]*; )x"
        R"x(do case "$(tr '\0' ' ' <"$p/cmdline" 2>/dev/null)" in "tar "*"$f"*) used=1;; esac; )x"
        R"x(done; if [ "$used" ]; then echo "used $f"; else rm -f -- "$f" && echo "$f"; fi; )x"
        R"x(done; :)x");
    const auto end =
        literal(R"x(for s in TERM KILL; do n=; for p in /proc/[0-9]*; do )x"
                R"x(case " $(tr '\0' ' ' <"$p/environ" 2>/dev/null) " in )x"
                R"x(*" $1 "*) kill -$s "${p#/proc/}" 2>/dev/null && n=1;; esac; done; )x"
                R"x([ $s$n = TERM1 ] || break; sleep 0.3 2>/dev/null || sleep 1; done; :)x");
    const std::vector<std::regex> of_k3s{
        std::regex("--version"), std::regex("etcd-snapshot save --name " + snapshot),
        std::regex("etcd-snapshot ls"),
        std::regex("kubectl( --kubeconfig=/[-A-Za-z0-9._/]+)? get namespace kube-system "
                   "-o jsonpath=\\{\\.metadata\\.uid\\}")};
    const std::string mark = "RETRUST_MARK=[-A-Za-z0-9]+";
    return std::map<std::string, std::vector<std::regex>>{
        {"docker",
         {std::regex("--version"), std::regex("inspect --type container rancher"),
          std::regex("restart rancher"), std::regex("exec rancher du -sk /var/lib/rancher"),
          std::regex("exec rancher df -Pk /tmp"),
          std::regex("exec rancher curl -ks --max-time 5 https://127\\.0\\.0\\.1/ping"),
          std::regex("exec rancher tar zcvf " + archive + " /var/lib/rancher"),
          std::regex("exec rancher sh -c (" + size + "|" + remove + ") sh " + archive),
          std::regex("exec rancher sh -c " + end + " sh " + mark),
          std::regex("exec rancher sh -c " + left + " sh /tmp/rancher-data-backup-"),
          std::regex("cp rancher:" + archive + " /[-A-Za-z0-9._/]+/backup(/[-A-Za-z0-9._]+)?"),
          // kubectl's own follow.
          std::regex("exec -e " + mark + "( -i)? rancher kubectl")}},
        {"tar", {std::regex("--version"), std::regex("-tzf -")}},
        {"rke",
         {std::regex("--version"), std::regex("etcd snapshot-save --name " + snapshot +
                                              "\\.db --config /[-A-Za-z0-9._/]+")}},
        {"k3s", of_k3s},
        {"rke2", of_k3s}};
  }();
  return all;
}

}  // namespace

Complaints against_grammar(const std::string& program, std::vector<std::string> words,
                           const std::set<std::string>& files) {
  Complaints complaints;
  if (program == "docker") {
    const auto kubectl = std::find(words.begin(), words.end(), "kubectl");
    if (kubectl != words.end()) {
      complaints = against_kubectls({std::next(kubectl), words.end()}, {});
      words.erase(std::next(kubectl), words.end());
    }
  } else if (program == "kubectl") {
    return against_kubectls(words, files);
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto script = i > 0 && words[i - 1] == "-c";
    if (!script && words[i].find(' ') != std::string::npos) {
      complaints.push_back("argument: two words in " + excerpt(words[i], 0));
    }
  }
  const auto line = boost::algorithm::join(words, " ");
  const auto& lines = lines_of_others();
  const auto known = lines.find(program);
  const auto good =
      known != lines.end() && std::any_of(known->second.begin(), known->second.end(),
                                          [&](const std::regex& each) { return fits(line, each); });
  if (!good) complaints.push_back("argument: " + program + " " + excerpt(line, 0));
  return complaints;
}

std::set<std::string> forms_of(const std::string& token) {
  if (token.size() < 16) return {};
  std::set<std::string> forms{token, base64_encode(token)};
  const auto last = token.rfind('.');
  const auto first = token.find('.');
  if (last == std::string::npos || first == last) return forms;
  forms.insert(token.substr(last + 1));
  forms.insert(token.substr(first + 1, last - first - 1));
  return forms;
}

}  // namespace retrust::hostile
