#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "queue/worker_channels.h"
#include "sim/ledger.h"
#include "sim/world.h"

namespace tandem::sim {

// Which channels each worker has, as seen beside the server: one at a time, and an end for each.
class ChannelLedger {
 public:
  explicit ChannelLedger(World& world) : world_(world) {}

  // To end by itself until then: a poll.
  void opened(WorkerId worker, queue::ChannelNumber channel, std::int64_t ends_by_ms = INT64_MAX);
  // An order came by it.
  void used(queue::ChannelNumber channel) const;
  // The server has let it in: those before must have ended with the same delivery.
  void let_in(WorkerId worker, queue::ChannelNumber channel);
  // It was told to close, or its poll was answered.
  void ended(WorkerId worker, queue::ChannelNumber channel);
  // Its other end is gone, and nobody minds any more.
  void abandoned(WorkerId worker, queue::ChannelNumber channel) { open_[worker].erase(channel); }
  bool is_latest(WorkerId worker, queue::ChannelNumber channel) const;
  void server_died() { open_.clear(); }
  void check_end() const;

 private:
  World& world_;
  std::map<WorkerId, std::map<queue::ChannelNumber, std::int64_t>> open_;  // and when it ends
  std::map<WorkerId, queue::ChannelNumber> latest_;
  std::set<queue::ChannelNumber> ended_;
};

}  // namespace tandem::sim
