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

/// The failure for a program's output that is not the JSON asked for; `why` has the reason.
Failure not_json(const Asked& asked, std::size_t size, std::string_view why);

/// Reads the JSON of kubectl or docker as a stream, so that the text is never kept. Must outlive
/// its readers.
class JsonAnswer {
 public:
  /// `most` limits the documents' memory in bytes: a larger output ends the child. `expected`
  /// limits the number of documents, as a flood of small documents takes far more memory than is
  /// counted.
  explicit JsonAnswer(Trim trim, std::size_t most = DocumentStream::memory_limit,
                      std::size_t expected = 1)
      : trim_(std::move(trim)), most_(most), expected_(expected) {}
  /// Reads one document into memory shared with other answers.
  JsonAnswer(Trim trim, boost::json::storage_ptr memory)
      : trim_(std::move(trim)), memory_(std::move(memory)) {}

  /// A reader for the next start of the command. Documents of earlier starts are dropped. Never
  /// throws: documents() reports faults, as the command's own failure tells more.
  OutputReader reader();

  /// The printed documents. Throws Failure if the output was not JSON.
  std::vector<boost::json::value> documents(const Asked& asked);
  /// The single printed document. Throws as documents() does.
  boost::json::value document(const Asked& asked);
  /// The single printed document; nothing if the output was anything else.
  std::optional<boost::json::value> single();
  /// Size of the output in bytes.
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
