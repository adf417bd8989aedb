#include "blobs/s3/s3_file.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "blobs/disk_file.h"

namespace tandem::blobs {
namespace {

constexpr std::uint64_t kFirstBytes = 256 * 1024, kMostBytes = 8 * 1024 * 1024;
constexpr std::size_t kCopiedAtOnce = 256 * 1024;

}  // namespace

S3File::S3File(std::shared_ptr<S3Client> client, std::string key, UniqueFd spool)
    : client_(std::move(client)),
      key_(std::move(key)),
      spool_(std::move(spool)),
      wanted_(kFirstBytes) {}

Result<std::unique_ptr<const RandomAccessFile>> S3File::open(std::shared_ptr<S3Client> client,
                                                             std::string key, UniqueFd spool) {
  std::unique_ptr<S3File> file(new S3File(std::move(client), std::move(key), std::move(spool)));
  auto first = file->fetch(0, kFirstBytes);
  if (!first) return first.error();
  file->size_bytes_ = first->object_bytes;
  file->etag_ = std::move(first->etag);
  file->window_ = {first->offset, first->length};
  return std::unique_ptr<const RandomAccessFile>(std::move(file));
}

Result<S3Client::Piece> S3File::fetch(std::uint64_t offset, std::uint64_t length) const {
  if (::ftruncate(spool_.get(), 0) != 0 || ::lseek(spool_.get(), 0, SEEK_SET) != 0)
    return disk_error(errno);
  return client_->get(key_, offset, length, spool_.get());
}

Result<void> S3File::move_window_to(std::uint64_t offset) const {
  const bool goes_on = offset == window_.end();
  wanted_ = goes_on ? std::min(wanted_ * 2, kMostBytes) : kFirstBytes;
  // Who looks at the end of a file soon looks at what stands before it.
  const std::uint64_t last = size_bytes_ - std::min(size_bytes_, wanted_);
  const std::uint64_t begin = goes_on ? offset : std::min(offset, last);
  window_ = {};
  const auto piece = fetch(begin, wanted_);
  if (!piece) return piece.error();
  window_ = {piece->offset, piece->length};
  if (piece->etag == etag_ && piece->object_bytes == size_bytes_ && window_.has(offset)) return {};
  window_ = {};
  return fail(Errc::store_unavailable, "The file was replaced while it was read.");
}

Result<std::size_t> S3File::read_at(std::uint64_t offset, std::span<char> out) const {
  if (offset >= size_bytes_ || out.empty()) return 0u;
  const std::lock_guard lock(mutex_);
  if (!window_.has(offset))
    if (auto moved = move_window_to(offset); !moved) return moved.error();
  const std::size_t most = std::min<std::uint64_t>(out.size(), window_.end() - offset);
  const auto place = static_cast<off_t>(offset - window_.offset);
  const ssize_t count = ::pread(spool_.get(), out.data(), most, place);
  if (count <= 0) return disk_error(count < 0 ? errno : EIO);
  return static_cast<std::size_t>(count);
}

Result<void> S3File::copy_to(int fd) const {
  std::string piece(kCopiedAtOnce, '\0');
  for (std::uint64_t offset = 0; offset < size_bytes_;) {
    const auto count = read_at(offset, piece);
    if (!count) return count.error();
    if (auto written = write_all(fd, {piece.data(), *count}); !written) return written;
    offset += *count;
  }
  return {};
}

}  // namespace tandem::blobs
