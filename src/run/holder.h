#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace retrust {

/// A process of retrust that repairs a cluster, as other runs see it. Holds no secret.
struct Holder {
  std::string who;            ///< the operator, e.g. "root@bastion, by sudo of ada"
  pid_t process = 0;          ///< the process, in its PID namespace
  std::string folder;         ///< name of the run folder
  std::string machine;        ///< digest of boot and PID namespace; empty if unknown
  std::uint64_t started = 0;  ///< start of the process in clock ticks since the boot
};

/// This process. `who` and `folder` lose the characters that the text form does not take.
Holder this_process(std::string_view who, std::string_view folder);

/// The text form for other runs, and its reading. Nothing for any other text.
std::string text_of(const Holder& holder);
std::optional<Holder> parse_holder(std::string_view text);

/// True if the process of the holder has certainly ended: it ran on this machine since the last
/// boot, and is gone, or another process has its number now.
bool is_gone(const Holder& holder);

/// The holder for people: "root@bastion (process 4711, retrust-production-20261127T130157Z)".
/// Other text, which another program wrote, is shown as it is, fit for a terminal.
std::string shown_holder(std::string_view text);

}  // namespace retrust
