// What may follow on a command line, whole or not.
#include <algorithm>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/completion.h"
#include "cli/options.h"

namespace retrust {
namespace {

using Words = std::vector<std::string>;

Words offered(const Completion& completion) {
  Words words;
  for (const auto& candidate : completion.candidates) words.push_back(candidate.word);
  return words;
}

Words offered(const Words& words) {
  return offered(complete_words(words));
}

bool offers(const Words& words, const std::string& word) {
  const auto all = offered(words);
  return std::find(all.begin(), all.end(), word) != all.end();
}

TEST_CASE("candidates are what the tables know in that place") {
  struct Row {
    Words words;
    Words candidates;
  };
  const Words commands{"status", "plan",     "run",        "step", "rollback",
                       "list",   "rehearse", "completion", "help", "version"};
  const std::vector<Row> rows{
      {{}, commands},
      {{""}, commands},
      {{"st"}, {"status", "step"}},
      {{"x"}, {}},
      {{"--verb"}, {"--verbose"}},
      {{"-q", "pl"}, {"plan"}},
      {{"help", "r"}, {"run", "rollback", "rehearse"}},
      {{"completion", ""}, {"bash", "zsh", "fish"}},
      {{"completion", "z"}, {"zsh"}},
      {{"version", "--ku"}, {}},
      {{"run", "--rancher-c"}, {"--rancher-container"}},
      {{"run", "--rancher-b"}, {"--rancher-backup"}},
      {{"run", "--rke"}, {"--rke", "--rke-config", "--rke2"}},
      {{"run", "--k3"}, {"--k3s"}},
      // What does not apply, or was given.
      {{"status", "--overw"}, {}},
      {{"rollback", "dir", "--overw"}, {"--overwrite"}},
      {{"run", "--yes", "--ye"}, {}},
      {{"run", "-y", "--ye"}, {}},
      {{"run", "--output", "json", "--outp"}, {}},
      {{"run", "--output=json", "--outp"}, {}},
      {{"run", "-ojson", "--outp"}, {}},
      {{"run", "-qv", "--verb"}, {}},
      {{"run", "-y"}, {"-y"}},
      // Values.
      {{"run", "--output", ""}, {"text", "json"}},
      {{"run", "--output", "j"}, {"json"}},
      {{"list", "--output", ""}, {"text", "json", "wide", "name"}},
      {{"list", "-ow"}, {}},
      {{"list", "-o", "w"}, {"wide"}},
      {{"list", "--output=n"}, {"name"}},
      {{"run", "--output", "w"}, {}},
      {{"list", "--cl"}, {}},
      {{"list", "--kubec"}, {"--kubeconfig", "--kubectl"}},
      {{"list", "--warn"}, {"--warn-days"}},
      {{"run", "--output=j"}, {"json"}},
      {{"run", "-o", "j"}, {"json"}},
      {{"run", "-qo", "j"}, {"json"}},
      {{"run", "--color", "a"}, {"auto", "always"}},
      {{"run", "--color=n"}, {"never"}},
      {{"run", "--timeout", ""}, {}},
      {{"run", "--namespace", "--outp"}, {"--output"}},
      {{"run", "--unknown=x"}, {}},
      // Steps.
      {{"step", "get-"}, {"get-token", "get-ca"}},
      {{"step", "2."}, {"2.1", "2.2", "2.3", "2.4", "2.5"}},
      {{"step", "--yes", "rest"}, {"restart-rancher"}},
      {{"step", "2.1", "--overw"}, {}},
      {{"run", "--skip", "rest"}, {"restart-rancher"}},
      {{"run", "--skip=rest"}, {"restart-rancher"}},
      {{"run", "--skip", "3.1,get-"}, {"3.1,get-token", "3.1,get-ca"}},
      {{"run", "--skip", "2.3,get-"}, {"2.3,get-ca"}},
      {{"run", "--skip=get-token,2.1,2."},
       {"get-token,2.1,2.2", "get-token,2.1,2.4", "get-token,2.1,2.5"}},
      // A backup is not left out so.
      {{"run", "--skip", "backup"}, {}},
      {{"run", "--skip", "1"}, {}},
      // Nothing after help.
      {{"--help", ""}, {}},
      {{"run", "--help", "--ye"}, {}},
      {{"run", "-h", "--ye"}, {}},
      {{"--version", "s"}, {}},
      // Wrong lines.
      {{"--unknown", "st"}, {"status", "step"}},
      {{"frobnicate", "--ye"}, {"--yes"}},
      {{"frobnicate", "s"}, {}},
      {{"run", "--unknown", "--ye"}, {"--yes"}},
      {{"run", "-z", "--ye"}, {"--yes"}},
      {{"run", "--local-kubeconfig", "--kubeconfig", "x", "--local-k"}, {}},
      // These may be given again.
      {{"run", "--kubeconfig", "--local-kubeconfig", "x", "--kubec"},
       {"--kubeconfig", "--kubectl"}},
      {{"run", "--", "--ye"}, {}},
      {{"--", "st"}, {"status", "step"}},
      {{"run", "", "--ye"}, {"--yes"}},
      {{"-", "--verb"}, {"--verbose"}},
  };
  for (const auto& row : rows) {
    CAPTURE(fmt::format("{}", row.words));
    CHECK(offered(row.words) == row.candidates);
  }
}

TEST_CASE("options are offered where nothing else may stand, letters where a dash was typed") {
  CHECK(offers({"run", ""}, "--cluster"));
  CHECK_FALSE(offers({"run", ""}, "-y"));
  CHECK(offers({"run", "-"}, "-y"));
  CHECK(offers({"run", "-"}, "--yes"));
  CHECK_FALSE(offers({"run", "--"}, "-y"));
  CHECK_FALSE(offers({"step", ""}, "--cluster"));
  CHECK(offers({"step", "2.1", ""}, "--cluster"));
  CHECK(offers({"step", ""}, "repair-impersonation"));
}

TEST_CASE("every option of each command is offered with its help") {
  for (const auto& command : all_commands()) {
    for (const auto& info : all_options()) {
      const auto name = fmt::format("--{}", info.name);
      const auto completion = complete_words({std::string(command.name), name});
      CAPTURE(name);
      const auto found = std::find_if(completion.candidates.begin(), completion.candidates.end(),
                                      [&](const Candidate& each) { return each.word == name; });
      REQUIRE((found != completion.candidates.end()) == applies_to(info, command.command));
      if (found != completion.candidates.end()) CHECK(found->meaning == info.help);
    }
  }
}

TEST_CASE("what is no word of a table is left to the shell, or to the cluster") {
  const auto directive = [](const Words& words) { return complete_words(words).directive; };
  CHECK(directive({"run", "--kubeconfig", ""}) == Directive::files);
  CHECK(directive({"run", "--config=x"}) == Directive::files);
  CHECK(directive({"run", "--docker", "/usr/"}) == Directive::files);
  CHECK(directive({"run", "--run-dir", ""}) == Directive::folders);
  CHECK(directive({"rollback", ""}) == Directive::folders);
  CHECK(directive({"rollback", "dir", ""}) == Directive::words);
  CHECK(directive({"run", "--skip", ""}) == Directive::unfinished_words);
  CHECK(directive({"run", "--timeout", ""}) == Directive::words);
  CHECK(directive({"st"}) == Directive::words);
  CHECK(complete_words({"run", "--cluster", "c-"}).cluster == "c-");
  CHECK(complete_words({"run", "--cluster="}).cluster == "");
  CHECK_FALSE(complete_words({"run", "--context", "c-"}).cluster);
}

TEST_CASE("values of the line, half-typed or wrong as it may be") {
  const auto values =
      values_before_last({"frobnicate", "--unknown", "-z", "--cluster", "--local-kubeconfig", "a",
                          "--local-kubeconfig=b", "--kubectl=/k", "--rancher-container", ""});
  CHECK(values.at("local-kubeconfig") == "a");
  CHECK(values.at("kubectl") == "/k");
  CHECK(values.size() == 2);
}

TEST_CASE("clusters by ID and by name, of an answer that may say anything") {
  const std::string answer =
      "c-x7k2p\tproduction\nlocal\tlocal\nc-m-abc\tPaul's $(touch x)\nc-9\tred\x1b[31m\n"
      "faked name\tx\nc-8\n\n";
  const auto words = [&](std::string_view begin) {
    Completion completion;
    completion.candidates = clusters_that_begin(begin, answer);
    return offered(completion);
  };
  CHECK(words("") ==
        Words{"c-x7k2p", "local", "c-m-abc", "c-9", "c-8", "production", "Paul's $(touch x)"});
  CHECK(words("c-x") == Words{"c-x7k2p"});
  CHECK(words("pr") == Words{"production"});
  CHECK(clusters_that_begin("c-x", answer).front().meaning == "production");
  CHECK(clusters_that_begin("prod", answer).front().meaning == "c-x7k2p");
  CHECK(clusters_that_begin("c-9", answer).front().meaning == "red?[31m");
  CHECK(is_plain("production"));
  CHECK_FALSE(is_plain("Paul's"));
  CHECK_FALSE(is_plain("two words"));
  CHECK_FALSE(is_plain("$(touch"));
}

TEST_CASE("the text that kubectl and the shells read") {
  CHECK(completion_text({}) == ":4\n");
  CHECK(completion_text({{{"a", "first"}, {"b", ""}}, Directive::unfinished_words}) ==
        "a\tfirst\nb\n:6\n");
  CHECK(completion_text({{{"a\nb", "c\td"}}, Directive::folders}) == "a b\tc d\n:16\n");
}

TEST_CASE("the table's choices are the ones that it tells, and that are taken") {
  for (const auto& info : all_options()) {
    const auto told = fmt::format("{} {}", info.argument, info.help);
    for (const auto choice : info.choices) CHECK(told.find(choice) != std::string::npos);
  }
}

}  // namespace
}  // namespace retrust
