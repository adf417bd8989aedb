#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "core/attempt.h"
#include "store/store.h"
#include "store/task_reader.h"

namespace tandem::store {

// A directory that is gone when the test is over.
class TestDirectory {
 public:
  TestDirectory();
  ~TestDirectory();
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// An engine under test, empty at first.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual Store& store() = 0;
  virtual TaskReader& reader() = 0;
};
// memory, sqlite, postgres, or pgbouncer: PostgreSQL through a pooler in transaction mode.
std::unique_ptr<Engine> make_engine(const std::string& name);

// Every member is set to something else than its default.
Task full_task(TaskId id, ClientId client, WallTime now);
void expect_same(const Task& got, const Task& wanted);

// A test that each engine must pass.
class StoreTest : public testing::TestWithParam<std::string> {
 protected:
  StoreTest() : engine_(make_engine(GetParam())) {}

  Store& store() { return engine_->store(); }
  TaskReader& reader() { return engine_->reader(); }
  AccountStore& accounts() { return store().accounts(); }

  // Ids grow with each call; their time is `at`.
  TaskId id_at(WallTime at);
  Task pending_task(WallTime at = kNow, const std::string& queue = "default", int priority = 0);
  Task running_task(WallTime at = kNow);

  Result<std::vector<std::uint8_t>> write(const TaskBatch& batch);  // begin, apply, commit
  void insert(const std::vector<Task>& tasks);
  bool change(const Task& task, std::uint32_t attempt, StatusSet statuses);
  Task stored(TaskId id);  // as load() has it
  std::vector<TaskId> listed(const TaskFilter& filter);

  static constexpr WallTime kNow{1'800'000'000'000};
  ClientId client_{*parse_uuid("01890000-0000-7000-8000-00000000000a")};
  ClientId other_client_{*parse_uuid("01890000-0000-7000-8000-00000000000b")};
  WorkerId worker_{*parse_uuid("01890000-0000-7000-8000-00000000000c")};

 private:
  std::unique_ptr<Engine> engine_;
  std::uint64_t ids_ = 0;
};

std::vector<TaskId> ids_of(const std::vector<Task>& tasks);

#define TANDEM_FOR_EACH_ENGINE(Suite)                                                    \
  INSTANTIATE_TEST_SUITE_P(Engines, Suite,                                               \
                           testing::Values("memory", "sqlite", "postgres", "pgbouncer"), \
                           [](const auto& engine) { return engine.param; })

}  // namespace tandem::store
