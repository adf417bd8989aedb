#include "api/attempt_logs.h"

#include <memory>
#include <utility>

#include "api/answers.h"
#include "api/resources.h"
#include "io/ask.h"

namespace tandem::api {
namespace {

logs::LogAppend append_of(TaskId task, wire::LogBatch batch) {
  logs::LogAppend append{.task_id = task, .attempt = batch.attempt, .records = {}};
  append.records.reserve(batch.records.size());
  for (wire::OwnedLogLine& line : batch.records)
    append.records.push_back(
        {.attempt = line.attempt,
         .seq = line.seq,
         .ts = line.ts,
         .stream = logs::log_stream_from(line.stream).value_or(logs::LogStream::system),
         .data = std::move(line.data)});
  return append;
}

io::Awaitable<Result<logs::LogTail>> ask_append(Call& call, const queue::Lease& lease,
                                                wire::LogBatch batch) {
  auto send = [&call, &lease, &batch](Outbox& outbox, LogAppended done) {
    queue::CheckLease check{.worker_id = call.caller.worker->worker_id, .lease = lease, .done = {}};
    append_log(call.services(), outbox, std::move(check), std::move(batch), std::move(done));
  };
  co_return co_await io::ask<Result<logs::LogTail>>(call.outbox, send);
}

std::string committed_json(std::uint64_t seq) {
  return "\"committed\":" + std::to_string(seq) + "}";
}

}  // namespace

void append_log(const Services& services, Outbox& outbox, queue::CheckLease lease,
                wire::LogBatch batch, LogAppended done) {
  auto append = std::make_shared<logs::LogAppend>(append_of(lease.lease.task_id, std::move(batch)));
  lease.done = [&services, &outbox, append,
                done = std::move(done)](const Result<queue::TaskPtr>& task) {
    if (!task) return done(task.error());
    services.logs.append(std::move(*append), outbox, done);
  };
  services.post({&outbox, std::move(lease)});
}

// Where there is a gap the answer says from where on to repeat: an append of nothing tells.
Answer append_attempt_log(Call& call) {
  auto batch = wire::decode_log_batch(call.request.body);
  if (!batch) co_return refuse(call, batch.error());
  const queue::Lease lease{call.task_id(), batch->attempt};
  const auto tail = co_await ask_append(call, lease, std::move(*batch));
  if (tail) co_return private_json("{" + committed_json(tail->last_seq), 202);
  net::Response response = refuse(call, tail.error());
  if (tail.error().code != Errc::range_not_satisfiable) co_return response;
  wire::LogBatch nothing;
  nothing.attempt = lease.attempt;
  const auto end = co_await ask_append(call, lease, std::move(nothing));
  auto* body = std::get_if<std::string>(&response.body);
  if (!end || body == nullptr || !body->ends_with('}')) co_return response;
  body->back() = ',';
  *body += committed_json(end->last_seq);
  co_return response;
}

}  // namespace tandem::api
