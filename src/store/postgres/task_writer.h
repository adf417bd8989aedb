#pragma once

#include <functional>
#include <map>

#include "store/postgres/lanes.h"
#include "store/store.h"

namespace tandem::store::postgres {

// Writes batches: rows of tasks and what hangs on them, one statement for each kind of change, all
// in one round trip; and counts tasks by lane and status, for the commit. Belongs to the writer.
class TaskWriter {
 public:
  TaskWriter(Runner& runner, const Uuid& server)
      : runner_(runner), server_(server), lanes_(runner) {}

  Result<std::vector<std::uint8_t>> apply(const TaskBatch& batch);
  Lanes& lanes() { return lanes_; }
  // What the commit has to write beside; empties it.
  std::vector<Statement> take_counts();
  // What was written since begin is lost: forget it.
  void rolled_back();

 private:
  using Reading = std::function<Result<void>(const Rows&)>;
  struct Round;

  Result<void> add_inserts(const TaskBatch& batch);
  Result<void> add_changes(const TaskBatch& batch);
  void add_round(Round& round);
  void add_held(std::string_view sql, Round& round, std::size_t kind);
  void add_removals(const TaskBatch& batch);
  void add(Statement statement, Reading reading);
  Result<void> perform();
  void count(std::int64_t lane, TaskStatus status, std::int64_t tasks);

  Runner& runner_;
  const Uuid server_;
  Lanes lanes_;
  std::map<std::pair<std::int64_t, TaskStatus>, std::int64_t> counts_;
  // Of the batch under way.
  std::vector<Statement> statements_;
  std::vector<Reading> readings_;
  std::vector<std::uint8_t> held_;
};

}  // namespace tandem::store::postgres
