#include "tools/json_answer.h"

#include <stdexcept>

#include <boost/system/system_error.hpp>
#include <fmt/format.h>

namespace retrust {

Failure not_json(const Asked& asked, std::size_t size, std::string_view why) {
  return bad_answer(asked, fmt::format("printed what is not JSON ({} bytes: {})", size, why));
}

OutputReader JsonAnswer::reader() {
  stream_ = memory_ ? DocumentStream(trim_, *memory_) : DocumentStream(trim_, most_);
  found_.clear();
  size_ = 0;
  wrong_.clear();
  return [this](std::string_view piece) {
    size_ += piece.size();
    // After the first error the reader only waits for the end, unless the output is endless: the
    // command itself may say what is wrong.
    constexpr std::size_t most = std::size_t{8} << 20U;
    if (!wrong_.empty()) return size_ > most ? Flow::too_much : Flow::go_on;
    try {
      stream_.feed(piece, [&](boost::json::value document) {
        if (found_.size() == expected_) throw std::out_of_range("more documents than expected");
        found_.push_back(std::move(document));
      });
    } catch (const std::out_of_range& error) {
      wrong_ = error.what();
    } catch (const boost::system::system_error& error) {
      wrong_ = error.code().message();
    } catch (const std::length_error&) {
      return Flow::too_much;
    }
    return Flow::go_on;
  };
}

std::vector<boost::json::value> JsonAnswer::documents(const Asked& asked) {
  if (!wrong_.empty()) throw not_json(asked, size_, wrong_);
  if (!stream_.at_boundary()) throw not_json(asked, size_, "it ends in the middle");
  return std::move(found_);
}

std::optional<boost::json::value> JsonAnswer::single() {
  if (!wrong_.empty() || !stream_.at_boundary() || found_.size() != 1) return std::nullopt;
  return std::move(found_.front());
}

boost::json::value JsonAnswer::document(const Asked& asked) {
  auto found = documents(asked);
  if (found.size() != 1) throw not_json(asked, size_, "not one document");
  return std::move(found.front());
}

}  // namespace retrust
