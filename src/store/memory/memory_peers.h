#pragma once

#include <span>
#include <string>
#include <vector>

#include "store/memory/memory_state.h"

namespace tandem::store {

// The other servers whose stores share the state.
class MemoryPeers final : public PeerStore {
 public:
  MemoryPeers(MemoryState& state, ServerId server, const Clock& clock);
  Result<RollCall> beat() override;
  Result<Mail> mail(int max_letters) override;
  Result<std::vector<Submission>> take_submissions(int limit) override;
  Result<void> refuse_submission(const Submission& submission, const std::string& why) override;
  Result<std::int64_t> adopt(ServerId from, std::int64_t silent_ms, int limit) override;
  Result<std::vector<TaskId>> draw(ServerId from, std::int64_t silent_ms,
                                   std::span<const WorkerId> workers) override;
  Result<void> lock_key(ClientId client, const std::string& key) override;

 private:
  MemoryState& state_;
  const ServerId server_;
  const Clock& clock_;
  const WallTime started_at_;
};

}  // namespace tandem::store
