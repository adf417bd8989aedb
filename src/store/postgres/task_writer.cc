#include "store/postgres/task_writer.h"

#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "postgres_queries.h"
#include "store/postgres/batch_columns.h"
#include "store/postgres/side_rows.h"
#include "store/postgres/task_rows.h"
#include "store/task_rules.h"

namespace tandem::store::postgres {
namespace {

namespace sql = tandem::sql::postgres;

Result<void> nothing_to_read(const Rows&) { return {}; }

// What becomes of a row, by where it is and where it belongs afterwards.
enum Kind : std::size_t { kUpdate, kUpdateFinished, kEnd, kRetry, kKinds };

Kind kind_of(TaskStatus from, TaskStatus to) {
  if (is_terminal(from)) return is_terminal(to) ? kUpdateFinished : kRetry;
  return is_terminal(to) ? kEnd : kUpdate;
}

// A change, for one of the statuses that its guard allows.
struct Step {
  std::size_t change;  // its place in the batch
  TaskStatus from, to;
};

struct Group {
  explicit Group(const Uuid& server) : states(server) {}
  GuardColumns guards;
  StateColumns states;
  std::vector<Step> steps;
};

}  // namespace

// Changes of different tasks, which can be made at once.
struct TaskWriter::Round {
  explicit Round(const Uuid& server) : groups(kKinds, Group(server)) {}
  std::unordered_set<TaskId> tasks;
  std::vector<Group> groups;  // by Kind
  GuardColumns illegal;
  bool has_illegal = false;
};

void TaskWriter::add(Statement statement, Reading reading) {
  statements_.push_back(std::move(statement));
  readings_.push_back(std::move(reading));
}

void TaskWriter::count(std::int64_t lane, TaskStatus status, std::int64_t tasks) {
  counts_[{lane, status}] += tasks;
}

Result<void> TaskWriter::add_inserts(const TaskBatch& batch) {
  std::vector<LaneKey> keys;
  for (const Task* task : batch.inserts) {
    if (auto checked = check_row(*task); !checked) return checked;
    keys.push_back(lane_of(*task));
  }
  if (keys.empty()) return {};
  const auto lanes = lanes_.numbers_of(keys);
  if (!lanes) return lanes.error();
  for (const bool finished : {false, true}) {
    SpecColumns specs;
    StateColumns states(server_);
    std::vector<std::pair<std::int64_t, TaskStatus>> made;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const Task& task = *batch.inserts[i];
      if (is_terminal(task.status) != finished) continue;
      specs.add(task, (*lanes)[i]);
      states.add(task);
      made.emplace_back((*lanes)[i], task.status);
    }
    if (made.empty()) continue;
    Statement insert{finished ? sql::insert_finished : sql::insert_tasks};
    specs.append_to(insert.params);
    states.append_to(insert.params);
    add(std::move(insert), [this, made = std::move(made)](const Rows&) -> Result<void> {
      for (const auto& [lane, status] : made) count(lane, status, 1);
      return {};
    });
  }
  return {};
}

void TaskWriter::add_held(std::string_view statement_sql, Round& round, std::size_t kind) {
  Group& group = round.groups[kind];
  if (group.steps.empty()) return;
  Statement statement{statement_sql};
  group.guards.append_to(statement.params);
  group.states.append_to(statement.params);
  if (kind == kUpdate || kind == kEnd) statement.params.id(server_);
  add(std::move(statement),
      [this, steps = std::move(group.steps)](const Rows& rows) -> Result<void> {
        for (int i = 0; i < rows.size(); ++i) {
          const auto place = static_cast<std::size_t>(rows.number(i, 0)) - 1;
          if (place >= steps.size()) return unreadable();
          const Step& step = steps[place];
          held_[step.change] = 1;
          if (step.from == step.to) continue;
          count(rows.number(i, 1), step.from, -1);
          count(rows.number(i, 1), step.to, 1);
        }
        return {};
      });
}

void TaskWriter::add_round(Round& round) {
  if (round.has_illegal) {
    Statement find{sql::find_illegal};
    round.illegal.append_to(find.params);
    add(std::move(find), [](const Rows& rows) -> Result<void> {
      if (rows.size() == 0) return {};
      return fail(Errc::illegal_transition, "A task can't change its status like this");
    });
  }
  add_held(sql::update_tasks, round, kUpdate);
  add_held(sql::update_finished, round, kUpdateFinished);
  add_held(sql::end_tasks, round, kEnd);
  add_held(sql::retry_tasks, round, kRetry);
}

// In order: a task that is changed twice is in two rounds.
Result<void> TaskWriter::add_changes(const TaskBatch& batch) {
  auto round = std::make_unique<Round>(server_);
  for (std::size_t i = 0; i < batch.changes.size(); ++i) {
    const TaskChange& change = batch.changes[i];
    const Task& task = *change.task;
    if (auto checked = check_row(task); !checked) return checked;
    if (!round->tasks.insert(task.task_id).second) {
      add_round(*round);
      round = std::make_unique<Round>(server_);
      round->tasks.insert(task.task_id);
    }
    for (const TaskStatus from : kAllStatuses) {
      if (!change.guard_status.contains(from)) continue;
      if (!check_transition(from, task.status)) {
        round->illegal.add(task.task_id, change.guard_attempt, from);
        round->has_illegal = true;
        continue;
      }
      Group& group = round->groups[kind_of(from, task.status)];
      group.guards.add(task.task_id, change.guard_attempt, from);
      group.states.add(task);
      group.steps.push_back({.change = i, .from = from, .to = task.status});
    }
  }
  add_round(*round);
  return {};
}

void TaskWriter::add_removals(const TaskBatch& batch) {
  if (batch.removals.empty()) return;
  Column ids(Type::uuid);
  std::unordered_map<TaskId, std::size_t> places;  // in held_
  for (std::size_t i = 0; i < batch.removals.size(); ++i) {
    ids.id(batch.removals[i]);
    places.emplace(batch.removals[i], batch.changes.size() + i);
  }
  Params params;
  params.column(ids);
  const auto uncount = [this, places = std::move(places)](const Rows& rows) -> Result<void> {
    for (int i = 0; i < rows.size(); ++i) {
      const auto status = task_status_from(rows.bytes(i, 1));
      if (!status) return unreadable();
      count(rows.number(i, 0), *status, -1);
      held_[places.at(TaskId(rows.id(i, 2)))] = 1;
    }
    return {};
  };
  Statement remove{sql::delete_tasks, params};
  remove.params.id(server_);
  add(std::move(remove), uncount);
  add({sql::delete_finished, params}, uncount);
  add({sql::delete_callbacks, params}, nothing_to_read);
  add({sql::delete_inputs, params}, nothing_to_read);
}

Result<void> TaskWriter::perform() {
  if (statements_.empty()) return {};
  auto answers = runner_.run(statements_);
  if (!answers) return answers.error();
  for (std::size_t i = 0; i < readings_.size(); ++i)
    if (auto read = readings_[i]((*answers)[i]); !read) return read;
  return {};
}

Result<std::vector<std::uint8_t>> TaskWriter::apply(const TaskBatch& batch) {
  statements_.clear();
  readings_.clear();
  held_.assign(batch.changes.size() + batch.removals.size(), 0);
  if (auto added = add_inserts(batch); !added) return added.error();
  if (auto added = add_changes(batch); !added) return added.error();
  for (Statement& statement : callback_statements(batch, server_))
    add(std::move(statement), nothing_to_read);
  add_removals(batch);
  for (Statement& statement : request_statements(batch)) add(std::move(statement), nothing_to_read);
  for (Statement& statement : letter_statements(batch, server_))
    add(std::move(statement), nothing_to_read);
  if (auto performed = perform(); !performed) return performed.error();
  return held_;
}

std::vector<Statement> TaskWriter::take_counts() {
  Column lanes(Type::bigint), statuses(Type::text), tasks(Type::bigint);
  bool any = false;
  for (const auto& [key, added] : counts_) {
    if (added == 0) continue;
    lanes.number(key.first);
    statuses.bytes(to_string(key.second));
    tasks.number(added);
    any = true;
  }
  counts_.clear();
  if (!any) return {};
  Statement add_counts{sql::add_counts};
  add_counts.params.id(server_).column(lanes).column(statuses).column(tasks);
  return {std::move(add_counts)};
}

void TaskWriter::rolled_back() {
  lanes_.rolled_back();
  counts_.clear();
}

}  // namespace tandem::store::postgres
