#include "store/sqlite/task_rows.h"

#include "sqlite_queries.h"
#include "store/task_codec.h"

namespace tandem::store {
namespace {

namespace sql = tandem::sql::sqlite;

// In the order of the view.
enum Column : int {
  kTaskId,
  kClientId,
  kLaneId,
  kStatus,
  kAttempt,
  kFirstAttempt,
  kWorkerLosses,
  kMaxAttempts,
  kPriority,
  kCancelRequested,
  kRunAt,
  kCreatedAt,
  kUpdatedAt,
  kQueuedAt,
  kQueueExpiresAt,
  kAssignedAt,
  kStartedAt,
  kFinishedAt,
  kWorkerId,
  kWorkerName,
  kUniqueKey,
  kLabels,
  kSpec,
  kState,
  kResult,
  kPayload,
  kQueue,
  kJobType,
  kAssignment,
  kRequires,
};

Error unreadable() { return fail(Errc::store_unavailable, "A row of the database can't be read"); }

bool read_spec(const Query& row, Task& task) {
  TaskSpec& spec = task.spec;
  spec.payload = row.text_at(kPayload);
  spec.job_type = row.text_at(kJobType);
  spec.queue = row.text_at(kQueue);
  spec.priority = static_cast<int>(row.integer_at(kPriority));
  spec.max_attempts = static_cast<int>(row.integer_at(kMaxAttempts));
  spec.unique_key = row.text_at(kUniqueKey);
  const auto assignment = assignment_from(row.text_at(kAssignment));
  if (!assignment) return false;
  spec.assignment = *assignment;
  return unpack_list(row.blob_at(kRequires), spec.requires_labels) &&
         unpack_labels(row.blob_at(kLabels), spec.labels) && unpack_spec(row.blob_at(kSpec), task);
}

bool read_state(const Query& row, Task& task) {
  const auto status = task_status_from(row.text_at(kStatus));
  if (!status) return false;
  task.status = *status;
  task.attempt = static_cast<std::uint32_t>(row.integer_at(kAttempt));
  task.first_attempt = static_cast<std::uint32_t>(row.integer_at(kFirstAttempt));
  task.worker_losses = static_cast<std::uint32_t>(row.integer_at(kWorkerLosses));
  task.run_at = row.optional_time_at(kRunAt);
  task.updated_at = row.time_at(kUpdatedAt);
  task.queued_at = row.optional_time_at(kQueuedAt);
  task.assigned_at = row.optional_time_at(kAssignedAt);
  task.started_at = row.optional_time_at(kStartedAt);
  task.finished_at = row.optional_time_at(kFinishedAt);
  task.worker_id = WorkerId(row.id_at(kWorkerId));
  task.worker_name = row.text_at(kWorkerName);
  task.cancel_requested = row.integer_at(kCancelRequested) != 0;
  task.result = row.text_at(kResult);
  return unpack_state(row.blob_at(kState), task);
}

Client client_of(const Query& row) {
  return {.client_id = ClientId(row.id_at(0)),
          .name = std::string(row.text_at(1)),
          .secret_hash = std::string(row.text_at(2)),
          .scope = std::string(row.text_at(3)),
          .created_at = row.time_at(4),
          .secret_changed_at = row.time_at(5)};
}

}  // namespace

Result<Task> task_of(const Query& row) {
  Task task;
  task.task_id = TaskId(row.id_at(kTaskId));
  task.client_id = ClientId(row.id_at(kClientId));
  task.created_at = row.time_at(kCreatedAt);
  if (!read_spec(row, task) || !read_state(row, task)) return unreadable();
  return task;
}

Result<std::vector<Task>> tasks_of(Query& query) {
  std::vector<Task> tasks;
  for (;;) {
    auto more = query.step();
    if (!more) return more.error();
    if (!*more) return tasks;
    auto task = task_of(query);
    if (!task) return task.error();
    tasks.push_back(std::move(*task));
  }
}

Result<std::optional<Task>> task_or_none(Query& query) {
  auto row = query.step();
  if (!row) return row.error();
  if (!*row) return std::optional<Task>{};
  auto task = task_of(query);
  if (!task) return task.error();
  return std::optional(std::move(*task));
}

Result<std::optional<Client>> find_client_row(Connection& connection, const ClientId& id) {
  Query query(connection, sql::find_client);
  auto row = query.id(id).step();
  if (!row) return row.error();
  if (!*row) return std::optional<Client>{};
  return std::optional(client_of(query));
}

Result<std::vector<Client>> list_client_rows(Connection& connection,
                                             const std::optional<ClientId>& after, int limit) {
  Query query(connection, sql::list_clients);
  query.blob({}).integer(limit);
  if (after) query.at(1).id(*after);
  std::vector<Client> clients;
  for (;;) {
    auto more = query.step();
    if (!more) return more.error();
    if (!*more) return clients;
    clients.push_back(client_of(query));
  }
}

}  // namespace tandem::store
