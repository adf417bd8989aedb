#pragma once

#include "store/peer_store.h"
#include "store/postgres/session.h"

namespace tandem::store::postgres {

// The servers of the database, over the writer's session.
class PostgresPeers final : public PeerStore {
 public:
  PostgresPeers(Session& session, ServerId server, WallTime started_at)
      : session_(session), server_(server), started_at_(started_at) {}

  Result<RollCall> beat() override;
  Result<Mail> mail(int max_letters) override;
  Result<std::vector<Submission>> take_submissions(int limit) override;
  Result<void> refuse_submission(const Submission& submission, const std::string& why) override;
  Result<std::int64_t> adopt(ServerId from, std::int64_t silent_ms, int limit) override;
  Result<std::vector<TaskId>> draw(ServerId from, std::int64_t silent_ms,
                                   std::span<const WorkerId> workers) override;
  Result<void> lock_key(ClientId client, const std::string& key) override;

 private:
  Result<std::int64_t> take_all(ServerId from, int limit);
  Session& session_;
  const ServerId server_;
  const WallTime started_at_;
};

}  // namespace tandem::store::postgres
