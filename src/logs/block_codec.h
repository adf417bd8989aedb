#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logs/log_store.h"

namespace tandem::logs {

// A piece of a stored log: some records of one attempt with dense seqs, one behind the other:
// length u32, stream u8, ts i64, data; numbers in little endian.
inline constexpr std::size_t kBlockDataBytes = 128 * 1024;  // a new block is begun beyond this

// The front of `records` that makes one block (at least one record), encoded into `out`.
std::size_t encode_block(std::span<const LogRecord> records, std::string& out);

// false where the bytes are no block of `count` records.
bool decode_block(std::string_view block, LogPosition last, std::uint64_t count,
                  std::vector<LogRecord>& out);

}  // namespace tandem::logs
