#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

namespace retrust {

/// Removes unused members from an item of a list before the next item is read.
using Trim = std::function<void(boost::json::value& item)>;

/// Memory for documents: more than so many bytes throws std::length_error. Several streams may
/// share it.
boost::json::storage_ptr bounded_memory(std::size_t most);

/// Parses a stream of JSON documents, one after another, as kubectl prints them, in a bounded
/// amount of memory: all that it hands out, and what it is reading, together.
class DocumentStream {
 public:
  /// Bytes. The objects of a cluster that are needed are far less; one has a few megabytes at most.
  static constexpr std::size_t memory_limit = std::size_t{20} << 20U;

  /// With a trim the items of a list are trimmed one by one, so that a long list of which little
  /// is needed never is in memory whole.
  explicit DocumentStream(Trim trim = {}, std::size_t most = memory_limit);
  DocumentStream(Trim trim, boost::json::storage_ptr memory);
  ~DocumentStream();
  DocumentStream(DocumentStream&&) noexcept;
  DocumentStream& operator=(DocumentStream&&) noexcept;

  /// Hands on every document that the piece completes. Throws boost::system::system_error where
  /// the text is not JSON, and std::length_error where it needs too much memory.
  void feed(std::string_view piece, const std::function<void(boost::json::value)>& on_document);

  /// True if no document is incomplete.
  bool at_boundary() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Parses a text of one document, in as little memory. Throws as DocumentStream::feed does, also
/// where the text is none or more than one.
boost::json::value parse_document(std::string_view text);

}  // namespace retrust
