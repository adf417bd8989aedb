#include "worker/embedded_worker.h"

#include <utility>

namespace tandem::worker {
namespace {

WorkerProfile profile_of(const EmbeddedWorkerSettings& settings) {
  WorkerProfile profile;
  profile.worker_id = settings.worker_id;
  profile.name = settings.name;
  profile.channel = WorkerChannel::push;
  profile.labels = settings.labels;
  profile.in_process = true;
  return profile;
}

}  // namespace

EmbeddedWorker::EmbeddedWorker(EmbeddedWorkerParts parts, EmbeddedWorkerSettings settings)
    : link_(parts.dispatcher, parts.outbox, profile_of(settings)),
      log_sink_(parts.logs, parts.outbox, parts.unsent_logs),
      files_(parts.blobs),
      worker_(WorkerParts{.executor = parts.executor,
                          .link = link_,
                          .log = log_sink_,
                          .files = files_,
                          .launcher = &parts.launcher,
                          .offload = parts.offload,
                          .clock = parts.clock},
              std::move(settings)) {}

}  // namespace tandem::worker
