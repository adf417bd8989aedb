// What a commit acknowledged is there after kill -9, and a batch is there whole or not at all.
#include <signal.h>
#include <sys/wait.h>

#include "base/unique_fd.h"
#include "engine.h"
#include "store/sqlite/sqlite_reader.h"
#include "store/sqlite/sqlite_store.h"

namespace tandem::store {
namespace {

constexpr int kBatch = 20;

TaskId numbered(std::uint32_t number) {
  TaskId id;
  for (std::size_t i = 0; i < 4; ++i)
    id.bytes[12 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return id;
}

// Commits batches for ever, and reports the number of each commit once it is acknowledged.
[[noreturn]] void commit_for_ever(const std::string& path, int report) {
  auto store = SqliteStore::open(path);
  if (!store) ::_exit(1);
  TaskSpec spec;
  spec.payload = "{}";
  spec.job_type = "echo";
  for (std::uint32_t turn = 1;; ++turn) {
    std::vector<Task> tasks;
    for (std::uint32_t i = 0; i < kBatch; ++i)
      tasks.push_back(make_task(numbered(turn * kBatch + i), ClientId(), spec, {1}));
    TaskBatch batch;
    for (const Task& task : tasks) batch.inserts.push_back(&task);
    if (!(*store)->begin() || !(*store)->apply(batch) || !(*store)->commit()) ::_exit(2);
    if (::write(report, &turn, sizeof(turn)) != sizeof(turn)) ::_exit(3);
  }
}

// Lets a child commit until it has reported `reports` commits, kills it, and answers the last one.
std::uint32_t kill_amid_commits(const std::string& path, int reports) {
  int ends[2];
  if (::pipe(ends) != 0) return 0;
  UniqueFd reading(ends[0]), writing(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) commit_for_ever(path, ends[1]);
  writing.reset();
  std::uint32_t last = 0;
  for (int i = 0; i < reports; ++i)
    if (::read(reading.get(), &last, sizeof(last)) != sizeof(last)) break;
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
  std::uint32_t more = 0;
  while (::read(reading.get(), &more, sizeof(more)) == sizeof(more)) last = more;
  return last;
}

class SqliteCrashTest : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Reports, SqliteCrashTest, testing::Values(1, 2, 7, 30, 61, 200));

TEST_P(SqliteCrashTest, AcknowledgedCommitsSurviveKill) {
  const TestDirectory directory;
  const std::string path = directory.file("tandem.db");
  const std::uint32_t last = kill_amid_commits(path, GetParam());
  ASSERT_GE(last, static_cast<std::uint32_t>(GetParam()));
  const auto store = SqliteStore::open(path).value();
  const auto reader = SqliteReader::open(path, 1).value();
  for (std::uint32_t number = kBatch; number < (last + 1) * kBatch; ++number)
    ASSERT_TRUE(reader->find(numbered(number)).value()) << number << " of " << last;
  TaskFilter unacknowledged{.limit = 3 * kBatch};
  const auto newest = reader->list(unacknowledged).value();
  std::size_t beyond = 0;
  for (const Task& task : newest)
    if (!(task.task_id < numbered((last + 1) * kBatch))) ++beyond;
  EXPECT_EQ(beyond % kBatch, 0u) << "half of a batch";
  const auto counts = reader->stats({}, {1}).value().counts;
  EXPECT_EQ(counts.at({"default", TaskStatus::pending}),
            static_cast<std::int64_t>(last * kBatch + beyond));
}

}  // namespace
}  // namespace tandem::store
