#include "store/postgres/migrate.h"

#include <iterator>
#include <string>

#include "postgres_queries.h"
#include "store/postgres/handshake.h"

namespace tandem::store::postgres {
namespace {

namespace sql = tandem::sql::postgres;
using patience::kMigrateMs;

// A change of a large table may take long, and may have to wait for those who use it.
constexpr char kBeginMigration[] =
    "begin; set local statement_timeout = 0; set local lock_timeout = '60s'";

Result<std::int64_t> ask(Connection& connection, std::string_view query) {
  auto answers = connection.run({{query}}, kMigrateMs);
  if (!answers) return answers.error();
  return answers->front().number(0, 0);
}

Result<void> make_schema(Connection& connection) {
  const auto there = ask(connection, sql::has_schema);
  if (!there) return there.error();
  std::string script;
  if (*there == 0) script = std::string(sql::create_schema);  // a right that not every role has
  return connection.run_script(script + std::string(sql::create_schema_migrations), kMigrateMs);
}

Result<void> apply(Connection& connection, const sql::Migration& migration) {
  if (auto run = connection.run_script(std::string(migration.text), kMigrateMs); !run) return run;
  Statement record{sql::record_migration};
  record.params.integer(migration.number).text(migration.name);
  auto recorded = connection.run({std::move(record)}, kMigrateMs);
  return recorded ? Result<void>() : recorded.error();
}

Result<void> bring_up_to_date(Connection& connection) {
  if (auto locked = connection.run({{sql::lock_schema}}, kMigrateMs); !locked)
    return locked.error();
  if (auto made = make_schema(connection); !made) return made;
  const auto version = ask(connection, sql::schema_version);
  if (!version) return version.error();
  const auto newest = static_cast<std::int64_t>(std::size(sql::migrations));
  if (*version > newest)
    return fail(Errc::store_unavailable,
                "The database has schema " + std::to_string(*version) + ", made by a newer " +
                    "version of this program, which knows schemas up to " + std::to_string(newest) +
                    ": install that version, or restore a backup");
  for (const sql::Migration& migration : sql::migrations) {
    if (migration.number <= *version) continue;
    if (auto applied = apply(connection, migration); !applied) return applied;
  }
  return {};
}

}  // namespace

Result<void> migrate(Connection& connection) {
  if (auto began = connection.run_script(kBeginMigration, kMigrateMs); !began) return began;
  auto done = bring_up_to_date(connection);
  if (done) return connection.run_script("commit", kMigrateMs);
  (void)connection.run_script("rollback", kMigrateMs);
  return done;
}

}  // namespace tandem::store::postgres
