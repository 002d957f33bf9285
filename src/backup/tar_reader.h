#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace retrust {

/// Takes a tar stream apart as it comes: ustar, and GNU's and pax' ways of long names and sizes.
class TarReader {
 public:
  struct Entry {
    std::string name;  ///< as it stands there
    char type = '0';   ///< '0' a file, '5' a directory, …
    std::uint64_t size = 0;
  };

  /// `on_entry` is called at the beginning of each entry, `on_data` with the pieces of its content.
  TarReader(std::function<void(const Entry&)> on_entry,
            std::function<void(std::string_view)> on_data)
      : on_entry_(std::move(on_entry)), on_data_(std::move(on_data)) {}

  /// Throws std::runtime_error where this is no tar stream.
  void feed(std::string_view piece);

  /// The two blocks that end an archive were seen: nothing is missing.
  bool ended() const { return zero_blocks_ >= 2; }

 private:
  static constexpr std::size_t block_size = 512;

  void take_block();
  void take_content(std::string_view content);
  void begin(Entry entry);

  std::function<void(const Entry&)> on_entry_;
  std::function<void(std::string_view)> on_data_;
  std::array<char, block_size> block_{};
  std::size_t filled_ = 0;
  std::uint64_t content_left_ = 0;
  std::uint64_t padding_left_ = 0;
  /// What describes the next entry: a GNU long name, or pax records.
  char describing_ = 0;
  std::string description_;
  std::string next_name_;
  std::string next_size_;
  int zero_blocks_ = 0;
};

}  // namespace retrust
