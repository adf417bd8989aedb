#pragma once

#include <array>
#include <unordered_map>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace tandem::store {

// Writes batches: rows of tasks and what hangs on them, lanes, and the counts of tasks by lane and
// status. Belongs to the writing connection.
class TaskWriter {
 public:
  explicit TaskWriter(Connection& connection) : connection_(connection) {}

  Result<std::vector<std::uint8_t>> apply(const TaskBatch& batch);
  // The number of a lane; none where no task was ever in it.
  Result<std::optional<std::int64_t>> find_lane(const LaneKey& lane);
  // What was written since begin is lost: forget it.
  void rolled_back();

 private:
  struct LaneHash {
    std::size_t operator()(const LaneKey& lane) const;
  };
  using Counts = std::array<std::int64_t, kTaskStatusCount>;

  Result<std::int64_t> lane_id(const LaneKey& lane);  // made where it is missing
  Result<void> insert(const Task& task);
  Result<bool> change(const TaskChange& change);
  Result<bool> remove(const TaskId& id);  // false: there is no such row
  Result<void> put_idempotency(const IdempotencyRow& row);
  Result<void> insert_input(const InputPiece& piece);
  Result<void> put_callback(const Callback& callback);
  Result<void> note_try(const CallbackTry& made);
  Result<void> apply_callbacks(const TaskBatch& batch);
  Result<void> write_counts();
  void count(std::int64_t lane, TaskStatus status, std::int64_t tasks);

  Connection& connection_;
  std::unordered_map<LaneKey, std::int64_t, LaneHash> lanes_;
  std::unordered_map<std::int64_t, Counts> counts_;  // to be added by write_counts()
};

}  // namespace tandem::store
