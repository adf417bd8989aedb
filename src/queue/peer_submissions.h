#pragma once

#include <functional>

#include "queue/client_commands.h"
#include "queue/dispatcher_settings.h"
#include "store/peer_store.h"

namespace tandem::queue {

// Makes tasks of what was submitted in SQL, within the store's transaction: they are there with its
// commit, or wait on. What can't become a task stays in the store, with the reason. Answers whether
// more may wait. Errors: the store's.
Result<bool> submit_all(store::PeerStore& store, const SpecCheck& check,
                        const std::function<Result<Submitted>(Submit&)>& submit);

}  // namespace tandem::queue
