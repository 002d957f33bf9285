#include "base/json_stream.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/error.hpp>
#include <boost/json/memory_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value_stack.hpp>

namespace retrust {
namespace {

namespace json = boost::json;
using Error = boost::system::error_code;

/// What the C library takes for a piece of memory: documents may consist of small ones.
std::size_t cost(std::size_t size) {
  constexpr std::size_t least = 32;
  constexpr std::size_t header = 8;
  constexpr std::size_t unit = 16;
  return std::max(least, (size + header + unit - 1) / unit * unit);
}

/// Counts what is in use. Boost.JSON asks for no more than the usual alignment, and may give memory
/// back with another one than it asked for.
class BoundedMemory final : public json::memory_resource {
 public:
  explicit BoundedMemory(std::size_t most) : most_(most) {}

 private:
  void* do_allocate(std::size_t size, std::size_t /*alignment*/) override {
    if (used_ + cost(size) > most_) {
      throw std::length_error("more than the objects of a cluster can be");
    }
    auto* memory = ::operator new(size);
    used_ += cost(size);
    return memory;
  }
  void do_deallocate(void* memory, std::size_t size, std::size_t /*alignment*/) override {
    used_ -= cost(size);
    ::operator delete(memory);
  }
  bool do_is_equal(const json::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::size_t most_;
  std::size_t used_ = 0;
};

/// What the parser calls: builds the document, and the items of its list each by itself.
class Builder {
 public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  Builder(Trim trim, const json::storage_ptr& memory)
      : trim_(std::move(trim)),
        memory_(memory),
        document_(memory_),
        item_(memory_),
        items_(memory_) {
    document_.reset(memory_);
    item_.reset(memory_);
  }

  json::value release() {
    auto document = document_.release();
    document_.reset(memory_);
    if (listed_) document.as_object()["items"] = std::move(items_);
    items_ = json::array(memory_);
    listed_ = false;
    key_.clear();
    return document;
  }

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) {
    ++depth_;
    return true;
  }
  bool on_object_end(std::size_t size, Error&) {
    --depth_;
    stack().push_object(size);
    return value_ended();
  }
  bool on_array_begin(Error&) {
    ++depth_;
    if (trim_ && depth_ == items_depth && key_ == "items") in_items_ = listed_ = true;
    return true;
  }
  bool on_array_end(std::size_t size, Error&) {
    const auto ends_items = in_items_ && depth_ == items_depth;
    --depth_;
    if (ends_items) {
      in_items_ = false;
      size = 0;  // they are elsewhere, until the document is whole
    }
    stack().push_array(size);
    return value_ended();
  }
  bool on_key_part(json::string_view part, std::size_t, Error&) {
    if (depth_ == 1) key_part_ += part;
    stack().push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, Error&) {
    if (depth_ == 1) {
      key_ = key_part_ + std::string(part);
      key_part_.clear();
      // Of a key that comes twice the last value counts, as elsewhere in JSON.
      if (key_ == "items") {
        items_ = json::array(memory_);
        listed_ = false;
      }
    }
    stack().push_key(part);
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, Error&) {
    stack().push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, Error&) {
    stack().push_string(part);
    return value_ended();
  }
  bool on_number_part(json::string_view, Error&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, Error&) {
    stack().push_int64(number);
    return value_ended();
  }
  bool on_uint64(std::uint64_t number, json::string_view, Error&) {
    stack().push_uint64(number);
    return value_ended();
  }
  bool on_double(double number, json::string_view, Error&) {
    stack().push_double(number);
    return value_ended();
  }
  bool on_bool(bool truth, Error&) {
    stack().push_bool(truth);
    return value_ended();
  }
  bool on_null(Error&) {
    stack().push_null();
    return value_ended();
  }
  bool on_comment_part(json::string_view, Error&) { return true; }
  bool on_comment(json::string_view, Error&) { return true; }

 private:
  /// Of the array `items` of a document: the object around it is the first.
  static constexpr std::size_t items_depth = 2;

  json::value_stack& stack() { return in_items_ ? item_ : document_; }

  bool value_ended() {
    if (!in_items_ || depth_ != items_depth) return true;
    auto item = item_.release();
    item_.reset(memory_);
    trim_(item);
    items_.push_back(std::move(item));
    return true;
  }

  Trim trim_;
  json::storage_ptr memory_;
  json::value_stack document_;
  json::value_stack item_;
  json::array items_;
  std::size_t depth_ = 0;
  bool in_items_ = false;
  bool listed_ = false;
  std::string key_part_;
  std::string key_;
};

}  // namespace

struct DocumentStream::State {
  State(Trim trim, const json::storage_ptr& memory) : parser({}, std::move(trim), memory) {}

  json::basic_parser<Builder> parser;
  bool begun = false;
};

json::storage_ptr bounded_memory(std::size_t most) {
  return json::make_shared_resource<BoundedMemory>(most);
}

DocumentStream::DocumentStream(Trim trim, std::size_t most)
    : DocumentStream(std::move(trim), bounded_memory(most)) {}
DocumentStream::DocumentStream(Trim trim, json::storage_ptr memory)
    : state_(std::make_unique<State>(std::move(trim), memory)) {}
DocumentStream::~DocumentStream() = default;
DocumentStream::DocumentStream(DocumentStream&&) noexcept = default;
DocumentStream& DocumentStream::operator=(DocumentStream&&) noexcept = default;

bool DocumentStream::at_boundary() const {
  return !state_->begun;
}

void DocumentStream::feed(std::string_view piece,
                          const std::function<void(json::value)>& on_document) {
  auto& parser = state_->parser;
  while (!piece.empty()) {
    if (!state_->begun) {
      const auto start = piece.find_first_not_of(" \t\r\n");
      if (start == std::string_view::npos) return;
      piece.remove_prefix(start);
      state_->begun = true;
    }
    Error wrong;
    piece.remove_prefix(parser.write_some(true, piece.data(), piece.size(), wrong));
    if (wrong) throw boost::system::system_error(wrong);
    if (!parser.done()) continue;
    state_->begun = false;
    auto document = parser.handler().release();
    parser.reset();
    on_document(std::move(document));
  }
}

json::value parse_document(std::string_view text) {
  DocumentStream stream;
  std::vector<json::value> found;
  stream.feed(text, [&](json::value document) { found.push_back(std::move(document)); });
  if (!stream.at_boundary() || found.empty()) {
    throw boost::system::system_error(json::make_error_code(json::error::incomplete));
  }
  if (found.size() > 1) {
    throw boost::system::system_error(json::make_error_code(json::error::extra_data));
  }
  return std::move(found.front());
}

}  // namespace retrust
