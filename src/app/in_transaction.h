#pragma once

#include "base/result.h"
#include "store/store.h"

namespace tandem::app {

// Runs `work` on the accounts in a transaction of its own; before the dispatcher's thread runs.
template <class Work>
Result<void> in_transaction(store::Store& store, Work work) {
  if (auto begun = store.begin(); !begun) return begun;
  Result<void> done = work(store.accounts());
  if (done) done = store.commit();
  if (!done) store.rollback();
  return done;
}

}  // namespace tandem::app
