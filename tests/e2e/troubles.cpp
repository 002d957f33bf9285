#include "troubles.h"

#include <filesystem>

namespace retrust::e2e {

namespace fs = std::filesystem;

std::string troubled_kubectl(const Sandbox& sandbox, const std::string& commands,
                             const Trouble& trouble, int times) {
  const std::string real = "${RETRUST_TEST_KUBECTL:-kubectl}";
  const auto count = (sandbox.directory() / "troubles").string();
  const auto path = sandbox.directory() / "troubled-kubectl";
  const auto effect = trouble.effect == Trouble::Effect::taken
                          ? "\"" + real + "\" \"$@\" >/dev/null 2>&1\n"
                          : std::string("cat >/dev/null\n");
  write_file(path, "#!/bin/sh\ncase \" $* \" in " + commands + ")\necho x >>'" + count +
                       "'\nif [ \"$(wc -l <'" + count + "')\" -le " + std::to_string(times) +
                       " ]; then\n" + effect + trouble.words + "\nfi ;; esac\nexec \"" + real +
                       "\" \"$@\"\n");
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

std::size_t attempts(const Sandbox& sandbox) {
  return lines_of(read_file(sandbox.directory() / "troubles")).size();
}

}  // namespace retrust::e2e
