#include "logs/archive/archive_file.h"

#include <zstd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "logs/block_codec.h"

namespace tandem::logs {
namespace {

constexpr std::string_view kMagic = "TandLog1";
constexpr std::size_t kRowBytes = 4 + 8 + 4 + 8 + 4 + 4;
constexpr std::size_t kFootBytes = 8 + 8;          // rows, magic
constexpr std::uint32_t kPassedOver = 0x184D2A50;  // a zstd frame that is no data
constexpr std::size_t kMaxBlockBytes = 4 * 1024 * 1024;
constexpr std::size_t kGatherBytes = 1024 * 1024;
constexpr int kLevel = 3;

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i, value >>= 8) out += static_cast<char>(value & 0xFF);
}

std::uint64_t take(std::string_view& in, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(in[i]);
  in.remove_prefix(bytes);
  return value;
}

Error unreadable() { return fail(Errc::store_unavailable, "A packed log can't be read."); }

Result<std::string> read_at(const RandomAccessFile& file, std::uint64_t offset, std::size_t bytes) {
  if (offset > file.size_bytes() || bytes > file.size_bytes() - offset) return unreadable();
  std::string out(bytes, '\0');
  if (auto read = read_fully_at(file, offset, out); !read) return read.error();
  return out;
}

// How many records from the front are of one attempt and dense: a block can hold only such.
std::size_t dense_front(std::span<const LogRecord> records) {
  std::size_t count = 1;
  while (count < records.size() && records[count].attempt == records[0].attempt &&
         records[count].seq == records[count - 1].seq + 1)
    ++count;
  return count;
}

std::vector<ArchiveBlock> rows_of(std::string_view rows) {
  std::vector<ArchiveBlock> index;
  while (rows.size() >= kRowBytes) {
    ArchiveBlock row;
    row.last.attempt = static_cast<std::uint32_t>(take(rows, 4));
    row.last.seq = take(rows, 8);
    row.count = static_cast<std::uint32_t>(take(rows, 4));
    row.offset = take(rows, 8);
    row.packed_bytes = static_cast<std::uint32_t>(take(rows, 4));
    row.bytes = static_cast<std::uint32_t>(take(rows, 4));
    index.push_back(row);
  }
  return index;
}

}  // namespace

Result<void> ArchiveWriter::add(std::vector<LogRecord> records) {
  for (LogRecord& record : records) {
    waiting_bytes_ += record.data.size();
    waiting_.push_back(std::move(record));
  }
  if (!waiting_.empty()) end_ = waiting_.back().position();
  return waiting_bytes_ < kGatherBytes ? Result<void>() : write_blocks(false);
}

// All but the last dense run, which may go on.
Result<void> ArchiveWriter::write_blocks(bool is_last) {
  std::span<const LogRecord> rest = waiting_;
  while (!rest.empty()) {
    const std::size_t run = dense_front(rest);
    if (!is_last && run == rest.size() && waiting_bytes_ < kBlockDataBytes) break;
    const auto written = write_block(rest.first(run));
    if (!written) return written.error();
    for (const LogRecord& record : rest.first(*written)) waiting_bytes_ -= record.data.size();
    rest = rest.subspan(*written);
  }
  waiting_.erase(waiting_.begin(), waiting_.end() - static_cast<std::ptrdiff_t>(rest.size()));
  return {};
}

Result<std::size_t> ArchiveWriter::write_block(std::span<const LogRecord> records) {
  const std::size_t count = encode_block(records, block_);
  packed_.resize(ZSTD_compressBound(block_.size()));
  const std::size_t packed =
      ZSTD_compress(packed_.data(), packed_.size(), block_.data(), block_.size(), kLevel);
  if (ZSTD_isError(packed) != 0) return fail(Errc::internal, "A log can't be packed.");
  if (auto written = out_.write({packed_.data(), packed}); !written) return written.error();
  index_.push_back({.last = records[count - 1].position(),
                    .count = static_cast<std::uint32_t>(count),
                    .offset = std::exchange(offset_, offset_ + packed),
                    .packed_bytes = static_cast<std::uint32_t>(packed),
                    .bytes = static_cast<std::uint32_t>(block_.size())});
  return count;
}

Result<void> ArchiveWriter::finish() {
  if (auto written = write_blocks(true); !written) return written;
  std::string foot;
  put(foot, kPassedOver, 4);
  put(foot, index_.size() * kRowBytes + kFootBytes, 4);
  for (const ArchiveBlock& row : index_) {
    put(foot, row.last.attempt, 4);
    put(foot, row.last.seq, 8);
    put(foot, row.count, 4);
    put(foot, row.offset, 8);
    put(foot, row.packed_bytes, 4);
    put(foot, row.bytes, 4);
  }
  put(foot, index_.size(), 8);
  foot += kMagic;
  return out_.write(foot);
}

Result<ArchiveFile> ArchiveFile::open(blobs::BlobFile file) {
  const std::uint64_t size = file->size_bytes();
  if (size < kFootBytes) return unreadable();
  const auto foot = read_at(*file, size - kFootBytes, kFootBytes);
  if (!foot) return foot.error();
  std::string_view rest = *foot;
  const std::uint64_t rows = take(rest, 8);
  if (rest != kMagic || rows > (size - kFootBytes) / kRowBytes) return unreadable();
  const std::size_t bytes = rows * kRowBytes;
  const auto index = read_at(*file, size - kFootBytes - bytes, bytes);
  if (!index) return index.error();
  return ArchiveFile(std::move(file), rows_of(*index));
}

Result<std::vector<LogRecord>> ArchiveFile::unpack(const ArchiveBlock& block) const {
  if (block.bytes > kMaxBlockBytes) return unreadable();
  const auto packed = read_at(*file_, block.offset, block.packed_bytes);
  if (!packed) return packed.error();
  std::string bytes(block.bytes, '\0');
  const std::size_t got =
      ZSTD_decompress(bytes.data(), bytes.size(), packed->data(), packed->size());
  std::vector<LogRecord> records;
  const bool is_whole = ZSTD_isError(got) == 0 && got == bytes.size() &&
                        decode_block(bytes, block.last, block.count, records);
  if (!is_whole) return unreadable();
  return records;
}

Result<std::vector<LogRecord>> ArchiveFile::read(LogPosition after, int limit,
                                                 std::size_t max_bytes) const {
  std::vector<LogRecord> out;
  const auto most = static_cast<std::size_t>(std::max(limit, 0));
  std::size_t bytes = 0;
  const auto is_behind = [after](const ArchiveBlock& block) { return block.last > after; };
  auto block = std::find_if(index_.begin(), index_.end(), is_behind);
  for (; block != index_.end(); ++block) {
    if (out.size() >= most || (bytes >= max_bytes && !out.empty())) break;
    auto records = unpack(*block);
    if (!records) return records.error();
    for (LogRecord& record : *records) {
      if (record.position() <= after) continue;
      if (out.size() >= most || (bytes >= max_bytes && !out.empty())) return out;
      bytes += record.data.size();
      out.push_back(std::move(record));
    }
  }
  return out;
}

}  // namespace tandem::logs
