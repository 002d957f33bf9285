#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace retrust {

/// Where a long text may be cut. Half a secret is not masked, so what is not masked yet is cut
/// between words.
enum class Cut { anywhere, between_words };

/// The text with what is in its middle left out where it has more than `limit` bytes, and how much
/// that was: of `total` bytes where it has been shortened before. Whole lines where there are any.
std::string shortened(std::string_view text, std::size_t limit, std::size_t total = 0,
                      Cut cut = Cut::anywhere);

}  // namespace retrust
