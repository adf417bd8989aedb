#pragma once

#include <vector>

#include "store/postgres/link.h"
#include "store/store.h"

namespace tandem::store::postgres {

// The statements for what a batch of this server has beside its tasks. They answer nothing of
// interest.
std::vector<Statement> callback_statements(const TaskBatch& batch,
                                           const Uuid& server);     // and their tries
std::vector<Statement> request_statements(const TaskBatch& batch);  // idempotency and inputs
std::vector<Statement> letter_statements(const TaskBatch& batch, const Uuid& server);

}  // namespace tandem::store::postgres
