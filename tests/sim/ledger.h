#pragma once

#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/task.h"

namespace tandem::sim {

// A promise was broken.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What clients and workers saw, kept outside of the system, and the promises checked against it.
// Numbers are those of the list of promises in docs/architecture.md.
class Ledger {
 public:
  // Clients
  void submit_answered(const std::string& key, const std::vector<TaskId>& tasks);
  void retry_sent(TaskId task);
  void remove_sent(TaskId task) { removals_sent_.insert(task); }
  void cancelled_before_start(TaskId task);
  void terminal_answered(TaskId task, TaskStatus status, std::uint32_t attempt);

  // Workers
  void started(TaskId task, std::uint32_t attempt, WorkerId worker);
  void paused(WorkerId worker);  // the machine stands still: nothing it holds is at work
  void resumed(WorkerId worker);
  void stopped(TaskId task, std::uint32_t attempt, WorkerId worker);
  void offered(const Task& task, WorkerId worker);
  // What it still does counts for nothing: its attempts may be given to others at once.
  void revoking(WorkerId worker) { powerless_.insert(worker); }
  void revoked(WorkerId worker) { revoked_.insert(worker); }
  bool is_revoked(WorkerId worker) const { return revoked_.contains(worker); }
  // The attempt is not leased to the worker, and never will be again.
  bool is_over(TaskId task, std::uint32_t attempt, WorkerId worker) const;
  void renewed(TaskId task, std::uint32_t attempt, bool was_over) const;
  // Offers that were made before the poll came and are not accepted are in its answer.
  void poll_given(WorkerId worker, WallTime came_at, const std::set<TaskId>& jobs) const;
  void output_answered(TaskId task, std::uint32_t attempt, const std::string& name);
  void input_received(TaskId task, std::uint32_t attempt, std::uint64_t seq,
                      const std::string& data);

  // The store
  void committed(const Task& task);
  void removed(TaskId task);

  // At the end, when all is quiet.
  void check_end();
  static std::string result_of(TaskId task, std::uint32_t attempt, WorkerId worker);
  std::size_t tasks_seen() const { return rows_.size(); }
  std::size_t starts_seen() const { return starts_.size(); }

 private:
  struct Execution {
    std::uint32_t attempt;
    WorkerId worker;
  };
  void check_alone(TaskId task) const;
  void check_attempt(const Task& before, const Task& after) const;
  void check_end_of(const Task& task) const;

  std::map<std::string, std::vector<TaskId>> by_key_;
  std::set<TaskId> acknowledged_, removals_sent_, never_started_;
  std::map<TaskId, int> retries_sent_;
  std::map<TaskId, Task> rows_;
  std::set<std::pair<TaskId, std::uint32_t>> starts_;
  std::map<TaskId, std::uint32_t> last_started_;
  std::map<TaskId, std::vector<Execution>> running_;
  std::set<WorkerId> paused_, powerless_, revoked_;
  std::map<std::pair<TaskId, std::uint32_t>, WorkerId> offers_;
  std::map<std::pair<TaskId, std::uint32_t>, std::set<std::string>> outputs_;
  std::map<std::pair<TaskId, std::uint32_t>, std::uint64_t> last_input_;
  std::set<std::string> inputs_seen_;
};

}  // namespace tandem::sim
