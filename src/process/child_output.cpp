#include "process/child_output.h"

#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>

namespace retrust {
namespace {

constexpr std::size_t error_limit = std::size_t{64} << 10U;

}  // namespace

void ChildOutput::adopt(Descriptor& read_end) {
  pipe_.assign(read_end.get());
  read_end.release();
  open_ = true;
}

void ChildOutput::read(Take take, Ended ended) {
  pipe_.async_read_some(boost::asio::buffer(buffer_),
                        [this, take = std::move(take), ended = std::move(ended)](
                            boost::system::error_code end, std::size_t size) mutable {
                          if (size > 0) take({buffer_.data(), size});
                          open_ = !end;
                          if (open_) {
                            read(std::move(take), std::move(ended));
                          } else {
                            ended();
                          }
                        });
}

void ChildOutput::close() {
  boost::system::error_code ignored;
  pipe_.close(ignored);
}

bool keep_output(Outcome& outcome, std::string_view piece, std::size_t limit) {
  const auto room = limit - outcome.out.size();
  outcome.out += piece.substr(0, room);
  outcome.out_size += piece.size();
  return piece.size() <= room;
}

bool keep_errors(Outcome& outcome, std::string_view piece) {
  const auto room = error_limit - outcome.err.size();
  outcome.err += piece.substr(0, room);
  if (piece.size() <= room) return true;
  // Nobody can tell whether a word that is cut off is a secret.
  const auto end = outcome.err.find_last_of(" \t\r\n");
  outcome.err.resize(end == std::string::npos ? 0 : end + 1);
  return false;
}

}  // namespace retrust
