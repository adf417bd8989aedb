#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "blobs/blob_store.h"
#include "logs/log_store.h"

namespace tandem::logs {

// A log that nobody writes any more, packed: blocks (block_codec.h), each a zstd frame, then an
// index in a frame that zstd passes over. So a part of it is read without the rest.

// A block's row of the index.
struct ArchiveBlock {
  LogPosition last;
  std::uint32_t count = 0;
  std::uint64_t offset = 0;
  std::uint32_t packed_bytes = 0, bytes = 0;
};

// Writes an archive into a file that is on its way in; the caller finishes that. Errors: its.
class ArchiveWriter {
 public:
  explicit ArchiveWriter(blobs::BlobWriter& out) : out_(out) {}
  // In order of their positions, over all calls.
  Result<void> add(std::vector<LogRecord> records);
  Result<void> finish();  // once, the last call
  LogPosition end() const { return end_; }

 private:
  Result<void> write_blocks(bool is_last);
  Result<std::size_t> write_block(std::span<const LogRecord> records);

  blobs::BlobWriter& out_;
  std::vector<LogRecord> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t offset_ = 0;
  std::vector<ArchiveBlock> index_;
  LogPosition end_;
  std::string block_, packed_;  // kept for their memory
};

// Reads one; from any thread. Errors: those of its file, store_unavailable where
// it is no packed log.
class ArchiveFile {
 public:
  static Result<ArchiveFile> open(blobs::BlobFile file);
  // As LogReader::read.
  Result<std::vector<LogRecord>> read(LogPosition after, int limit, std::size_t max_bytes) const;
  LogPosition end() const { return index_.empty() ? LogPosition{} : index_.back().last; }

 private:
  ArchiveFile(blobs::BlobFile file, std::vector<ArchiveBlock> index)
      : file_(std::move(file)), index_(std::move(index)) {}
  Result<std::vector<LogRecord>> unpack(const ArchiveBlock& block) const;

  blobs::BlobFile file_;
  std::vector<ArchiveBlock> index_;
};

}  // namespace tandem::logs
