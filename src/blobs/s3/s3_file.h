#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/random_access_file.h"
#include "blobs/s3/s3_client.h"

namespace tandem::blobs {

// An object that is read in windows: those that follow each other grow, so that a large file takes
// few requests and a look into one takes little. The window lies in `spool`, an empty file without
// a name. An object that was replaced meanwhile can't be read any more.
class S3File final : public RandomAccessFile {
 public:
  // Fetches the first window, which is all of a small file. Errors: those of S3Client, disk_full.
  static Result<std::unique_ptr<const RandomAccessFile>> open(std::shared_ptr<S3Client> client,
                                                              std::string key, UniqueFd spool);

  std::uint64_t size_bytes() const override { return size_bytes_; }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) const override;
  Result<void> copy_to(int fd) const override;

 private:
  struct Window {
    std::uint64_t offset = 0, length = 0;
    std::uint64_t end() const { return offset + length; }
    bool has(std::uint64_t at) const { return at >= offset && at < end(); }
  };
  S3File(std::shared_ptr<S3Client> client, std::string key, UniqueFd spool);
  Result<S3Client::Piece> fetch(std::uint64_t offset, std::uint64_t length) const;
  Result<void> move_window_to(std::uint64_t offset) const;

  const std::shared_ptr<S3Client> client_;
  const std::string key_;
  const UniqueFd spool_;
  std::uint64_t size_bytes_ = 0;
  std::string etag_;
  mutable std::mutex mutex_;
  mutable Window window_;         // guarded by mutex_, as the bytes in spool_
  mutable std::uint64_t wanted_;  // the length of the last one that was asked for; guarded
};

}  // namespace tandem::blobs
