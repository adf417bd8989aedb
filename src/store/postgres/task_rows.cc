#include "store/postgres/task_rows.h"

#include "postgres_queries.h"
#include "store/task_codec.h"

namespace tandem::store::postgres {
namespace {

namespace sql = tandem::sql::postgres;

constexpr char kUnitSeparator = '\x1f';

// In the order of the views.
enum Field : int {
  kTaskId,
  kClientId,
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
  kAssignedAt,
  kStartedAt,
  kFinishedAt,
  kWorkerId,
  kWorkerName,
  kUniqueKey,
  kLabelText,
  kSpec,
  kState,
  kResult,
  kPayload,
  kQueue,
  kJobType,
  kAssignment,
  kRequires,
  kLabels,
  kOwner,
};

template <class Pairs>
std::string joined(const Pairs& labels) {
  std::string text;
  for (const auto& [key, value] : labels) {
    if (!text.empty()) text.push_back(kUnitSeparator);
    text.append(key).append("=").append(value);
  }
  return text;
}

void split_labels(std::string_view text, Labels& labels) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find(kUnitSeparator));
    const std::size_t equals = pair.find('=');
    labels.emplace_hint(labels.end(), pair.substr(0, equals), pair.substr(equals + 1));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
  }
}

bool read_spec(const Row& row, Task& task) {
  TaskSpec& spec = task.spec;
  spec.payload = row.bytes(kPayload);
  spec.job_type = row.bytes(kJobType);
  spec.queue = row.bytes(kQueue);
  spec.priority = static_cast<int>(row.number(kPriority));
  spec.max_attempts = static_cast<int>(row.number(kMaxAttempts));
  spec.unique_key = row.bytes(kUniqueKey);
  split_labels(row.bytes(kLabelText), spec.labels);
  const auto assignment = assignment_from(row.bytes(kAssignment));
  if (!assignment) return false;
  spec.assignment = *assignment;
  return unpack_list(row.bytes(kRequires), spec.requires_labels) &&
         unpack_spec(row.bytes(kSpec), task);
}

bool read_state(const Row& row, Task& task) {
  const auto status = task_status_from(row.bytes(kStatus));
  if (!status) return false;
  task.status = *status;
  task.attempt = static_cast<std::uint32_t>(row.number(kAttempt));
  task.first_attempt = static_cast<std::uint32_t>(row.number(kFirstAttempt));
  task.worker_losses = static_cast<std::uint32_t>(row.number(kWorkerLosses));
  task.run_at = row.optional_time(kRunAt);
  task.updated_at = row.time(kUpdatedAt);
  task.queued_at = row.optional_time(kQueuedAt);
  task.assigned_at = row.optional_time(kAssignedAt);
  task.started_at = row.optional_time(kStartedAt);
  task.finished_at = row.optional_time(kFinishedAt);
  task.worker_id = WorkerId(row.id(kWorkerId));
  task.worker_name = row.bytes(kWorkerName);
  task.cancel_requested = row.number(kCancelRequested) != 0;
  task.result = row.bytes(kResult);
  return unpack_state(row.bytes(kState), task);
}

Client client_of(const Row& row) {
  return {.client_id = ClientId(row.id(0)),
          .name = std::string(row.bytes(1)),
          .secret_hash = std::string(row.bytes(2)),
          .scope = std::string(row.bytes(3)),
          .created_at = row.time(4),
          .secret_changed_at = row.time(5)};
}

}  // namespace

Error unreadable() { return fail(Errc::store_unavailable, "A row of the database can't be read"); }

std::string label_text(const Labels& labels) { return joined(labels); }
std::string label_text(const std::vector<std::pair<std::string, std::string>>& labels) {
  return joined(labels);
}

Result<std::vector<Task>> tasks_of(const Rows& rows, const Uuid& server) {
  std::vector<Task> tasks(static_cast<std::size_t>(rows.size()));
  for (int i = 0; i < rows.size(); ++i) {
    const Row row(rows, i);
    Task& task = tasks[static_cast<std::size_t>(i)];
    task.task_id = TaskId(row.id(kTaskId));
    task.client_id = ClientId(row.id(kClientId));
    task.created_at = row.time(kCreatedAt);
    if (!read_spec(row, task) || !read_state(row, task)) return unreadable();
    const bool is_elsewhere = !server.is_nil() && row.id(kOwner) != server;
    if (is_elsewhere && !is_terminal(task.status)) task.held_by = ServerId(row.id(kOwner));
  }
  return tasks;
}

Result<std::optional<Client>> find_client_row(Runner& runner, const ClientId& id) {
  Statement find{sql::find_client};
  find.params.id(id);
  auto rows = runner.run(std::move(find));
  if (!rows) return rows.error();
  if (rows->size() == 0) return std::optional<Client>{};
  return std::optional(client_of(Row(*rows, 0)));
}

Result<std::vector<Client>> list_client_rows(Runner& runner, const std::optional<ClientId>& after,
                                             int limit) {
  Statement list{sql::list_clients};
  list.params.id(after.value_or(ClientId())).bigint(limit);
  auto rows = runner.run(std::move(list));
  if (!rows) return rows.error();
  std::vector<Client> clients;
  for (int i = 0; i < rows->size(); ++i) clients.push_back(client_of(Row(*rows, i)));
  return clients;
}

}  // namespace tandem::store::postgres
