#pragma once

#include <vector>

#include "core/task.h"
#include "store/account_store.h"
#include "store/sqlite/connection.h"

namespace tandem::store {

// Rows of the view task_rows, and of clients, as both the writer and the readers read them.
// store_unavailable where a packed column can't be read.
Result<Task> task_of(const Query& row);
Result<std::vector<Task>> tasks_of(Query& query);  // all rows
Result<std::optional<Task>> task_or_none(Query& query);

Result<std::optional<Client>> find_client_row(Connection& connection, const ClientId& id);
Result<std::vector<Client>> list_client_rows(Connection& connection,
                                             const std::optional<ClientId>& after, int limit);

}  // namespace tandem::store
