#include "store/sqlite/task_writer.h"

#include <algorithm>

#include "base/assert.h"
#include "sqlite_queries.h"
#include "store/task_codec.h"
#include "store/task_rules.h"

namespace tandem::store {
namespace {

namespace sql = tandem::sql::sqlite;

constexpr std::size_t kMaxCachedLanes = 65'536;

std::optional<WallTime> queue_expiry_of(const Task& task) {
  if (task.status != TaskStatus::pending || !task.spec.queue_timeout_ms) return std::nullopt;
  return *task.queued_at + *task.spec.queue_timeout_ms;
}

// The columns that change, in the order in which insert_task and update_task have them.
void bind_state(Query& query, const Task& task, const std::string& state) {
  query.text(to_string(task.status)).integer(task.attempt).integer(task.first_attempt);
  query.integer(task.worker_losses).integer(task.cancel_requested ? 1 : 0).time(task.run_at);
  query.time(task.updated_at).time(task.queued_at).time(queue_expiry_of(task));
  query.time(task.assigned_at).time(task.started_at).time(task.finished_at);
  if (task.worker_id.is_nil()) {
    query.null();
  } else {
    query.id(task.worker_id);
  }
  query.text(task.worker_name).blob_or_null(state).text_or_null(task.result);
}

}  // namespace

std::size_t TaskWriter::LaneHash::operator()(const LaneKey& lane) const {
  std::size_t hash = std::hash<ClientId>()(lane.client_id);
  const auto mix = [&](const std::string& text) {
    hash = hash * 0x9E3779B97F4A7C15ull + std::hash<std::string>()(text);
  };
  mix(lane.queue);
  mix(lane.job_type);
  for (const std::string& label : lane.requires_labels) mix(label);
  return hash + static_cast<std::size_t>(lane.assignment);
}

Result<std::optional<std::int64_t>> TaskWriter::find_lane(const LaneKey& lane) {
  const auto cached = lanes_.find(lane);
  if (cached != lanes_.end()) return std::optional(cached->second);
  const std::string requires_list = pack_list(lane.requires_labels);
  Query query(connection_, sql::find_lane);
  query.id(lane.client_id).text(lane.queue).text(lane.job_type);
  query.text(to_string(lane.assignment)).blob(requires_list);
  auto row = query.step();
  if (!row) return row.error();
  if (!*row) return std::optional<std::int64_t>{};
  if (lanes_.size() >= kMaxCachedLanes) lanes_.clear();
  lanes_.emplace(lane, query.integer_at(0));
  return std::optional(query.integer_at(0));
}

Result<std::int64_t> TaskWriter::lane_id(const LaneKey& lane) {
  auto known = find_lane(lane);
  if (!known) return known.error();
  if (*known) return **known;
  const std::string requires_list = pack_list(lane.requires_labels);
  Query query(connection_, sql::insert_lane);
  query.id(lane.client_id).text(lane.queue).text(lane.job_type);
  query.text(to_string(lane.assignment)).blob(requires_list);
  if (auto inserted = query.run(); !inserted) return inserted.error();
  const std::int64_t made = connection_.last_row_id();
  lanes_.emplace(lane, made);
  return made;
}

void TaskWriter::rolled_back() {
  lanes_.clear();
  counts_.clear();
}

void TaskWriter::count(std::int64_t lane, TaskStatus status, std::int64_t tasks) {
  counts_[lane][static_cast<std::size_t>(status)] += tasks;
}

Result<void> TaskWriter::insert(const Task& task) {
  if (auto checked = check_row(task); !checked) return checked;
  auto lane = lane_id(lane_of(task));
  if (!lane) return lane.error();
  const TaskSpec& spec = task.spec;
  const std::string labels = pack_labels(spec.labels), packed_spec = pack_spec(task);
  const std::string state = pack_state(task);
  Query query(connection_, sql::insert_task);
  query.id(task.task_id).id(task.client_id).integer(*lane).integer(spec.max_attempts);
  query.integer(spec.priority).time(task.created_at).text_or_null(spec.unique_key);
  query.blob_or_null(labels).blob(packed_spec).text(spec.payload);
  bind_state(query, task, state);
  if (auto inserted = query.run(); !inserted) return inserted;
  count(*lane, task.status, 1);
  return {};
}

Result<bool> TaskWriter::change(const TaskChange& change) {
  const Task& task = *change.task;
  std::int64_t row_id = 0, lane = 0;
  TaskStatus from{};
  {
    Query query(connection_, sql::find_state);
    auto row = query.id(task.task_id).step();
    if (!row) return row.error();
    if (!*row) return false;
    const auto status = task_status_from(query.text_at(2));
    if (!status) return fail(Errc::store_unavailable, "A row of the database can't be read");
    from = *status;
    if (query.integer_at(1) != change.guard_attempt || !change.guard_status.contains(from))
      return false;
    row_id = query.integer_at(0);
    lane = query.integer_at(3);
  }
  if (auto checked = check_transition(from, task.status); !checked) return checked.error();
  if (auto checked = check_row(task); !checked) return checked.error();
  const std::string state = pack_state(task);
  Query query(connection_, sql::update_task);
  bind_state(query, task, state);
  if (auto updated = query.integer(row_id).run(); !updated) return updated.error();
  if (from != task.status) {
    count(lane, from, -1);
    count(lane, task.status, 1);
  }
  return true;
}

Result<bool> TaskWriter::remove(const TaskId& id) {
  std::int64_t row_id = 0;
  {
    Query query(connection_, sql::find_state);
    auto row = query.id(id).step();
    if (!row) return row.error();
    if (!*row) return false;
    row_id = query.integer_at(0);
    if (const auto status = task_status_from(query.text_at(2)))
      count(query.integer_at(3), *status, -1);
  }
  if (auto deleted = Query(connection_, sql::delete_task).integer(row_id).run(); !deleted)
    return deleted.error();
  if (auto deleted = Query(connection_, sql::delete_callback).id(id).run(); !deleted)
    return deleted.error();
  if (auto deleted = Query(connection_, sql::delete_inputs).id(id).run(); !deleted)
    return deleted.error();
  return true;
}

Result<void> TaskWriter::put_idempotency(const IdempotencyRow& row) {
  std::string ids;
  for (const TaskId& id : row.tasks)
    ids.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
  Query query(connection_, sql::put_idempotency);
  query.id(row.client_id).text(row.key).text(row.body_sha256).blob(ids).time(row.created_at);
  return query.run();
}

Result<void> TaskWriter::insert_input(const InputPiece& piece) {
  Query query(connection_, sql::insert_input);
  query.id(piece.task_id).integer(piece.attempt).integer(static_cast<std::int64_t>(piece.seq));
  return query.integer(piece.eof ? 1 : 0).blob(piece.data).run();
}

Result<void> TaskWriter::put_callback(const Callback& callback) {
  Query query(connection_, sql::put_callback);
  query.id(callback.task_id).time(callback.ended_at).text(callback.url);
  return query.integer(callback.tries).time(callback.due_at).run();
}

Result<void> TaskWriter::note_try(const CallbackTry& made) {
  Query query(connection_, made.next_at ? sql::put_off_callback : sql::settle_callback);
  query.id(made.task_id).time(made.ended_at);
  if (made.next_at) query.time(*made.next_at);
  return query.run();
}

Result<void> TaskWriter::apply_callbacks(const TaskBatch& batch) {
  for (const Callback& callback : batch.callbacks)
    if (auto put = put_callback(callback); !put) return put;
  for (const CallbackTry& made : batch.callback_tries)
    if (auto noted = note_try(made); !noted) return noted;
  return {};
}

Result<void> TaskWriter::write_counts() {
  for (const auto& [lane, counts] : counts_)
    for (const TaskStatus status : kAllStatuses) {
      const std::int64_t added = counts[static_cast<std::size_t>(status)];
      if (added == 0) continue;
      // The row that is tried first must pass its CHECK, also where the upsert only subtracts.
      Query query(connection_, sql::add_count);
      query.integer(lane).text(to_string(status)).integer(std::max<std::int64_t>(added, 0));
      if (auto written = query.integer(added).run(); !written) return written;
    }
  counts_.clear();
  return {};
}

Result<std::vector<std::uint8_t>> TaskWriter::apply(const TaskBatch& batch) {
  for (const Task* task : batch.inserts)
    if (auto inserted = insert(*task); !inserted) return inserted.error();
  std::vector<std::uint8_t> held;
  held.reserve(batch.changes.size() + batch.removals.size());
  for (const TaskChange& entry : batch.changes) {
    auto changed = change(entry);
    if (!changed) return changed.error();
    held.push_back(*changed ? 1 : 0);
  }
  if (auto applied = apply_callbacks(batch); !applied) return applied.error();
  for (const TaskId& id : batch.removals) {
    auto removed = remove(id);
    if (!removed) return removed.error();
    held.push_back(*removed ? 1 : 0);
  }
  for (const IdempotencyRow& row : batch.idempotency)
    if (auto put = put_idempotency(row); !put) return put.error();
  for (const InputPiece& piece : batch.inputs)
    if (auto inserted = insert_input(piece); !inserted) return inserted.error();
  if (auto counted = write_counts(); !counted) return counted.error();
  return held;
}

}  // namespace tandem::store
