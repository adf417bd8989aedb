#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "io/asio.h"
#include "logs/record_cutter.h"
#include "worker/alarm.h"
#include "worker/attempt_log.h"

namespace tandem::worker {

// Reads one stream of a job into its log. Reads no faster than the log takes it, so that a job that
// writes too fast waits in its own pipe. A line without an end is shown after a moment of silence.
class OutputReader {
 public:
  using Read = std::function<io::Awaitable<Result<std::size_t>>(std::span<char>)>;

  OutputReader(AttemptLog& log, logs::LogStream stream, io::Executor executor)
      : log_(log), stream_(stream), silence_(executor) {}

  // Until the stream ends or fails.
  io::Awaitable<void> run(Read read);

 private:
  void show_unfinished();
  void write(std::vector<std::string>& records);

  AttemptLog& log_;
  logs::LogStream stream_;
  logs::RecordCutter cutter_;
  Alarm silence_;
};

}  // namespace tandem::worker
