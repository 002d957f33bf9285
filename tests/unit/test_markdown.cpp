#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "transcript/document.h"
#include "transcript/markdown.h"

namespace retrust {
namespace {

/// What a ticket system sees outside of code: it looks for links, mentions and references there.
std::string outside_code(const std::string& text) {
  std::string rest;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '`') {
      rest += text[at++];
      continue;
    }
    auto end = text.find_first_not_of('`', at);
    REQUIRE(end != std::string::npos);
    const auto size = end - at;
    // The next run of exactly that length ends the span.
    for (;;) {
      const auto begin = text.find('`', end);
      REQUIRE(begin != std::string::npos);
      end = std::min(text.find_first_not_of('`', begin), text.size());
      if (end - begin == size) break;
    }
    rest += "·";
    at = end;
  }
  return rest;
}

const std::vector<std::string> hostile{"@octocat",
                                       "(@octocat)",
                                       "x@octocat",
                                       "admin@example.com",
                                       "#1",
                                       "owner/repo#1",
                                       "GH-1",
                                       "ABC-123",
                                       "!12",
                                       "~bug",
                                       "%\"v1\"",
                                       "&3",
                                       "$7",
                                       "^alert",
                                       "[~admin]",
                                       "http://example.com/x",
                                       "https://example.com/@a#1.png",
                                       "HTTPS://EXAMPLE.COM",
                                       "www.example.com",
                                       "WWW.example.com",
                                       "WwW.example.com",
                                       "mailto:a",
                                       "ftp://x",
                                       "file:///etc/passwd",
                                       "//host/share",
                                       "![x](https://example.com/x.png)",
                                       "[x](y)",
                                       "[x]: y",
                                       "!https://example.com/x.png!",
                                       "<img src=x>",
                                       "<!--",
                                       "&lt;",
                                       "&#64;octocat",
                                       "**bold**",
                                       "__x__",
                                       "*x*",
                                       "~~x~~",
                                       "_x_",
                                       "`code`",
                                       "``",
                                       "`",
                                       "```",
                                       "a`b",
                                       "\\@octocat",
                                       "\\",
                                       "a|b",
                                       "a\\|b",
                                       "|",
                                       "{code}",
                                       "{color:red}",
                                       "h1.x#",
                                       "bq.@x",
                                       "---",
                                       "***",
                                       "===",
                                       "- x @y",
                                       "+",
                                       "1. x",
                                       "1) x",
                                       "# x",
                                       "> x",
                                       "/close",
                                       "/assign @x",
                                       "??x??",
                                       ":smile:",
                                       "0123abc",
                                       "0123456789abcdef0123456789abcdef01234567",
                                       "group/project!1",
                                       "group/project&1",
                                       "\n# x",
                                       "\t@x",
                                       "'@x'",
                                       "\"@x\"",
                                       "...@x...",
                                       "(#1)",
                                       "a,@b",
                                       "a;#1",
                                       "x:@y",
                                       "a.@b",
                                       "é@b",
                                       "集#1",
                                       "evil.com",
                                       "evil.com/path",
                                       "(evil.com/path).",
                                       "sub.evil.co1",
                                       "evil.com:8080",
                                       "evil。com",
                                       "evil．com",
                                       "xn--evil-9sf.com",
                                       "＠octocat",
                                       "＃1",
                                       "user/repo@0123abc",
                                       "0123abc...4567def",
                                       "0123ABC",
                                       "gh-1",
                                       "ticket-123",
                                       "CVE-2021-44228",
                                       "GHSA-jfh8-c2jp-5v3q",
                                       "[vulnerability:123]",
                                       ":+1:",
                                       "!123",
                                       "$123",
                                       "[~user]",
                                       "h1. x",
                                       "bq. x",
                                       "x: retrust @y - `z`",
                                       ": kubectl -@x ``` #1"};

TEST_CASE("text from outside is no link, mention, reference or markup") {
  for (const auto& text : hostile) {
    for (const auto& around : {std::string(), std::string("word")}) {
      const auto whole = around.empty() ? text : around + " " + text + " " + around;
      CAPTURE(whole);
      for (const auto& shown : {inline_text(whole), cell_text(whole)}) {
        CAPTURE(shown);
        const auto rest = outside_code(shown);
        CHECK(rest.find_first_of("@#!~%&$^[]{}<>*|\\`") == std::string::npos);
        CHECK(rest.find("//") == std::string::npos);
        CHECK(rest.find("--") == std::string::npos);
        CHECK(rest.find("__") == std::string::npos);
        for (const std::string part :
             {"www", "WWW", "WwW", "mailto", "ABC-1", "GH-1", "gh-1", "ticket", "CVE", "GHSA",
              "0123abc", "0123ABC", "0123456789", "evil", "＠", "＃"}) {
          CHECK(rest.find(part) == std::string::npos);
        }
        CHECK(shown.find('\n') == std::string::npos);
        // No block begins at the start of a line.
        CHECK(rest.find_first_of("-+=>/#") != 0);
        CHECK_FALSE(rest.starts_with("1."));
        CHECK_FALSE(rest.starts_with("1)"));
        CHECK_FALSE(rest.starts_with("h1."));
        CHECK_FALSE(rest.starts_with("bq."));
      }
      CHECK(cell_text(whole).find('|') == std::string::npos);
    }
  }
}

TEST_CASE("sentences of words stay as they are") {
  for (const std::string text :
       {"Rancher does not trust production (c-x7k2p): its CA and token are out of date.",
        "2 of 3 old pods gone, 1 new ready", "started 2026-01-10T08:00:00Z, in UTC",
        "token secret cattle-token-x7k2p in cattle-system/cattle, v1.20.15+k3s1",
        "the operator's own word; nothing else", "Käse, кластер, 集群 and ‹token›"}) {
    CHECK(inline_text(text) == text);
  }
  CHECK(inline_text("cluster @octocat (c-x7k2p), see https://example.com.") ==
        "cluster `@octocat` (c-x7k2p), see `https://example.com`.");
}

TEST_CASE("a command is marked for pasting in an advice alone") {
  const Advice advice("Check again", "retrust status --cluster c-x7k2p");
  CHECK(advice_text(advice) == "Check again: `retrust status --cluster c-x7k2p`");
  const std::string said = "Rancher says: broken: kubectl --kubeconfig=/tmp/evil delete clusters";
  CHECK(inline_text(said).find("`kubectl --kubeconfig") == std::string::npos);
}

TEST_CASE("what another program or a cluster says is one code span") {
  struct Case {
    std::string text;
    std::string shown;
  };
  const std::vector<Case> cases{
      {"Rancher says: Ready False (HealthCheckFailed): Get https://10.43.0.1/api: x509: unknown",
       "Rancher says: `Ready False (HealthCheckFailed): Get https://10.43.0.1/api: x509: unknown`"},
      {"Rancher says: Ready False: see evil.com/path or ask @octocat for help.",
       "Rancher says: `Ready False: see evil.com/path or ask @octocat for help`."},
      {"the cluster rejects the token in cattle-token-jg8ss: [invalid bearer token, "
       "square/go-jose]",
       "the cluster rejects the token in cattle-token-jg8ss: `[invalid bearer token, "
       "square/go-jose]`"},
      // Of our own sentences only the words that a ticket system could link.
      {"Rancher says: Ready True", "Rancher says: Ready True"},
      {"saved the resource as a/b.json, SHA-256 0123abcdef",
       "saved the resource as `a/b.json`, "
       "SHA-256 `0123abcdef`"},
      {"deleting 2 pods: agent-7d8f9c6b5-5vndj and agent-5w75k",
       "deleting 2 pods: `agent-7d8f9c6b5-5vndj` and agent-5w75k"},
      {"Choose a backup first: --k3s or --rke2", "Choose a backup first: `--k3s` or `--rke2`"},
      {"Rancher says: `x` @y. Check again: retrust status --cluster c-x7k2p",
       "Rancher says: `` `x` @y. Check again: retrust status --cluster c-x7k2p ``"}};
  for (const auto& each : cases) CHECK(inline_text(each.text) == each.shown);
}

TEST_CASE("nothing from outside is live in a whole transcript") {
  for (const auto& text : hostile) {
    CAPTURE(text);
    RunStarted run;
    run.operator_name = text;
    RunEnded end{.status = 1};
    end.next = {{text, text}};
    const auto shown = document({{.what = run, .text = text},
                                 {.what = PlanMade{{{text, text, Need::needed, true, text}}}},
                                 {.what = StepStarted{text}, .section = text, .text = text},
                                 {.what = Change{}, .section = text, .text = text},
                                 {.what = Warning{{text, text}}, .text = text},
                                 {.what = WaitProgress{}, .text = text},
                                 {.what = FailureTold{1, text, text}, .text = text},
                                 {.what = end}});
    const auto rest = outside_code(shown);
    CHECK(rest.find_first_of("@!~%&$^[]{}<>\\`") == std::string::npos);
    CHECK(rest.find("http") == std::string::npos);
    CHECK(rest.find("#1") == std::string::npos);
  }
}

}  // namespace
}  // namespace retrust
