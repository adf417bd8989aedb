#pragma once

#include <optional>
#include <vector>

#include "store/postgres/link.h"
#include "store/worker_store.h"

namespace tandem::store::postgres {

// Rows of the table workers, as both the writer and the readers read them. store_unavailable where
// a packed column can't be read.
Result<std::optional<WorkerRecord>> find_worker_row(Runner& runner, const WorkerId& id);
Result<std::optional<WorkerRecord>> find_worker_row(Runner& runner,
                                                    const std::string& token_sha256);
Result<std::vector<WorkerRecord>> list_worker_rows(Runner& runner,
                                                   const std::optional<WorkerId>& after, int limit);

}  // namespace tandem::store::postgres
