#include "store/sqlite/migrate.h"

#include <iterator>
#include <string>

#include "sqlite_queries.h"

namespace tandem::store {
namespace {

namespace sql = tandem::sql::sqlite;

Result<std::int64_t> schema_version(Connection& connection) {
  Query query(connection, sql::schema_version);
  auto row = query.step();
  if (!row) return row.error();
  return query.integer_at(0);
}

Result<void> apply_migration(Connection& connection, const sql::Migration& migration) {
  if (auto began = connection.run("begin immediate"); !began) return began;
  auto done = connection.run(std::string(migration.text));
  if (done) {
    Query record(connection, sql::record_migration);
    done = record.integer(migration.number).text(migration.name).run();
  }
  if (done) done = connection.run("commit");
  if (!done && connection.in_transaction()) (void)connection.run("rollback");
  return done;
}

}  // namespace

Result<void> migrate(Connection& connection) {
  if (auto made = connection.run(std::string(sql::create_schema_migrations)); !made) return made;
  auto version = schema_version(connection);
  if (!version) return version.error();
  const auto newest = static_cast<std::int64_t>(std::size(sql::migrations));
  if (*version > newest)
    return fail(Errc::store_unavailable,
                "The database has schema " + std::to_string(*version) + ", made by a newer " +
                    "version of this program, which knows schemas up to " + std::to_string(newest) +
                    ": install that version, or restore a backup");
  for (const sql::Migration& migration : sql::migrations) {
    if (migration.number <= *version) continue;
    if (auto applied = apply_migration(connection, migration); !applied) return applied;
  }
  return {};
}

}  // namespace tandem::store
