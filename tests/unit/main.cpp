#define DOCTEST_CONFIG_IMPLEMENT
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tools/guard.h"

int main(int argc, char** argv) {
  // Sessions start their guard from the program that they are part of.
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (const auto status = retrust::run_as_guard(args)) return *status;
  return doctest::Context(argc, argv).run();
}
