#pragma once

#include <vector>

#include "store/postgres/link.h"
#include "store/store.h"

namespace tandem::store::postgres {

// The statements for what a batch has beside its tasks. They answer nothing of interest.
std::vector<Statement> callback_statements(const TaskBatch& batch);  // callbacks and their tries
std::vector<Statement> request_statements(const TaskBatch& batch);   // idempotency and inputs

}  // namespace tandem::store::postgres
