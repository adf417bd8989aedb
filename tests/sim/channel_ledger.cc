#include "sim/channel_ledger.h"

namespace tandem::sim {

void ChannelLedger::opened(WorkerId worker, queue::ChannelNumber channel, std::int64_t ends_by_ms) {
  open_[worker].emplace(channel, ends_by_ms);
  latest_[worker] = channel;
}

void ChannelLedger::used(queue::ChannelNumber channel) const {
  if (ended_.contains(channel)) throw Broken("an order came by a channel that had ended");
}

void ChannelLedger::let_in(WorkerId worker, queue::ChannelNumber channel) {
  world_.after(1, [this, worker, channel] {
    const auto& open = open_[worker];
    if (!open.empty() && open.begin()->first < channel)
      throw Broken("worker " + to_string(worker) + " has two channels");
  });
}

void ChannelLedger::ended(WorkerId worker, queue::ChannelNumber channel) {
  if (!ended_.insert(channel).second) throw Broken("a channel ended twice");
  open_[worker].erase(channel);
}

bool ChannelLedger::is_latest(WorkerId worker, queue::ChannelNumber channel) const {
  const auto latest = latest_.find(worker);
  return latest != latest_.end() && latest->second == channel;
}

void ChannelLedger::check_end() const {
  for (const auto& [worker, channels] : open_)
    for (const auto& [channel, ends_by_ms] : channels)
      if (ends_by_ms < world_.now()) throw Broken("a poll was never answered");
}

}  // namespace tandem::sim
