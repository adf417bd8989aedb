#pragma once

#include <optional>
#include <vector>

#include "store/sqlite/connection.h"
#include "store/worker_store.h"

namespace tandem::store {

// Rows of the table workers, as both the writer and the readers read them. store_unavailable where
// a packed column can't be read.
Result<std::optional<WorkerRecord>> find_worker_row(Connection& connection, const WorkerId& id);
Result<std::optional<WorkerRecord>> find_worker_row(Connection& connection,
                                                    const std::string& token_sha256);
Result<std::vector<WorkerRecord>> list_worker_rows(Connection& connection,
                                                   const std::optional<WorkerId>& after, int limit);

}  // namespace tandem::store
