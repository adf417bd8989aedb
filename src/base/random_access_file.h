#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tandem {

// A file that is read from any position, wherever its bytes are. Its calls block, and may come from
// any thread. Errors: store_unavailable, not_found where it was removed meanwhile.
class RandomAccessFile {
 public:
  virtual ~RandomAccessFile() = default;
  virtual std::uint64_t size_bytes() const = 0;
  // Fills `out` from its front with what stands at `offset`; answers how many bytes these are, 0
  // only where the file ends there or `out` is empty.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const = 0;
  // Writes all of it to a file of the disk. Also disk_full.
  virtual Result<void> copy_to(int fd) const = 0;
};

// Fills all of `out`; store_unavailable where the file has not so many bytes.
Result<void> read_fully_at(const RandomAccessFile& file, std::uint64_t offset, std::span<char> out);

// All of a small file.
Result<std::string> read_whole(const RandomAccessFile& file);

// A regular file that is open for reading.
std::unique_ptr<const RandomAccessFile> file_of(UniqueFd fd, std::uint64_t size_bytes);

}  // namespace tandem
