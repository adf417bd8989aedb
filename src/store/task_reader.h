#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/task.h"
#include "store/account_store.h"
#include "store/callback.h"
#include "store/worker_store.h"

namespace tandem::store {

// What a list asks for. Newest first.
struct TaskFilter {
  std::optional<ClientId> client_id;  // none: of all clients
  StatusSet statuses;                 // empty: any
  std::string job_type, queue;        // empty: any
  std::optional<WorkerId> worker_id;
  std::vector<std::pair<std::string, std::string>> labels;  // all of them
  std::string search;  // in job_type, task_id and payload, without regard to case (ASCII)
  std::optional<WallTime> created_after, created_before;  // exclusive, exclusive
  std::optional<TaskId> before;  // the last of the page before: only older ones
  int limit = 50;
};

struct TaskStats {
  std::map<std::pair<std::string, TaskStatus>, std::int64_t> counts;  // by queue and status
  std::optional<WallTime> oldest_pending;  // created_at of the pending task with the least id
  std::int64_t created_last_minute = 0;    // by the time within task_id
  std::int64_t finished_last_minute = 0;
};

// Reads of what is committed, for requests. Thread-safe; every call blocks, so it belongs on an
// offload thread. Errors: store_unavailable.
class TaskReader {
 public:
  virtual ~TaskReader() = default;
  virtual Result<std::optional<Task>> find(TaskId id) = 0;
  virtual Result<std::vector<Task>> list(const TaskFilter& filter) = 0;
  virtual Result<TaskStats> stats(std::optional<ClientId> client, WallTime now) = 0;
  // What is owed to URLs that begin so, the next to be tried first: also what is not yet due.
  virtual Result<std::vector<Callback>> list_callbacks(std::string_view url_prefix, int limit) = 0;
  virtual Result<std::optional<Client>> find_client(ClientId id) = 0;
  virtual Result<std::vector<Client>> list_clients(std::optional<ClientId> after, int limit) = 0;
  virtual Result<std::optional<WorkerRecord>> find_worker(WorkerId id) = 0;
  // By its token; not by the one that it replaced.
  virtual Result<std::optional<WorkerRecord>> find_worker_of(const std::string& token_sha256) = 0;
  // In order of their ids, revoked ones too.
  virtual Result<std::vector<WorkerRecord>> list_workers(std::optional<WorkerId> after,
                                                         int limit) = 0;
};

}  // namespace tandem::store
