#include "side_by_side.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <new>
#include <stdexcept>
#include <stdlib.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace retrust::e2e {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using Clock = std::chrono::steady_clock;

/// What the processes share.
struct Shared {
  std::atomic<std::size_t> next{0};
};

}  // namespace

std::vector<json::value> side_by_side(std::size_t most, Clock::time_point end,
                                      const std::function<json::object(std::size_t)>& perform) {
  auto* memory =
      ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no shared memory");
  auto* shared = new (memory) Shared;
  auto folder = (fs::temp_directory_path() / "retrust-parts-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no directory");
  const auto workers = std::max(1U, std::thread::hardware_concurrency());
  std::vector<pid_t> pids;
  for (unsigned i = 0; i < workers; ++i) {
    const auto pid = ::fork();
    if (pid == 0) {
      std::ofstream file(fs::path(folder) / std::to_string(i));
      while (Clock::now() < end) {
        const auto index = shared->next.fetch_add(1);
        if (index >= most) break;
        file << json::serialize(perform(index)) << std::endl;
      }
      ::_exit(0);
    }
    pids.push_back(pid);
  }
  bool whole = true;
  for (const auto pid : pids) {
    int raw = 0;
    ::waitpid(pid, &raw, 0);
    whole = whole && raw == 0;
  }
  std::vector<json::value> results;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      boost::system::error_code wrong;
      auto value = json::parse(line, wrong);
      // A quoted text may hold bytes that are none.
      if (!wrong) results.push_back(std::move(value));
    }
  }
  fs::remove_all(folder);
  ::munmap(memory, sizeof(Shared));
  if (!whole) throw std::runtime_error("a process of the test ended early");
  return results;
}

}  // namespace retrust::e2e
