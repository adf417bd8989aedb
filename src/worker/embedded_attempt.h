#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "worker/alarm.h"
#include "worker/embedded_worker.h"
#include "worker/job.h"

namespace tandem::worker {

// One attempt of the embedded worker, from its order to the answer to its end.
struct EmbeddedWorker::Attempt final : JobListener, std::enable_shared_from_this<Attempt> {
  Attempt(EmbeddedWorker& owner, TaskPtr of) : worker(owner), task(std::move(of)) {}

  void progressed(const Progress& progress) override;
  void asks(const InputRequest& request) override;

  Key key() const { return {task->task_id, task->attempt}; }
  queue::Update update(queue::UpdateKind kind) const;
  // Calls `again` after a pause that grows from call to call.
  void later(std::function<void()> again);

  EmbeddedWorker& worker;
  TaskPtr task;
  std::unique_ptr<Job> job;  // null: a quick function, or none was found
  std::uint64_t last_input_seq = 0;
  std::optional<Progress> progress;      // the last one
  std::optional<InputRequest> question;  // the open one
  std::optional<queue::Update> final;    // its end, until that is durable
  bool lost = false;                     // it is another's now: its end is nobody's business
  bool killed = false;                   // by a stop() that would not wait
  std::int64_t pause_ms = 50;
  std::unique_ptr<Alarm> alarm;
};

}  // namespace tandem::worker
