#include "sim/observed_store.h"

#include "queue/mutant.h"

namespace tandem::sim {

ObservedStore::ObservedStore(World& world, Ledger& ledger, store::MemoryDatabase* database,
                             ServerId server)
    : world_(world),
      ledger_(ledger),
      database_(database),
      server_(server),
      inner_(std::make_unique<store::MemoryStore>()) {}

void ObservedStore::restarted() {
  started_at_ = world_.wall();
  if (database_ != nullptr)
    inner_ = database_->open(server_, world_);
  else
    inner_->crash();
}

Result<std::vector<std::uint8_t>> ObservedStore::apply(const store::TaskBatch& batch) {
  if (failing()) return error().error();
  images_.clear();
  for (const Task* task : batch.inserts) images_.push_back(*task);
  for (const store::TaskChange& change : batch.changes) images_.push_back(*change.task);
  removals_ = batch.removals;
  addressees_.clear();
  for (const store::Letter& letter : batch.letters) addressees_.push_back(letter.to);
  return inner_->apply(batch);
}

Result<void> ObservedStore::commit() {
  if (world_.random.chance(crash_chance)) {
    inner_->rollback();
    throw Crash{};
  }
  if (failing()) return error();
  if (auto committed = inner_->commit(); !committed) return committed;
  look_on();
  if (world_.random.chance(crash_chance)) throw Crash{};
  if (failing()) return error();
  return {};
}

void ObservedStore::look_on() {
  for (const Task& image : images_) ledger_.committed(image);
  for (TaskId id : removals_) ledger_.removed(id);
  for (const ServerId to : addressees_) on_letter(to);
}

Result<std::optional<store::IdempotencyRow>> ObservedStore::find_idempotency(
    ClientId client, const std::string& key) {
  auto row = inner_->find_idempotency(client, key);
  if constexpr (queue::kMutant == queue::Mutant::idempotency_forgotten)
    if (row && *row && (*row)->created_at < started_at_)
      return std::optional<store::IdempotencyRow>();
  return row;
}

Result<store::RollCall> ObservedStore::beat() {
  if (failing()) return error().error();
  auto roll = inner_->peers()->beat();
  if constexpr (queue::kMutant == queue::Mutant::draw_untold)
    if (roll) roll->draws = 0;
  return roll;
}

Result<std::vector<TaskId>> ObservedStore::draw(ServerId from, std::int64_t silent_ms,
                                                std::span<const WorkerId> workers) {
  if (failing()) return error().error();
  if constexpr (queue::kMutant == queue::Mutant::draw_from_the_living) silent_ms = -1;
  auto drawn = inner_->peers()->draw(from, silent_ms, workers);
  if (fail_chance > 0 && world_.random.chance(0.3)) return error().error();  // it is rare
  return drawn;
}

}  // namespace tandem::sim
