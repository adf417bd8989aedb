#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"

namespace tandem::logs {

// Cuts a stream of bytes into the data of log records. Put together again, the records are the
// stream, byte for byte. A record ends behind a line end where there is one within the bound and
// may hold several lines; a longer line is cut, not within a UTF-8 sequence. Keeps less than one
// record.
class RecordCutter {
 public:
  explicit RecordCutter(std::size_t max_record_bytes = limits::kMaxRecordBytes);

  // Takes what was read; appends to `out` what is complete.
  void feed(std::string_view chunk, std::vector<std::string>& out);
  // Gives out a line that has no end yet, such as a prompt, when its job has been silent for a
  // moment. The start of a UTF-8 sequence stays behind for one more flush().
  void flush(std::vector<std::string>& out);
  // The stream has ended: gives out all that is left.
  void finish(std::vector<std::string>& out);

  // Bytes held: flush() has something to give out when this is not 0.
  std::size_t held_bytes() const { return held_.size(); }

 private:
  std::size_t max_record_bytes_;
  std::string held_;      // holds no line end
  bool flushed_ = false;  // held_ is what the last flush() left behind
};

}  // namespace tandem::logs
