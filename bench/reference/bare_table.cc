#include "reference/bare_table.h"

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <vector>

#include "usage.h"

namespace tandem::bench {
namespace {

constexpr int kBatch = 100;

void check(bool good) {
  if (!good) std::abort();
}

using Ids = std::vector<std::int64_t>;

Ids insert_batch(BareTable& table) {
  Ids ids;
  table.begin();
  for (int i = 0; i < kBatch; ++i) ids.push_back(table.insert(R"({"job_type":"noop"})"));
  table.commit();
  return ids;
}

void run_batch(BareTable& table) {
  const Ids ids = insert_batch(table);
  for (const char* status : {"running", "completed"}) {
    table.begin();
    for (const std::int64_t id : ids) table.set_status(id, status);
    table.commit();
  }
}

double rate_here(int tasks, const std::function<void(BareTable&)>& do_batch) {
  std::string directory = (std::filesystem::temp_directory_path() / "tandem-bench-XXXXXX").string();
  check(::mkdtemp(directory.data()) != nullptr);
  const std::int64_t began = now_us();
  {
    BareTable table(directory + "/bare.db");
    for (int done = 0; done < tasks; done += kBatch) do_batch(table);
  }
  const double seconds = seconds_since(began);
  std::filesystem::remove_all(directory);
  return tasks / seconds;
}

double rate_in_a_process(int tasks, const std::function<void(BareTable&)>& do_batch) {
  std::array<int, 2> ends{};
  check(::pipe(ends.data()) == 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const double rate = rate_here(tasks, do_batch);
    ::_exit(::write(ends[1], &rate, sizeof(rate)) == sizeof(rate) ? 0 : 1);
  }
  double rate = 0;
  check(::read(ends[0], &rate, sizeof(rate)) == sizeof(rate));
  ::waitpid(pid, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  return rate;
}

}  // namespace

BareTable::BareTable(const std::string& path) {
  check(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
  run("pragma journal_mode = wal");
  run("pragma synchronous = full");
  run("pragma wal_autocheckpoint = 4000");
  run("create table tasks (id integer primary key, status text not null, payload text not null)");
  run("create index pending on tasks (id) where status = 'pending'");
  insert_ = prepare("insert into tasks (status, payload) values ('pending', ?1)");
  update_ = prepare("update tasks set status = ?1 where id = ?2");
}

BareTable::~BareTable() {
  sqlite3_finalize(insert_);
  sqlite3_finalize(update_);
  sqlite3_close(db_);
}

sqlite3_stmt* BareTable::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  check(sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr) == SQLITE_OK);
  return statement;
}

void BareTable::run(const char* sql) {
  check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
}

std::int64_t BareTable::insert(std::string_view payload) {
  sqlite3_bind_text(insert_, 1, payload.data(), static_cast<int>(payload.size()), SQLITE_STATIC);
  check(sqlite3_step(insert_) == SQLITE_DONE);
  sqlite3_reset(insert_);
  return sqlite3_last_insert_rowid(db_);
}

void BareTable::set_status(std::int64_t id, std::string_view status) {
  sqlite3_bind_text(update_, 1, status.data(), static_cast<int>(status.size()), SQLITE_STATIC);
  sqlite3_bind_int64(update_, 2, id);
  check(sqlite3_step(update_) == SQLITE_DONE);
  sqlite3_reset(update_);
}

double bare_inserts_per_second(int tasks) { return rate_in_a_process(tasks, insert_batch); }

double bare_cycles_per_second(int tasks) { return rate_in_a_process(tasks, run_batch); }

}  // namespace tandem::bench
