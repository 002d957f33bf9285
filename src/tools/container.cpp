#include "tools/container.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <iomanip>
#include <sstream>
#include <stdexcept>

#include <boost/json/array.hpp>

#include "base/json.h"
#include "base/lines.h"

namespace retrust {
namespace {

bool is_version(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  return !text.empty() && text.front() >= '0' && text.front() <= '9' &&
         text.find('.') != std::string_view::npos;
}

/// The tag of an image, e.g. "v2.4.17" of registry:5000/rancher/rancher:v2.4.17@sha256:…, or empty.
std::string_view tag_of(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const auto colon = image.rfind(':');
  if (colon == std::string_view::npos) return {};
  const auto tag = image.substr(colon + 1);
  return tag.find('/') == std::string_view::npos ? tag : std::string_view{};
}

bool holds(std::string_view destination, std::string_view path) {
  while (destination.size() > 1 && destination.ends_with('/')) destination.remove_suffix(1);
  if (destination == "/") return true;
  return path.starts_with(destination) &&
         (path.size() == destination.size() || path[destination.size()] == '/');
}

}  // namespace

bool ContainerMount::mapped() const {
  if (type == "bind") return true;
  constexpr std::size_t digits = 64;
  const auto& text = name.str();
  const auto made_up =
      text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string::npos;
  return type == "volume" && !name.empty() && !made_up;
}

const ContainerMount* Container::mount_of(std::string_view path) const {
  const ContainerMount* nearest = nullptr;
  for (const auto& mount : mounts) {
    if (!holds(mount.destination, path)) continue;
    if (nearest == nullptr || mount.destination.str().size() > nearest->destination.str().size()) {
      nearest = &mount;
    }
  }
  return nearest;
}

Container parse_container(const boost::json::value& inspected) {
  if (!inspected.is_array() || inspected.get_array().size() != 1) {
    throw std::runtime_error("it did not show one container");
  }
  const auto& shown = inspected.get_array().front();
  Container container;
  container.id = text_at(shown, "/Id");
  const auto name = text_at(shown, "/Name");
  container.name = std::string_view(name).substr(name.starts_with('/') ? 1 : 0);
  container.image = text_at(shown, "/Config/Image");
  container.state = text_at(shown, "/State/Status");
  container.started = parse_moment(text_at(shown, "/State/StartedAt"));
  if (container.id.empty() || container.state.empty()) {
    throw std::runtime_error("it did not show the container's id and state");
  }
  if (const auto tag = tag_of(container.image); is_version(tag)) container.version = tag;
  constexpr std::array labels{"/Config/Labels/org.opencontainers.image.version",
                              "/Config/Labels/org.label-schema.version"};
  for (const auto* label : labels) {
    if (const auto value = text_at(shown, label); container.version.empty() && is_version(value)) {
      container.version = value;
    }
  }
  for (const auto& mount : array_at(shown, "/Mounts")) {
    container.mounts.push_back({text_at(mount, "/Type"), text_at(mount, "/Name"),
                                text_at(mount, "/Source"), text_at(mount, "/Destination")});
  }
  return container;
}

std::optional<std::uint64_t> parse_du(std::string_view printed) {
  return whole_number(column(last_line(printed), 0));
}

std::optional<std::uint64_t> parse_df(std::string_view printed) {
  // FILE-SYSTEM 1024-BLOCKS USED AVAILABLE CAPACITY MOUNTED-ON
  const auto line = last_line(printed);
  return column(line, 5).empty() ? std::nullopt : whole_number(column(line, 3));
}

std::optional<std::chrono::sys_seconds> parse_moment(const std::string& text) {
  std::tm parts{};
  std::istringstream stream(text);
  stream >> std::get_time(&parts, "%Y-%m-%dT%H:%M:%S");
  if (stream.fail()) return std::nullopt;
  const std::chrono::sys_seconds local{std::chrono::seconds{timegm(&parts)}};
  if (stream.peek() == '.') {
    stream.get();
    while (std::isdigit(stream.peek()) != 0) stream.get();
  }
  std::string zone;
  stream >> zone;
  if (zone == "Z") return local;
  // "+01:00"
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
  const auto hours = whole_number(std::string_view(zone).substr(1, 2));
  const auto minutes = whole_number(std::string_view(zone).substr(4, 2));
  if (!hours || !minutes) return std::nullopt;
  const auto offset = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
  return zone[0] == '+' ? local - offset : local + offset;
}

std::string version_for_name(std::string_view version) {
  std::string name;
  for (const char c : version.substr(0, 40)) {
    const auto plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-';
    name += plain ? c : '_';
  }
  return name.empty() ? "unknown" : name;
}

}  // namespace retrust
