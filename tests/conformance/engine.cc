#include "engine.h"

#include <cstdlib>

#include "postgres_fixture.h"
#include "store/memory/memory_store.h"
#include "store/postgres/postgres_reader.h"
#include "store/sqlite/sqlite_reader.h"
#include "store/sqlite/sqlite_store.h"

namespace tandem::store {
namespace {

class MemoryEngine final : public Engine {
 public:
  Store& store() override { return store_; }
  TaskReader& reader() override { return store_.reader(); }

 private:
  MemoryStore store_;
};

class SqliteEngine final : public Engine {
 public:
  Store& store() override { return *store_; }
  TaskReader& reader() override { return *reader_; }

 private:
  TestDirectory directory_;
  std::unique_ptr<SqliteStore> store_ = SqliteStore::open(directory_.file("tandem.db")).value();
  std::unique_ptr<SqliteReader> reader_ =
      SqliteReader::open(directory_.file("tandem.db"), 2).value();
};

class PostgresEngine final : public Engine {
 public:
  explicit PostgresEngine(const std::string& url) : url_(url) {}
  Store& store() override { return *store_; }
  TaskReader& reader() override { return *reader_; }

 private:
  const std::string url_;
  std::unique_ptr<PostgresStore> store_ = PostgresStore::open(url_, test_server()).value();
  std::unique_ptr<PostgresReader> reader_ = PostgresReader::open(url_, ServerId(), 2).value();
};

}  // namespace

TestDirectory::TestDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "tandem-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

TestDirectory::~TestDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::unique_ptr<Engine> make_engine(const std::string& name) {
  if (name == "memory") return std::make_unique<MemoryEngine>();
  if (name == "sqlite") return std::make_unique<SqliteEngine>();
  PostgresServer& server = PostgresServer::shared();
  const std::string url = server.fresh_database();
  return std::make_unique<PostgresEngine>(name == "pgbouncer" ? server.pooled(url) : url);
}

Task full_task(TaskId id, ClientId client, WallTime now) {
  TaskSpec spec;
  spec.payload = R"({"job_type":"render","text":"ä\u0000"})";
  spec.job_type = "render";
  spec.queue = "slow";
  spec.priority = -7;
  spec.assignment = Assignment::polling;
  spec.requires_labels = {"gpu", "zone=eu"};
  spec.run_at = now + 1000;
  spec.delay_ms = 2000;
  spec.max_attempts = 4;
  spec.retry_delay_ms = 0;
  spec.timeout_ms = 60'000;
  spec.queue_timeout_ms = 90'000;
  spec.interactive = true;
  spec.input_timeout_ms = 1;
  spec.unique_key = "only one";
  spec.callback_url = "https://example.org/done";
  spec.env = {{"A", "1"}, {"B", ""}};
  spec.labels = {{"team", "vision"}, {"empty", ""}};
  Task task = make_task(id, client, spec, now);
  task.inputs = {{"in.bin", 1ull << 40, std::string(64, 'a'), "application/octet-stream"}};
  task.status = TaskStatus::waiting_for_input;
  task.attempt = 3;
  task.first_attempt = 2;
  task.worker_losses = 1;
  task.run_at = now + 5;
  task.updated_at = now + 10;
  task.queued_at = now + 6;
  task.assigned_at = now + 7;
  task.started_at = now + 8;
  task.worker_id = WorkerId(*parse_uuid("01890000-0000-7000-8000-0000000000ff"));
  task.worker_name = "worker-1";
  task.cancel_requested = true;
  task.progress = {.percent = 12.5, .message = "going"};
  task.input_request = InputRequest{"r1", "Password?", true, now + 9};
  task.result = "[1,2]";
  task.error = TaskError{"exit_status", "it failed"};
  task.exit_code = -3;
  task.signal = 9;
  task.outputs = {{"a.txt", 3, std::string(64, 'b'), "text/plain"}, {"empty", 0, "", ""}};
  task.log = {12, 345};
  return task;
}

void expect_same(const Task& got, const Task& wanted) {
  const auto spec_of = [](const Task& task) {
    const TaskSpec& spec = task.spec;
    return std::tie(spec.payload, spec.job_type, spec.queue, spec.priority, spec.assignment,
                    spec.requires_labels, spec.run_at, spec.delay_ms, spec.max_attempts,
                    spec.retry_delay_ms, spec.timeout_ms, spec.queue_timeout_ms, spec.interactive,
                    spec.input_timeout_ms, spec.unique_key, spec.callback_url, spec.env,
                    spec.labels);
  };
  const auto state_of = [](const Task& task) {
    return std::tie(task.task_id, task.client_id, task.inputs, task.status, task.attempt,
                    task.first_attempt, task.worker_losses, task.run_at, task.created_at,
                    task.updated_at, task.queued_at, task.assigned_at, task.started_at,
                    task.finished_at, task.worker_id, task.worker_name, task.cancel_requested);
  };
  const auto outcome_of = [](const Task& task) {
    return std::tie(task.progress, task.input_request, task.result, task.error, task.exit_code,
                    task.signal, task.outputs, task.log);
  };
  EXPECT_TRUE(spec_of(got) == spec_of(wanted));
  EXPECT_TRUE(state_of(got) == state_of(wanted));
  EXPECT_TRUE(outcome_of(got) == outcome_of(wanted));
}

TaskId StoreTest::id_at(WallTime at) {
  TaskId id;
  const std::uint64_t count = ++ids_;
  for (std::size_t i = 0; i < 6; ++i)
    id.bytes[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(at.ms) >> (40 - 8 * i));
  id.bytes[6] = 0x70;
  for (std::size_t i = 0; i < 8; ++i)
    id.bytes[8 + i] = static_cast<std::uint8_t>(count >> (56 - 8 * i));
  return id;
}

Task StoreTest::pending_task(WallTime at, const std::string& queue, int priority) {
  TaskSpec spec;
  spec.payload = R"({"job_type":"echo"})";
  spec.job_type = "echo";
  spec.queue = queue;
  spec.priority = priority;
  return make_task(id_at(at), client_, spec, at);
}

Task StoreTest::running_task(WallTime at) {
  Task task = pending_task(at);
  assign(task, worker_, "worker", at);
  accept(task, at);
  return task;
}

Result<std::vector<std::uint8_t>> StoreTest::write(const TaskBatch& batch) {
  if (auto began = store().begin(); !began) return began.error();
  auto applied = store().apply(batch);
  if (!applied) {
    store().rollback();
    return applied;
  }
  if (auto committed = store().commit(); !committed) return committed.error();
  return applied;
}

void StoreTest::insert(const std::vector<Task>& tasks) {
  TaskBatch batch;
  for (const Task& task : tasks) batch.inserts.push_back(&task);
  write(batch).value();
}

bool StoreTest::change(const Task& task, std::uint32_t attempt, StatusSet statuses) {
  TaskBatch batch;
  batch.changes.push_back({.task = &task, .guard_attempt = attempt, .guard_status = statuses});
  return write(batch).value().at(0) == 1;
}

Task StoreTest::stored(TaskId id) { return store().load(std::span(&id, 1)).value().at(0); }

std::vector<TaskId> StoreTest::listed(const TaskFilter& filter) {
  return ids_of(reader().list(filter).value());
}

std::vector<TaskId> ids_of(const std::vector<Task>& tasks) {
  std::vector<TaskId> ids;
  for (const Task& task : tasks) ids.push_back(task.task_id);
  return ids;
}

}  // namespace tandem::store
