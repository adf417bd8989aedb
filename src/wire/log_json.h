#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "wire/decoded.h"

namespace tandem::wire {

// A log record as it goes over the wire; borrows from the caller's record.
struct LogLine {
  std::uint64_t seq = 0;
  WallTime ts;
  std::uint32_t attempt = 0;
  std::string_view stream;  // stdout, stderr, system
  std::string_view data;    // any bytes
};

// {seq, ts, attempt, stream, data}, with data_base64 for data that is not UTF-8.
void encode_log_line(const LogLine& line, std::string& out);
// [{…}, …]
void encode_log_lines(std::span<const LogLine> lines, std::string& out);

struct OwnedLogLine {
  std::uint64_t seq = 0;
  WallTime ts;
  std::uint32_t attempt = 0;
  std::string stream;
  std::string data;
};

// A worker's POST …/tasks/{id}/logs: {attempt, first_seq, records: [{ts, stream, data |
// data_base64, seq?}]}. Records are dense from first_seq; a seq or attempt that says otherwise is
// refused, as is a record of more than kMaxRecordBytes.
struct LogBatch {
  std::uint32_t attempt = 0;
  std::uint64_t first_seq = 1;
  std::vector<OwnedLogLine> records;  // seq and attempt filled in
};
Decoded<LogBatch> decode_log_batch(std::string_view body);
// attempt and first_seq from the first line; `lines` is not empty.
void encode_log_batch(std::span<const LogLine> lines, std::string& out);

// A page of GET …/logs, read by a client: the member `items` (or `records`). Errors: bad_json,
// bad_request.
Result<std::vector<OwnedLogLine>> decode_log_lines(std::string_view body);

}  // namespace tandem::wire
