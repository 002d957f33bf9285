#include "child.h"

#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <signal.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace retrust::e2e {

void wait_until(const std::string& what, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes{1};
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) throw std::runtime_error("waited in vain: " + what);
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

Child::Child(const Setup& setup)
    : out_(setup.directory / (setup.name + ".out")), err_(setup.directory / (setup.name + ".err")) {
  int ends[2] = {-1, -1};
  if (setup.input == Setup::Input::pipe && ::pipe2(ends, O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe");
  }
  std::vector<char*> argv;
  for (const auto& word : setup.command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    const int in = ends[0] >= 0 ? ends[0] : ::open("/dev/null", O_RDONLY);
    const int out = ::open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int err = ::open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(err, 2);
    for (const auto& [name, value] : setup.environment) ::setenv(name.c_str(), value.c_str(), 1);
    if (::chdir(setup.directory.c_str()) == 0) ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  if (ends[0] >= 0) ::close(ends[0]);
  input_ = ends[1];
}

Child::~Child() {
  close_input();
  if (status_ < 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

int Child::wait() {
  if (status_ >= 0) return status_;
  int raw = 0;
  wait_until(out_.string(), [&] { return ::waitpid(pid_, &raw, WNOHANG) == pid_; });
  status_ = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
  return status_;
}

void Child::signal(int number) const {
  ::kill(pid_, number);
}

void Child::write(const std::string& text) const {
  if (::write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("the child does not read");
  }
}

void Child::close_input() {
  if (input_ >= 0) ::close(input_);
  input_ = -1;
}

std::string Child::out() const {
  return read_file(out_);
}

std::string Child::err() const {
  return read_file(err_);
}

}  // namespace retrust::e2e
