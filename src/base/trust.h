#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/descriptor.h"
#include "base/failure.h"

namespace retrust {

/// The refusal of a file or folder that another user owns or can write.
class Untrusted : public Failure {
 public:
  Untrusted(std::string happened, Advice next)
      : Failure(ExitStatus::refused, std::move(happened), std::move(next)) {}
};

/// Allowed owner of a file that retrust relies on.
enum class Owner { caller, caller_or_root };

/// Says who else could change a file: "belongs to ada", "can be written by the group devs"; empty
/// where nobody could. A group counts as its user alone where it has the user's name, is the user's
/// primary group, lists no other member, and the file has no access control list (umask 002). Root
/// gets no such exception. `path` must lead to the file, e.g. /proc/self/fd/N.
std::string exposure(const struct ::stat& state, const std::string& path, Owner owner);

/// Says who else could change an open file.
std::string exposure(const Descriptor& descriptor, Owner owner);

/// Says who else could replace a member of a folder on the way to a file; empty where nobody could.
/// Where its sticky bit is set only its owner could, and on a read-only mount nobody.
///
/// Kubernetes gives the folder of a ConfigMap volume mode 0777, of root or with the pod's fsGroup,
/// and that of a Secret volume, a tmpfs, mode 1777. The kubelet writes both beside the pod. The
/// container has them mounted read-only from Kubernetes 1.9.4 on, always from 1.10 (pull request
/// 58720). Sources, in kubernetes/kubernetes: pkg/volume/emptydir/empty_dir.go (setupDir,
/// setupTmpfs; commit 0379063), pkg/volume/configmap/configmap.go (commit 00bdb3f),
/// pkg/volume/util/atomic_writer.go (newTimestampDir; commit 00e1102).
std::string way_exposure(const struct ::stat& state, const struct ::statvfs& mount,
                         const std::string& path);

/// The caller's user name for a command, or the number where the user has no name.
std::string caller_name();

/// A shell command with "sudo" before it where the caller is not root.
std::string as_root(const std::string& command);

/// Throws Untrusted where another user could put something else in the place of a folder for
/// temporary files, or of a folder or symbolic link on the way to it: as open_trusted does.
void check_way(const std::filesystem::path& folder);

/// A path quoted for a shell, which no command takes for an option.
std::string operand(const std::filesystem::path& path);

/// Opens a file that the operator named, to read it. Symbolic links are followed, as Kubernetes
/// mounts files. The file must be regular. File, links and every folder on the way must belong to
/// the caller or to root. Nobody else may be able to write the file, nor to replace a member of a
/// folder on the way (way_exposure). Throws Untrusted, or Failure (usage) where the file cannot be
/// read.
Descriptor open_trusted(const std::filesystem::path& path);

/// At most `most` bytes from the beginning of a regular file; empty if it cannot be read. Opens no
/// pipe and reads no endless file. Does not ask who can write it.
std::string beginning_of(const std::filesystem::path& path, std::size_t most);

/// Reads a file up to a limit of bytes. Throws Failure (refused) where it is larger, or cannot be
/// read; `path` is for the message.
std::string read_all(const Descriptor& descriptor, const std::filesystem::path& path,
                     std::size_t limit);

}  // namespace retrust
