#include "backup/tar_reader.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace retrust {
namespace {

/// No name is longer; a stream that says so is not ours.
constexpr std::size_t description_limit = std::size_t{1} << 20U;

std::string_view until_zero(std::string_view field) {
  return field.substr(0, field.find('\0'));
}

std::uint64_t octal(std::string_view field) {
  while (field.starts_with(' ')) field.remove_prefix(1);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value, 8);
  if (error != std::errc()) throw std::runtime_error("a size in the tar archive cannot be read");
  return value;
}

/// Octal digits, or, with the highest bit set, a binary number (GNU, from 8 GiB on).
std::uint64_t number(std::string_view field) {
  if ((static_cast<unsigned char>(field[0]) & 0x80U) == 0) return octal(field);
  std::uint64_t value = static_cast<unsigned char>(field[0]) & 0x7FU;
  for (const char c : field.substr(1)) value = (value << 8U) | static_cast<unsigned char>(c);
  return value;
}

/// The sum of a header's bytes, its own field taken as blanks.
bool has_right_sum(std::string_view header) {
  std::uint64_t sum = 8 * std::uint64_t{' '};
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (i < 148 || i >= 156) sum += static_cast<unsigned char>(header[i]);
  }
  return sum == octal(header.substr(148, 8));
}

/// A record of a pax header, "LENGTH KEY=VALUE\n"; empty where it is not there.
std::string pax_value(std::string_view records, std::string_view wanted) {
  while (!records.empty()) {
    std::size_t length = 0;
    const auto [end, error] =
        std::from_chars(records.data(), records.data() + records.size(), length);
    const auto digits = static_cast<std::size_t>(end - records.data());
    if (error != std::errc() || length > records.size() || length < digits + 2) {
      throw std::runtime_error("a pax header in the tar archive cannot be read");
    }
    const auto record = records.substr(digits + 1, length - digits - 2);
    if (record.starts_with(wanted) && record.substr(wanted.size()).starts_with('=')) {
      return std::string(record.substr(wanted.size() + 1));
    }
    records.remove_prefix(length);
  }
  return {};
}

}  // namespace

void TarReader::feed(std::string_view piece) {
  while (!piece.empty()) {
    if (content_left_ > 0) {
      const auto size = std::min<std::uint64_t>(content_left_, piece.size());
      take_content(piece.substr(0, size));
      piece.remove_prefix(size);
    } else if (padding_left_ > 0) {
      const auto size = std::min<std::uint64_t>(padding_left_, piece.size());
      padding_left_ -= size;
      piece.remove_prefix(size);
    } else {
      const auto size = std::min(block_size - filled_, piece.size());
      std::copy_n(piece.data(), size, block_.data() + filled_);
      filled_ += size;
      piece.remove_prefix(size);
      if (filled_ == block_size) take_block();
    }
  }
}

void TarReader::take_block() {
  filled_ = 0;
  const std::string_view header(block_.data(), block_.size());
  // What follows the end is filling.
  if (ended()) return;
  if (std::all_of(header.begin(), header.end(), [](char c) { return c == '\0'; })) {
    ++zero_blocks_;
    return;
  }
  zero_blocks_ = 0;
  if (!has_right_sum(header)) throw std::runtime_error("the tar archive is damaged");

  const char type = header[156] == '\0' ? '0' : header[156];
  const auto size = number(header.substr(124, 12));
  if (type == 'L' || type == 'K' || type == 'x' || type == 'g') {
    if (size > description_limit) throw std::runtime_error("a header of the tar archive is huge");
    describing_ = type;
    description_.clear();
    content_left_ = size;
    padding_left_ = (block_size - size % block_size) % block_size;
    return;
  }
  std::string name(until_zero(header.substr(0, 100)));
  const auto prefix = until_zero(header.substr(345, 155));
  // GNU's own format keeps other things in this field, and has no zero at the end of its magic.
  if (header.substr(257, 6) == std::string_view("ustar\0", 6) && !prefix.empty()) {
    name = std::string(prefix) + "/" + name;
  }
  begin({std::move(name), type, size});
}

void TarReader::begin(Entry entry) {
  if (!next_name_.empty()) entry.name = std::move(next_name_);
  if (!next_size_.empty()) {
    const auto* end = next_size_.data() + next_size_.size();
    if (std::from_chars(next_size_.data(), end, entry.size).ptr != end) {
      throw std::runtime_error("a size in the tar archive cannot be read");
    }
  }
  next_name_.clear();
  next_size_.clear();
  // Links and devices say a size now and then, but have no content.
  const auto has_content = entry.type == '0' || entry.type == '7';
  content_left_ = has_content ? entry.size : 0;
  padding_left_ = (block_size - content_left_ % block_size) % block_size;
  on_entry_(entry);
}

void TarReader::take_content(std::string_view content) {
  content_left_ -= content.size();
  if (describing_ == 0) {
    on_data_(content);
    return;
  }
  description_ += content;
  if (content_left_ > 0) return;
  if (describing_ == 'L') next_name_ = until_zero(description_);
  if (describing_ == 'x') {
    if (auto path = pax_value(description_, "path"); !path.empty()) next_name_ = std::move(path);
    next_size_ = pax_value(description_, "size");
  }
  describing_ = 0;
}

}  // namespace retrust
