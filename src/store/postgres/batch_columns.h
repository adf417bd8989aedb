#pragma once

#include "core/task.h"
#include "store/postgres/params.h"

namespace tandem::store::postgres {

// What of a task never changes, and what does: columns of a batch, in the order in which tasks.sql
// has them.
class SpecColumns {
 public:
  void add(const Task& task, std::int64_t lane_id);
  void append_to(Params& params);  // empties them

 private:
  Column task_id_{Type::uuid}, client_id_{Type::uuid}, lane_id_{Type::bigint},
      created_at_{Type::bigint}, max_attempts_{Type::integer}, priority_{Type::smallint},
      unique_key_{Type::text}, labels_{Type::text}, spec_{Type::bytea}, payload_{Type::text};
};

class StateColumns {
 public:
  explicit StateColumns(const Uuid& server) : server_(server) {}
  void add(const Task& task);
  void append_to(Params& params);  // empties them

 private:
  Column status_{Type::text}, attempt_{Type::integer}, first_attempt_{Type::integer},
      worker_losses_{Type::integer}, cancel_requested_{Type::boolean}, run_at_{Type::bigint},
      updated_at_{Type::bigint}, queued_at_{Type::bigint}, queue_expires_at_{Type::bigint},
      assigned_at_{Type::bigint}, started_at_{Type::bigint}, finished_at_{Type::bigint},
      worker_id_{Type::uuid}, worker_name_{Type::text}, state_{Type::bytea}, result_{Type::text},
      owner_{Type::uuid};
  const Uuid server_;
};

// Which row a change is for: as long as it has this attempt and this status.
class GuardColumns {
 public:
  void add(const TaskId& id, std::uint32_t attempt, TaskStatus status);
  void append_to(Params& params);  // empties them

 private:
  Column task_id_{Type::uuid}, attempt_{Type::integer}, status_{Type::text};
};

}  // namespace tandem::store::postgres
