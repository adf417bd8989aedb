#include "sim/observed_store.h"

#include "queue/mutant.h"

namespace tandem::sim {

Result<std::optional<store::IdempotencyRow>> ObservedStore::find_idempotency(
    ClientId client, const std::string& key) {
  auto row = inner_.find_idempotency(client, key);
  if constexpr (queue::kMutant == queue::Mutant::idempotency_forgotten)
    if (row && *row && (*row)->created_at < started_at_)
      return std::optional<store::IdempotencyRow>();
  return row;
}

}  // namespace tandem::sim
