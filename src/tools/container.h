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

/// Where Rancher keeps its data in its container: the image declares a volume there.
inline constexpr std::string_view rancher_data = "/var/lib/rancher";

/// Something mounted into a container.
struct ContainerMount {
  DisplayText type;         ///< bind, volume, tmpfs …
  DisplayText name;         ///< of a volume
  DisplayText source;       ///< on the engine's host
  DisplayText destination;  ///< in the container

  /// What the runbook calls mapped: a bind, or a volume that a person named. Names of 64
  /// hexadecimal digits are the engine's own, for the volume that every Rancher image declares.
  bool mapped() const;
};

/// What matters of a container as `docker inspect` shows it.
struct Container {
  DisplayText id;
  DisplayText name;
  DisplayText image;    ///< as it was given to docker run
  DisplayText state;    ///< running, exited, paused …
  DisplayText version;  ///< of Rancher, by the image's tag or label; may be empty
  /// When it was started last; nothing where that cannot be read.
  std::optional<std::chrono::sys_seconds> started;
  std::vector<ContainerMount> mounts;

  /// The mount that holds a path: the nearest one at it or at a folder above it. An image's own
  /// volume lies over a folder that was mapped above it, and holds the data then.
  const ContainerMount* mount_of(std::string_view path) const;
};

/// Reads what `docker inspect` printed: an array of one. Throws std::runtime_error where it is
/// anything else.
Container parse_container(const boost::json::value& inspected);

/// KiB of the folder that `du -sk` was asked about, by its last line. Nothing for other texts.
std::optional<std::uint64_t> parse_du(std::string_view printed);

/// KiB that are free by `df -Pk`, of one file system. Nothing for other texts.
std::optional<std::uint64_t> parse_df(std::string_view printed);

/// "2026-11-25T04:20:00.123456789Z", or with an offset as podman writes it; nothing for other
/// texts.
std::optional<std::chrono::sys_seconds> parse_moment(const std::string& text);

/// A version fit for a file name: what stands there, or "unknown".
std::string version_for_name(std::string_view version);

}  // namespace retrust
