#include "run/holder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "base/descriptor.h"
#include "base/display_text.h"
#include "base/encoding.h"

namespace retrust {
namespace {

constexpr std::string_view separator = "; ";
constexpr std::string_view before_process = "process ";
/// Limits in bytes.
constexpr std::size_t most_who = 160;
constexpr std::size_t most_folder = 120;
constexpr std::size_t most_other = 200;
constexpr std::size_t machine_digits = 12;

/// The beginning of a small file of /proc; empty if it cannot be read.
std::string read_small(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  std::array<char, 4096> text{};
  const auto size = ::read(file.get(), text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

/// Equal for 2 processes only if they ran since the same boot, in the same PID namespace: a process
/// number means the same process to both.
std::string machine() {
  const auto boot = read_small("/proc/sys/kernel/random/boot_id");
  std::array<char, 64> name_space{};
  const auto size = ::readlink("/proc/self/ns/pid", name_space.data(), name_space.size());
  if (boot.empty() || size <= 0) return {};
  return sha256_hex(boot + std::string(name_space.data(), static_cast<std::size_t>(size)))
      .substr(0, machine_digits);
}

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// State and start of a process by /proc/PID/stat, see proc(5). Nothing if it cannot be read.
struct ProcessState {
  char state = 0;
  std::uint64_t started = 0;
};

std::optional<ProcessState> state_of(pid_t process) {
  const auto text = read_small(fmt::format("/proc/{}/stat", process));
  // The name of the program may hold spaces and brackets.
  const auto name_end = text.rfind(") ");
  if (name_end == std::string::npos) return std::nullopt;
  std::vector<std::string_view> fields;
  std::string_view rest(text);
  rest.remove_prefix(name_end + 2);
  while (!rest.empty()) {
    const auto end = std::min(rest.find(' '), rest.size());
    fields.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  // The first of these is field 3.
  constexpr std::size_t start_field = 22 - 3;
  if (fields.size() <= start_field || fields.front().empty()) return std::nullopt;
  const auto started = number_in<std::uint64_t>(fields[start_field]);
  if (!started) return std::nullopt;
  return ProcessState{fields.front().front(), *started};
}

bool is_file_character(char each) {
  return std::isalnum(static_cast<unsigned char>(each)) != 0 || each == '.' || each == '_' ||
         each == '-';
}

}  // namespace

Holder this_process(std::string_view who, std::string_view folder) {
  Holder holder;
  holder.who = display_text(who, most_who);
  std::replace(holder.who.begin(), holder.who.end(), ';', ',');
  holder.folder = std::string(folder.substr(0, most_folder));
  std::replace_if(
      holder.folder.begin(), holder.folder.end(),
      [](char each) { return !is_file_character(each); }, '_');
  holder.process = ::getpid();
  holder.machine = machine();
  const auto state = state_of(holder.process);
  // Without its start, another process with its number could not be told from it.
  if (!state) holder.machine.clear();
  holder.started = state ? state->started : 0;
  return holder;
}

std::string text_of(const Holder& holder) {
  return fmt::format("{}{}{}{}{}{}{}{}.{}", holder.who, separator, before_process, holder.process,
                     separator, holder.folder, separator, holder.machine, holder.started);
}

std::optional<Holder> parse_holder(std::string_view text) {
  std::vector<std::string_view> parts;
  constexpr std::size_t expected = 4;
  while (parts.size() <= expected) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + separator.size());
  }
  if (parts.size() != expected || !parts[1].starts_with(before_process)) return std::nullopt;
  Holder holder;
  holder.who = display_text(parts[0], most_who);
  const auto process = number_in<pid_t>(parts[1].substr(before_process.size()));
  const auto dot = std::min(parts[3].find('.'), parts[3].size());
  const auto started =
      number_in<std::uint64_t>(parts[3].substr(std::min(dot + 1, parts[3].size())));
  const auto is_name = parts[2].size() <= most_folder &&
                       std::all_of(parts[2].begin(), parts[2].end(), is_file_character);
  if (!process || *process <= 0 || !started || !is_name) return std::nullopt;
  holder.process = *process;
  holder.folder = std::string(parts[2]);
  holder.machine = std::string(parts[3].substr(0, dot));
  holder.started = *started;
  return holder;
}

bool is_gone(const Holder& holder) {
  if (holder.machine.size() != machine_digits || holder.machine != machine()) return false;
  if (::kill(holder.process, 0) != 0 && errno == ESRCH) return true;
  // /proc can hide the processes of other users (proc(5): hidepid).
  const auto now = state_of(holder.process);
  if (!now) return false;
  return now->started != holder.started || now->state == 'Z' || now->state == 'X';
}

std::string shown_holder(std::string_view text) {
  if (const auto holder = parse_holder(text)) {
    return fmt::format("{} (process {}{}{})", holder->who, holder->process,
                       holder->folder.empty() ? "" : ", ", holder->folder);
  }
  const auto shown = display_text(text, most_other);
  return shown.empty() ? std::string("another run") : fmt::format("\"{}\"", shown);
}

}  // namespace retrust
