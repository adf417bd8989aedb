// Rows of the log database, and the cutting of a job's output into records. The first byte is the
// number of records that the row is said to have.
#include "logs/block_codec.h"
#include "logs/record_cutter.h"
#include "tests/fuzz/target.h"

namespace tandem::fuzz {
namespace {

void check_block(std::string_view block, std::uint64_t count) {
  const logs::LogPosition last{7, 1000};
  std::vector<logs::LogRecord> records;
  if (!logs::decode_block(block, last, count, records)) return;
  TANDEM_ASSERT(records.size() == count && records.back().position() == last);
  TANDEM_ASSERT(records.front().seq == last.seq - count + 1);
  std::string again;
  TANDEM_ASSERT(logs::encode_block(records, again) == count && again == block);
}

void check_cutter(std::string_view stream) {
  constexpr std::size_t kBound = 32;
  logs::RecordCutter cutter(kBound);
  std::vector<std::string> records;
  for (Pieces pieces(stream); !pieces.at_end();) {
    cutter.feed(pieces.next(), records);
    if (pieces.below(4) == 0) cutter.flush(records);
    TANDEM_ASSERT(cutter.held_bytes() < kBound);
  }
  cutter.finish(records);
  std::string whole;
  for (const std::string& record : records) {
    TANDEM_ASSERT(!record.empty() && record.size() <= kBound);
    whole += record;
  }
  TANDEM_ASSERT(whole == stream);
}

}  // namespace

void check(std::string_view input) {
  check_cutter(input);
  if (input.empty() || input.size() > logs::kBlockDataBytes) return;
  check_block(input.substr(1), static_cast<unsigned char>(input.front()));
}

}  // namespace tandem::fuzz
