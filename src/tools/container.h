#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "base/display_text.h"

namespace retrust {

/// Rancher's data folder in its container. The image declares a volume there.
inline constexpr std::string_view rancher_data = "/var/lib/rancher";
/// The beginning of the path of an archive of these data in the container.
inline constexpr std::string_view archive_begin = "/tmp/rancher-data-backup-";

/// A mount of a container.
struct ContainerMount {
  DisplayText type;         ///< bind, volume, tmpfs …
  DisplayText name;         ///< name of a volume
  DisplayText source;       ///< path on the engine's host
  DisplayText destination;  ///< path in the container

  /// Whether the mount is mapped in the runbook's sense: a bind, or a volume that a person named.
  /// The engine itself gives names of 64 hexadecimal digits, to the volume that every Rancher image
  /// declares.
  bool mapped() const;
};

/// The facts about a container that retrust uses, from `docker inspect`.
struct Container {
  DisplayText id;
  DisplayText name;
  DisplayText image;    ///< the image as given to docker run
  DisplayText state;    ///< running, exited, paused …
  DisplayText version;  ///< Rancher's version, by the image's tag or label; may be empty
  /// Time of the last start; none if docker shows no readable time.
  std::optional<std::chrono::sys_seconds> started;
  std::vector<ContainerMount> mounts;

  /// The mount that holds a path: the nearest mount at the path or at a folder above. An image's
  /// own volume hides a folder mapped above it and holds the data instead.
  const ContainerMount* mount_of(std::string_view path) const;
};

/// Parses the output of `docker inspect`: an array of one container. Throws std::runtime_error for
/// any other value.
Container parse_container(const boost::json::value& inspected);

/// Size in KiB of the folder given to `du -sk`, by the last printed line. Nothing for other texts.
std::optional<std::uint64_t> parse_du(std::string_view printed);

/// Free KiB by `df -Pk` of one file system. Nothing for other texts.
std::optional<std::uint64_t> parse_df(std::string_view printed);

/// Parses "2026-11-25T04:20:00.123456789Z", or a time with an offset, as podman writes. Nothing for
/// other texts.
std::optional<std::chrono::sys_seconds> parse_moment(const std::string& text);

/// The version in a form fit for a file name, or "unknown".
std::string version_for_name(std::string_view version);

}  // namespace retrust
