#include "queue/sightings.h"

#include <utility>

namespace tandem::queue {
namespace {

constexpr std::int64_t kPauseMs = 60'000;
constexpr std::size_t kMaxOfATurn = 500;  // the turn answers clients as well

}  // namespace

void Sightings::see(WorkerId id, WallTime now) {
  seen_[id] = now;
  fresh_.insert(id);
}

std::optional<WallTime> Sightings::last(WorkerId id) const {
  const auto found = seen_.find(id);
  return found == seen_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<store::Sighting> Sightings::take(std::size_t limit) {
  std::vector<store::Sighting> taken;
  for (auto at = fresh_.begin(); at != fresh_.end() && taken.size() < limit; at = fresh_.erase(at))
    taken.push_back({*at, seen_.at(*at)});
  return taken;
}

Result<void> Sightings::write(store::WorkerStore& workers, MonoTime now) {
  if (fresh_.empty() || now < due_) return {};
  written_ = take(kMaxOfATurn);
  if (fresh_.empty()) due_ = now + kPauseMs;
  return workers.see_workers(written_);
}

void Sightings::settle(bool committed) {
  if (!committed) {
    for (const store::Sighting& sighting : written_) fresh_.insert(sighting.worker_id);
    if (!written_.empty()) due_ = {0};
  }
  written_.clear();
}

void Sightings::write_all(store::Store& store) {
  if (fresh_.empty() || !store.begin()) return;
  const bool is_written = store.workers().see_workers(take(fresh_.size())) && store.commit();
  if (!is_written) store.rollback();
}

}  // namespace tandem::queue
