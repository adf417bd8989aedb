#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "exec/control_pipe.h"
#include "io/asio.h"
#include "wire/control_line.h"
#include "worker/alarm.h"
#include "worker/attempt_log.h"
#include "worker/job.h"
#include "worker/secret_mask.h"

namespace tandem::worker {

// Reads what a job says on its control pipe. Progress goes to the listener at most ten times a
// second, the last one always. Lines that can't be understood are named in the log. No secret of
// `mask` is passed on. The loop's thread only.
class ControlReader {
 public:
  using Read = std::function<io::Awaitable<Result<std::size_t>>(std::span<char>)>;
  using Asked = std::function<void(wire::InputRequestLine)>;

  ControlReader(JobListener& listener, AttemptLog& log, std::shared_ptr<const SecretMask> mask,
                io::Executor executor)
      : listener_(listener), log_(log), mask_(std::move(mask)), interval_(executor) {}

  // Until the pipe ends. `asked` is called with each question.
  io::Awaitable<void> run(Read read, Asked asked);

  // JSON text; empty where the job has said none.
  const std::string& result() const { return result_; }

 private:
  void take(const std::string& line, const Asked& asked);
  void progressed(const Progress& progress);
  void pass_on();
  void complain(const std::string& why);
  std::string masked(std::string text) const { return mask_ ? mask_->masked_text(text) : text; }

  JobListener& listener_;
  AttemptLog& log_;
  const std::shared_ptr<const SecretMask> mask_;  // null: none
  exec::ControlPipe pipe_;
  Alarm interval_;  // set: progress was passed on a moment ago
  std::optional<Progress> waiting_;
  std::string result_;
  int complaints_ = 0;
};

}  // namespace tandem::worker
