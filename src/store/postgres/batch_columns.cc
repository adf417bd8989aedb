#include "store/postgres/batch_columns.h"

#include "store/postgres/task_rows.h"
#include "store/task_codec.h"

namespace tandem::store::postgres {
namespace {

std::optional<WallTime> queue_expiry_of(const Task& task) {
  if (task.status != TaskStatus::pending || !task.spec.queue_timeout_ms) return std::nullopt;
  return *task.queued_at + *task.spec.queue_timeout_ms;
}

}  // namespace

void SpecColumns::add(const Task& task, std::int64_t lane_id) {
  task_id_.id(task.task_id);
  client_id_.id(task.client_id);
  lane_id_.number(lane_id);
  created_at_.time(task.created_at);
  max_attempts_.number(task.spec.max_attempts);
  priority_.number(task.spec.priority);
  unique_key_.bytes_or_null(task.spec.unique_key);
  labels_.bytes_or_null(label_text(task.spec.labels));
  spec_.bytes(pack_spec(task));
  payload_.bytes(task.spec.payload);
}

void SpecColumns::append_to(Params& params) {
  params.column(task_id_).column(client_id_).column(lane_id_).column(created_at_);
  params.column(max_attempts_).column(priority_).column(unique_key_).column(labels_);
  params.column(spec_).column(payload_);
}

void StateColumns::add(const Task& task) {
  status_.bytes(to_string(task.status));
  attempt_.number(task.attempt);
  first_attempt_.number(task.first_attempt);
  worker_losses_.number(task.worker_losses);
  cancel_requested_.number(task.cancel_requested ? 1 : 0);
  run_at_.time(task.run_at);
  updated_at_.time(task.updated_at);
  queued_at_.time(task.queued_at);
  queue_expires_at_.time(queue_expiry_of(task));
  assigned_at_.time(task.assigned_at);
  started_at_.time(task.started_at);
  finished_at_.time(task.finished_at);
  worker_id_.id_or_null(task.worker_id);
  worker_name_.bytes(task.worker_name);
  state_.bytes_or_null(pack_state(task));
  result_.bytes_or_null(task.result);
  owner_.id(task.held_by.is_nil() ? server_ : task.held_by);
}

void StateColumns::append_to(Params& params) {
  params.column(status_).column(attempt_).column(first_attempt_).column(worker_losses_);
  params.column(cancel_requested_).column(run_at_).column(updated_at_).column(queued_at_);
  params.column(queue_expires_at_).column(assigned_at_).column(started_at_);
  params.column(finished_at_).column(worker_id_).column(worker_name_).column(state_);
  params.column(result_).column(owner_);
}

void GuardColumns::add(const TaskId& id, std::uint32_t attempt, TaskStatus status) {
  task_id_.id(id);
  attempt_.number(attempt);
  status_.bytes(to_string(status));
}

void GuardColumns::append_to(Params& params) {
  params.column(task_id_).column(attempt_).column(status_);
}

}  // namespace tandem::store::postgres
