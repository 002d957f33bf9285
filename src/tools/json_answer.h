#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include "base/json_stream.h"
#include "process/outcome.h"
#include "tools/kubectl_errors.h"

namespace retrust {

/// That a program's output is not what it was asked for, and why.
Failure not_json(const Asked& asked, std::size_t size, std::string_view why);

/// Reads what kubectl or docker prints as JSON while it comes, so that the text is never kept. Must
/// outlive the readers that it makes.
class JsonAnswer {
 public:
  /// `most`: bytes of memory that the documents may take; more ends the child. `expected`:
  /// documents at most; the stream of small ones that a flood is takes far more memory than is
  /// counted.
  explicit JsonAnswer(Trim trim, std::size_t most = DocumentStream::memory_limit,
                      std::size_t expected = 1)
      : trim_(std::move(trim)), most_(most), expected_(expected) {}
  /// Of one document, in memory that is shared with others.
  JsonAnswer(Trim trim, boost::json::storage_ptr memory)
      : trim_(std::move(trim)), memory_(std::move(memory)) {}

  /// For another start of the same command: what was read before is dropped. Never throws; what is
  /// wrong is found out by documents(), as the command's own failure tells more.
  OutputReader reader();

  /// What was printed. Throws Failure where that was not JSON.
  std::vector<boost::json::value> documents(const Asked& asked);
  /// As documents(), where only one is expected.
  boost::json::value document(const Asked& asked);
  /// Bytes that were printed.
  std::size_t size() const { return size_; }

 private:
  Trim trim_;
  std::size_t most_ = 0;
  std::size_t expected_ = 1;
  std::optional<boost::json::storage_ptr> memory_;
  DocumentStream stream_;
  std::vector<boost::json::value> found_;
  std::size_t size_ = 0;
  std::string wrong_;
};

}  // namespace retrust
