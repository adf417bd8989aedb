#include "base/random_access_file.h"

#include <cerrno>
#include <utility>

namespace tandem {
namespace {

Error unreadable() { return fail(Errc::store_unavailable, "A file can't be read."); }

Error copy_error(int error) {
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return fail(is_full ? Errc::disk_full : Errc::store_unavailable, "A file could not be copied.");
}

class FdFile final : public RandomAccessFile {
 public:
  FdFile(UniqueFd fd, std::uint64_t size_bytes) : fd_(std::move(fd)), size_bytes_(size_bytes) {}

  std::uint64_t size_bytes() const override { return size_bytes_; }

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const override {
    for (;;) {
      const ssize_t count = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) return unreadable();
    }
  }

  // Shares the blocks where the file system can, else copies within the kernel.
  Result<void> copy_to(int fd) const override {
    off_t offset = 0;
    for (std::uint64_t left = size_bytes_; left > 0;) {
      const ssize_t copied = ::copy_file_range(fd_.get(), &offset, fd, nullptr, left, 0);
      if (copied > 0)
        left -= static_cast<std::uint64_t>(copied);
      else if (copied == 0 || errno != EINTR)
        return copy_error(copied == 0 ? EIO : errno);
    }
    return {};
  }

 private:
  const UniqueFd fd_;
  const std::uint64_t size_bytes_;
};

}  // namespace

Result<void> read_fully_at(const RandomAccessFile& file, std::uint64_t offset,
                           std::span<char> out) {
  while (!out.empty()) {
    const auto count = file.read_at(offset, out);
    if (!count) return count.error();
    if (*count == 0) return unreadable();
    offset += *count;
    out = out.subspan(*count);
  }
  return {};
}

Result<std::string> read_whole(const RandomAccessFile& file) {
  std::string content(file.size_bytes(), '\0');
  if (auto read = read_fully_at(file, 0, content); !read) return read.error();
  return content;
}

std::unique_ptr<const RandomAccessFile> file_of(UniqueFd fd, std::uint64_t size_bytes) {
  return std::make_unique<FdFile>(std::move(fd), size_bytes);
}

}  // namespace tandem
