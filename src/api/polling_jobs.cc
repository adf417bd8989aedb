#include "api/answers.h"
#include "api/ask.h"
#include "api/attempt_updates.h"
#include "api/polling_config.h"
#include "api/query_params.h"
#include "api/resources.h"
#include "api/worker_profile.h"
#include "base/limits.h"
#include "wire/update_json.h"
#include "wire/worker_json.h"

namespace tandem::api {
namespace {

// Waits with the worker's other requests out of its way: a poll that nobody hears is taken back.
io::Awaitable<Result<queue::Claimed>> poll(Call& call, const wire::Claim& asked) {
  const Services& services = call.services();
  const store::WorkerRecord& worker = *call.caller.worker;
  queue::Unclaim nobody_hears{.worker_id = worker.worker_id, .channel = call.api.next_channel()};
  queue::Claim claim{.profile = profile_of(worker, WorkerChannel::polling),
                     .channel = nobody_hears.channel,
                     .max = asked.max,
                     .wait_ms = asked.wait_ms,
                     .done = {}};
  for (const wire::AttemptRef& known : asked.known)
    claim.known.push_back({TaskId::parse(known.task_id).value_or(TaskId()), known.attempt});
  call.request.on_disconnect = [&services, &outbox = call.outbox, nobody_hears] {
    services.post({&outbox, nobody_hears});
  };
  auto claimed = co_await ask(services, call.outbox, std::move(claim));
  call.request.on_disconnect = {};
  if (!claimed) co_return claimed.error();
  if (auto good = check_still_good(call); !good) co_return good.error();
  co_return claimed;
}

std::vector<std::string> encoded_jobs(const queue::Claimed& claimed) {
  std::vector<std::string> jobs;
  for (const queue::AssignOrder& job : claimed.jobs)
    wire::encode_job(*job.task, job.lease_expires_at, jobs.emplace_back());
  return jobs;
}

}  // namespace

Answer claim_jobs(Call& call) {
  const auto asked = wire::decode_claim(call.request.body);
  if (!asked) co_return refuse(call, asked.error());
  const auto claimed = co_await poll(call, *asked);
  if (!claimed) co_return refuse(call, claimed.error());
  std::vector<std::string> news;
  for (const queue::News& one : claimed->news)
    wire::encode_update_answer(
        wire_answer(one.lease.task_id, one.lease.attempt, Result<queue::UpdateAnswer>(one.answer)),
        news.emplace_back());
  co_return private_json(wire::encode_claimed(encoded_jobs(*claimed), news));
}

// A GET that gives jobs: its offers are given again until they are accepted, so that nothing is
// lost where it is repeated. A client, and a worker that says claim=false, is only told.
Answer get_polling_config(Call& call) {
  QueryParams params(call.request.target.query, {"wait_s", "max", "claim"});
  wire::Claim asked;
  asked.wait_ms = params.duration_ms("wait_s", 0, limits::kMaxWaitMs);
  asked.max = static_cast<int>(params.integer("max", 1, 1, limits::kMaxClaimJobs));
  const bool claims = !params.text("claim") || params.flag("claim");
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  if (call.caller.worker == nullptr || !claims || call.request.method == "HEAD")
    co_return config_answer(call, {});
  const auto claimed = co_await poll(call, asked);
  if (!claimed) co_return refuse(call, claimed.error());
  co_return config_answer(call, encoded_jobs(*claimed));
}

}  // namespace tandem::api
