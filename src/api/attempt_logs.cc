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

io::Awaitable<Result<LogCommitted>> ask_append(Call& call, const queue::Lease& lease,
                                               wire::LogBatch batch) {
  auto send = [&call, &lease, &batch](Outbox& outbox, LogAppended done) {
    queue::CheckLease check{.worker_id = call.caller.worker->worker_id, .lease = lease, .done = {}};
    append_log(call.services(), outbox, std::move(check), std::move(batch), std::move(done));
  };
  co_return co_await io::ask<Result<LogCommitted>>(call.outbox, send);
}

std::string committed_json(std::uint64_t seq) {
  return "\"committed\":" + std::to_string(seq) + "}";
}

// Where there is a gap the answer says from where on to repeat: an append of nothing tells.
void append(const Services& services, Outbox& outbox, logs::LogAppend append, LogAppended done) {
  logs::LogAppend nothing{.task_id = append.task_id, .attempt = append.attempt, .records = {}};
  auto appended = [&services, &outbox, nothing = std::move(nothing),
                   done = std::move(done)](const Result<logs::LogTail>& tail) {
    if (tail) return done(LogCommitted{.seq = tail->last_seq, .gap = {}});
    if (tail.error().code != Errc::range_not_satisfiable) return done(tail.error());
    services.logs.append(nothing, outbox,
                         [done, gap = tail.error()](const Result<logs::LogTail>& end) {
                           if (!end) return done(end.error());
                           done(LogCommitted{.seq = end->last_seq, .gap = gap});
                         });
  };
  services.logs.append(std::move(append), outbox, std::move(appended));
}

}  // namespace

void append_log(const Services& services, Outbox& outbox, queue::CheckLease lease,
                wire::LogBatch batch, LogAppended done) {
  auto held = std::make_shared<logs::LogAppend>(append_of(lease.lease.task_id, std::move(batch)));
  lease.done = [&services, &outbox, held,
                done = std::move(done)](const Result<queue::TaskPtr>& task) {
    if (!task) return done(task.error());
    append(services, outbox, std::move(*held), done);
  };
  services.post({&outbox, std::move(lease)});
}

Answer append_attempt_log(Call& call) {
  auto batch = wire::decode_log_batch(call.request.body);
  if (!batch) co_return refuse(call, batch.error());
  const queue::Lease lease{call.task_id(), batch->attempt};
  const auto committed = co_await ask_append(call, lease, std::move(*batch));
  if (!committed) co_return refuse(call, committed.error());
  if (!committed->gap) co_return private_json("{" + committed_json(committed->seq), 202);
  net::Response response = refuse(call, *committed->gap);
  auto* body = std::get_if<std::string>(&response.body);
  if (body == nullptr || !body->ends_with('}')) co_return response;
  body->back() = ',';
  *body += committed_json(committed->seq);
  co_return response;
}

}  // namespace tandem::api
