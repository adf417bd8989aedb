#pragma once

struct sqlite3;

namespace tandem::store {

// Adds what the lists ask of SQL (lists.sql): has_labels(labels, wanted), both packed, and
// search_hits(needle, job_type, task_id, payload). False where SQLite refuses.
bool add_sql_functions(sqlite3* db);

}  // namespace tandem::store
