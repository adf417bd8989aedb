#include "api/worker_profile.h"

namespace tandem::api {

WorkerProfile profile_of(const store::WorkerRecord& worker, WorkerChannel channel) {
  return {.worker_id = worker.worker_id,
          .name = worker.name,
          .channel = channel,
          .labels = worker.labels,
          .job_types = worker.job_types,
          .queues = worker.queues,
          .in_process = false,
          .draining = worker.draining};
}

Result<void> check_still_good(const Call& call) {
  const WorkerPtr now = call.api.workers.find(call.caller.worker->worker_id);
  if (now != nullptr && !now->revoked_at) return {};
  return fail(Errc::token_revoked, "The worker was revoked");
}

}  // namespace tandem::api
