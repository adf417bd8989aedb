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
  const WorkerId id = call.caller.worker->worker_id;
  const WorkerPtr now = call.api.workers.find(id);
  if (now != nullptr && !now->revoked_at) return {};
  call.services().post({&call.outbox, queue::RevokeWorker{.worker_id = id, .done = {}}});
  return fail(Errc::token_revoked, "The worker was revoked");
}

}  // namespace tandem::api
