#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/asio.h"
#include "logs/record_cutter.h"
#include "worker/alarm.h"
#include "worker/attempt_log.h"
#include "worker/secret_mask.h"

namespace tandem::worker {

// Reads one stream of a job into its log. Reads no faster than the log takes it, so that a job that
// writes too fast waits in its own pipe. A line without an end is shown after a moment of silence;
// no secret of `mask` is.
class OutputReader {
 public:
  using Read = std::function<io::Awaitable<Result<std::size_t>>(std::span<char>)>;

  OutputReader(AttemptLog& log, logs::LogStream stream, std::shared_ptr<const SecretMask> mask,
               io::Executor executor)
      : log_(log), stream_(stream), mask_(std::move(mask)), filter_(mask_), silence_(executor) {}

  // Until the stream ends or fails.
  io::Awaitable<void> run(Read read);

 private:
  void show_unfinished();
  void take(std::string_view data);
  void write(std::vector<std::string>& records);

  AttemptLog& log_;
  logs::LogStream stream_;
  const std::shared_ptr<const SecretMask> mask_;  // null: none
  SecretFilter filter_;
  logs::RecordCutter cutter_;
  Alarm silence_;
};

}  // namespace tandem::worker
