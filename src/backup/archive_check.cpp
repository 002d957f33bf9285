#include "backup/archive_check.h"

#include <array>
#include <stdexcept>
#include <zlib.h>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "backup/tar_reader.h"

namespace retrust {
namespace {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new()) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
      throw std::runtime_error("SHA-256 is not available");
    }
  }
  void update(std::string_view piece) {
    EVP_DigestUpdate(context_.get(), piece.data(), piece.size());
  }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
    std::string text;
    for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
    return text;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

/// gzip, of one member or several.
class Inflater {
 public:
  Inflater() {
    // 16 more than the largest window means: with a gzip header.
    if (inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  template <typename Take>
  void feed(std::string_view piece, Take take) {
    // zlib does not write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
      if (ended_ && stream_.avail_in > 0) {
        inflateReset(&stream_);
        ended_ = false;
      }
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      const auto result = inflate(&stream_, Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        throw std::runtime_error("the gzip archive is damaged");
      }
      take(std::string_view(out_.data(), out_.size() - stream_.avail_out));
      ended_ = result == Z_STREAM_END;
    } while (stream_.avail_in > 0 || stream_.avail_out == 0);
  }
  bool ended() const { return ended_; }

 private:
  z_stream stream_{};
  std::array<char, 65536> out_{};
  bool ended_ = false;
};

}  // namespace

struct ArchiveCheck::State {
  explicit State(std::string wanted)
      : folder(std::move(wanted)),
        tar([this](const TarReader::Entry& entry) { see(entry); }, [](std::string_view) {}) {}

  void see(const TarReader::Entry& entry) {
    std::string_view name = entry.name;
    if (name.starts_with("./")) name.remove_prefix(2);
    if (entry.type == '0' && name.starts_with(folder + "/")) ++summary.files;
  }

  std::string folder;
  Sha256 digest;
  Inflater inflater;
  ArchiveSummary summary;
  TarReader tar;
};

ArchiveCheck::ArchiveCheck(std::string folder)
    : state_(std::make_unique<State>(std::move(folder))) {}

ArchiveCheck::~ArchiveCheck() = default;

void ArchiveCheck::feed(std::string_view piece) {
  if (piece.empty()) return;
  state_->digest.update(piece);
  state_->summary.bytes += piece.size();
  state_->inflater.feed(piece, [&](std::string_view unpacked) {
    state_->summary.unpacked += unpacked.size();
    state_->tar.feed(unpacked);
  });
}

ArchiveSummary ArchiveCheck::finish() {
  if (!state_->inflater.ended()) throw std::runtime_error("the gzip archive ends too early");
  if (!state_->tar.ended()) throw std::runtime_error("the tar archive ends too early");
  if (state_->summary.files == 0) {
    throw std::runtime_error(fmt::format("there is no file of {} in it", state_->folder));
  }
  state_->summary.sha256 = state_->digest.hex();
  return state_->summary;
}

}  // namespace retrust
