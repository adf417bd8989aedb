#include <algorithm>

#include "api/answers.h"
#include "api/ask.h"
#include "api/query_params.h"
#include "api/resources.h"
#include "api/worker_change.h"
#include "base/limits.h"
#include "io/offload.h"
#include "wire/fleet_json.h"
#include "wire/list_json.h"

namespace tandem::api {
namespace {

constexpr std::string_view kWorkersList = "workers";

wire::WorkerStatus status_of(const store::WorkerRecord& worker, const wire::WorkerState& state) {
  if (worker.revoked_at) return wire::WorkerStatus::revoked;
  if (worker.draining) return wire::WorkerStatus::draining;
  return state.channel ? wire::WorkerStatus::connected : wire::WorkerStatus::away;
}

wire::WorkerView view_of(const store::WorkerRecord& worker, const wire::WorkerState& state) {
  return {.worker_id = worker.worker_id,
          .name = worker.name,
          .mode = worker.mode,
          .labels = worker.labels,
          .job_types = worker.job_types,
          .queues = worker.queues,
          .slots = worker.slots,
          .version = worker.version,
          .host = worker.host,
          .status = status_of(worker, state),
          .channel = state.channel,
          .tasks = state.tasks,
          .created_at = worker.created_at,
          .last_seen_at = std::max(worker.last_seen_at, state.last_seen_at),
          .revoked_at = worker.revoked_at,
          .revoke_reason = worker.revoke_reason};
}

// What the servers know of them, in their order. Errors: store_unavailable, shutting_down.
io::Awaitable<Result<std::vector<wire::WorkerState>>> inspect(Call& call,
                                                              std::vector<WorkerId> workers) {
  queue::InspectWorkers command{.workers = std::move(workers), .everywhere = true, .done = {}};
  co_return co_await ask(call.services(), call.outbox, std::move(command));
}

Answer worker_answer(Call& call, WorkerPtr worker) {
  std::vector<WorkerId> ids = {worker->worker_id};
  const auto states = co_await inspect(call, std::move(ids));
  if (!states) co_return refuse(call, states.error());
  std::string body;
  wire::encode_worker(view_of(*worker, states->at(0)), body);
  co_return private_json(std::move(body));
}

// What follows from a worker's drain or revocation for its channel and its tasks.
io::Awaitable<Result<std::monostate>> review(Call& call, WorkerId id) {
  queue::ReviewWorkers command{.workers = {id}, .done = {}};
  co_return co_await ask(call.services(), call.outbox, std::move(command));
}

Answer changed_answer(Call& call, WorkerId id, const WorkerChange& change) {
  const auto worker = co_await change_worker(call, id, change);
  if (!worker) co_return refuse(call, worker.error());
  if (const auto done = co_await review(call, id); !done) co_return refuse(call, done.error());
  co_return co_await worker_answer(call, *worker);
}

Answer set_draining(Call& call, bool draining) {
  const WorkerChange change = [draining](store::WorkerStore& workers,
                                         const store::WorkerRecord& before) -> Result<void> {
    if (before.revoked_at) return fail(Errc::conflict, "The worker has been revoked");
    if (auto set = workers.set_draining(before.worker_id, draining); !set) return set.error();
    return {};
  };
  co_return co_await changed_answer(call, WorkerId(call.caller.id), change);
}

// One that was revoked before stays as it was.
Answer revoke(Call& call, const wire::Revocation& revocation) {
  const WallTime now = call.services().clock.wall();
  const WorkerChange change = [&revocation, now](
                                  store::WorkerStore& workers,
                                  const store::WorkerRecord& before) -> Result<void> {
    auto revoked = workers.revoke_worker(before.worker_id, now, revocation.reason);
    if (!revoked) return revoked.error();
    return {};
  };
  co_return co_await changed_answer(call, revocation.worker_id, change);
}

}  // namespace

Answer list_workers(Call& call) {
  QueryParams params(call.request.target.query, {"limit", "cursor"});
  const int limit = static_cast<int>(
      params.integer("limit", limits::kDefaultPageItems, 1, limits::kMaxPageItems));
  std::optional<WorkerId> after;
  if (const auto position = params.cursor(kWorkersList)) {
    after = WorkerId::parse(*position);
    if (!after) params.wrong("cursor", "is not one that this list gave");
  }
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  const Services& services = call.services();
  auto read = [&services, &after, limit] { return services.reader.list_workers(after, limit + 1); };
  const auto workers = co_await io::offload(services.reading, read);
  if (!workers) co_return refuse(call, workers.error());
  const std::size_t count = std::min(workers->size(), static_cast<std::size_t>(limit));
  std::vector<WorkerId> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back((*workers)[i].worker_id);
  const auto states = co_await inspect(call, std::move(ids));
  if (!states) co_return refuse(call, states.error());
  std::string body;
  wire::ListWriter list(body);
  for (std::size_t i = 0; i < count; ++i) {
    std::string item;
    wire::encode_worker(view_of((*workers)[i], (*states)[i]), item);
    list.items().raw(item);
  }
  list.finish(workers->size() > count
                  ? wire::encode_cursor(kWorkersList, to_string((*workers)[count - 1].worker_id))
                  : std::string());
  co_return private_json(std::move(body));
}

Answer get_worker(Call& call) {
  const WorkerPtr worker = call.api.workers.find(WorkerId(call.caller.id));
  if (worker == nullptr) co_return refuse(call, fail(Errc::not_found, "There is no such worker"));
  co_return co_await worker_answer(call, worker);
}

Answer drain_worker(Call& call) { return set_draining(call, true); }
Answer resume_worker(Call& call) { return set_draining(call, false); }

Answer revoke_worker(Call& call) {
  auto reason = wire::decode_revoke_reason(call.request.body);
  if (!reason) co_return refuse(call, reason.error());
  const wire::Revocation revocation{.worker_id = WorkerId(call.caller.id),
                                    .reason = std::move(*reason)};
  co_return co_await revoke(call, revocation);
}

Answer revoke_named_worker(Call& call) {
  const auto revocation = wire::decode_revocation(call.request.body);
  if (!revocation) co_return refuse(call, revocation.error());
  co_return co_await revoke(call, *revocation);
}

}  // namespace tandem::api
