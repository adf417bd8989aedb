#include "store/sqlite/sql_functions.h"

#include <sqlite3.h>

#include <cstring>

#include "store/task_codec.h"
#include "store/task_filter.h"

namespace tandem::store {
namespace {

std::string_view bytes_of(sqlite3_value* value) {
  const void* data = sqlite3_value_blob(value);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

void call_has_labels(sqlite3_context* context, int, sqlite3_value** values) {
  sqlite3_result_int(context, has_labels(bytes_of(values[0]), bytes_of(values[1])) ? 1 : 0);
}

void call_search_hits(sqlite3_context* context, int, sqlite3_value** values) {
  TaskId id;
  const std::string_view id_bytes = bytes_of(values[2]);
  if (id_bytes.size() == id.bytes.size())
    std::memcpy(id.bytes.data(), id_bytes.data(), id_bytes.size());
  const bool hit = search_hits(bytes_of(values[0]), bytes_of(values[1]), id, bytes_of(values[3]));
  sqlite3_result_int(context, hit ? 1 : 0);
}

}  // namespace

bool add_sql_functions(sqlite3* db) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
  return sqlite3_create_function_v2(db, "has_labels", 2, kFlags, nullptr, call_has_labels, nullptr,
                                    nullptr, nullptr) == SQLITE_OK &&
         sqlite3_create_function_v2(db, "search_hits", 4, kFlags, nullptr, call_search_hits,
                                    nullptr, nullptr, nullptr) == SQLITE_OK;
}

}  // namespace tandem::store
