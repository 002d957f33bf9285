#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace retrust {

/// What a backup archive was found to hold.
struct ArchiveSummary {
  std::uint64_t bytes = 0;     ///< of the archive itself
  std::uint64_t unpacked = 0;  ///< of the tar stream in it
  std::uint64_t files = 0;     ///< regular files below the folder that was asked for
  std::string sha256;          ///< of the archive, as hexadecimal digits
};

/// Reads a .tar.gz as it comes, to its end: a backup that cannot be read back is none.
class ArchiveCheck {
 public:
  /// `folder` is what has to be in it, without the slash that tar takes off ("var/lib/rancher").
  explicit ArchiveCheck(std::string folder);
  ~ArchiveCheck();
  ArchiveCheck(const ArchiveCheck&) = delete;
  ArchiveCheck& operator=(const ArchiveCheck&) = delete;

  /// Throws std::runtime_error where it is damaged.
  void feed(std::string_view piece);
  /// Throws std::runtime_error where it ends too early, or does not hold what it should.
  ArchiveSummary finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace retrust
