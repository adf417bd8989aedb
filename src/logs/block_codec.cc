#include "logs/block_codec.h"

namespace tandem::logs {
namespace {

constexpr std::size_t kHeadBytes = 4 + 1 + 8;

void put_number(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i, value >>= 8) out += static_cast<char>(value & 0xFF);
}

std::uint64_t take_number(std::string_view& in, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(in[i]);
  in.remove_prefix(bytes);
  return value;
}

}  // namespace

std::size_t encode_block(std::span<const LogRecord> records, std::string& out) {
  out.clear();
  std::size_t count = 0;
  while (count < records.size() &&
         (count == 0 || out.size() + records[count].data.size() <= kBlockDataBytes)) {
    const LogRecord& record = records[count++];
    put_number(out, record.data.size(), 4);
    put_number(out, static_cast<std::uint64_t>(record.stream), 1);
    put_number(out, static_cast<std::uint64_t>(record.ts.ms), 8);
    out += record.data;
  }
  return count;
}

bool decode_block(std::string_view block, LogPosition last, std::uint64_t count,
                  std::vector<LogRecord>& out) {
  if (count == 0 || count > last.seq) return false;
  std::uint64_t seq = last.seq - count;
  while (!block.empty()) {
    if (block.size() < kHeadBytes || seq == last.seq) return false;
    const std::size_t size = take_number(block, 4);
    const std::uint64_t stream = take_number(block, 1);
    const auto ts_ms = static_cast<std::int64_t>(take_number(block, 8));
    if (size > block.size() || stream > static_cast<std::uint64_t>(LogStream::system)) return false;
    LogRecord record{.attempt = last.attempt, .seq = ++seq, .ts = {ts_ms}};
    record.stream = static_cast<LogStream>(stream);
    record.data = block.substr(0, size);
    block.remove_prefix(size);
    out.push_back(std::move(record));
  }
  return seq == last.seq;
}

}  // namespace tandem::logs
