#pragma once

#include <cstdint>
#include <string_view>

#include "base/folder.h"

namespace retrust {

/// Room on the disk of a folder, for what must still be written when the disk is full. A file
/// without a name holds it, so that a kill gives it back.
class ReservedRoom {
 public:
  /// Throws Failure (refused) where the disk has no such room, or a file may not be so large. A
  /// file system that cannot reserve room is left alone. `purpose` is e.g. "the transcript".
  ReservedRoom(const Folder& folder, std::uint64_t bytes, std::string_view purpose);

 private:
  Descriptor file_;
};

}  // namespace retrust
