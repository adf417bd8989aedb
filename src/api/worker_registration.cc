#include "api/answers.h"
#include "api/ask.h"
#include "api/gate.h"
#include "api/own_url.h"
#include "api/resources.h"
#include "api/worker_change.h"
#include "auth/secret.h"
#include "base/limits.h"
#include "wire/fleet_json.h"
#include "wire/worker_json.h"

namespace tandem::api {
namespace {

store::WorkerRecord record_of(const Call& call, wire::Registration& asked,
                              const std::string& token) {
  const Services& services = call.services();
  store::WorkerRecord worker;
  worker.worker_id = services.ids.make<WorkerId>();
  worker.name = std::move(asked.name);
  worker.mode = to_string(asked.mode);
  worker.labels = std::move(asked.labels);
  worker.job_types = std::move(asked.job_types);
  worker.queues = std::move(asked.queues);
  worker.slots = asked.slots;
  worker.version = std::move(asked.version);
  worker.host = std::move(asked.host);
  worker.client_id = call.caller.actor.client_id;
  worker.token_sha256 = auth::sha256_hex(token);
  worker.created_at = services.clock.wall();
  return worker;
}

// A client that registers in a loop must not fill the database. Those under way are not counted.
Result<void> check_room(const Call& call) {
  const LiveWorkers& live = call.api.workers;
  if (!live.is_loaded())
    return fail(Errc::store_unavailable, "The server has not read its workers yet");
  if (live.count_of(call.caller.actor.client_id) < limits::kMaxWorkersOfClient) return {};
  return fail(Errc::conflict, "The client has registered " +
                                  std::to_string(limits::kMaxWorkersOfClient) +
                                  " workers: revoke those that are gone");
}

// The worker, unless the client that registers it was deleted meanwhile.
Result<void> insert_of_client(store::Store& store, const store::WorkerRecord& worker) {
  auto client = store.accounts().find_client(worker.client_id);
  if (!client) return client.error();
  if (!*client) return fail(Errc::token_revoked, "The token's client does not exist any more");
  return store.workers().insert_worker(worker);
}

// A token takes the place of the one that was presented, which stays good for a while. Where that
// has been replaced before, the answer may have been lost: it keeps the time that it has.
Result<void> replace_token(store::WorkerStore& workers, const store::WorkerRecord& before,
                           const store::WorkerTokens& wanted, WallTime now) {
  if (before.revoked_at) return fail(Errc::token_revoked, "The worker has been revoked");
  store::WorkerTokens tokens = wanted;
  if (before.token_sha256 != tokens.previous_sha256) {
    if (before.previous_sha256 != tokens.previous_sha256) return fail(Errc::token_invalid);
    if (now >= *before.previous_until) return fail(Errc::token_expired);
    tokens.previous_until = *before.previous_until;
  }
  auto replaced = workers.replace_token(before.worker_id, tokens);
  if (!replaced) return replaced.error();
  return {};
}

}  // namespace

Answer register_worker(Call& call) {
  auto asked = wire::decode_registration(call.request.body);
  if (!asked) co_return refuse(call, asked.error());
  const Services& services = call.services();
  if (auto room = check_room(call); !room) co_return refuse(call, room.error());
  const std::string token = auth::make_secret(auth::SecretKind::worker, services.random);
  const auto worker = std::make_shared<const store::WorkerRecord>(record_of(call, *asked, token));
  LiveWorkers& live = call.api.workers;
  std::uint64_t number = 0;
  queue::Transact transact{.run = [&live, &worker, &number](store::Store& store) -> Result<void> {
                             number = live.next_change();
                             return insert_of_client(store, *worker);
                           },
                           .is_announced = true,
                           .done = {}};
  const auto done = co_await ask(services, call.outbox, std::move(transact));
  if (!done) co_return refuse(call, done.error());
  live.put(worker, number);
  const wire::Registered answer{.worker_id = to_string(worker->worker_id),
                                .worker_token = token,
                                .config_url = own_url(services.settings, call.request) + "/" +
                                              std::string(side_of(*call.caller.route)) + "config"};
  co_return private_json(wire::encode_registered(answer), 201);
}

Answer rotate_worker_token(Call& call) {
  if (auto empty = wire::decode_empty(call.request.body); !empty)
    co_return refuse(call, empty.error());
  const auto presented = presented_token(call.request);
  if (!presented) co_return refuse(call, presented.error());
  const Services& services = call.services();
  const std::string token = auth::make_secret(auth::SecretKind::worker, services.random);
  const WallTime now = services.clock.wall();
  const store::WorkerTokens wanted{.token_sha256 = auth::sha256_hex(token),
                                   .previous_sha256 = auth::sha256_hex(*presented),
                                   .previous_until = now + limits::kPreviousTokenMs};
  const WorkerChange change = [&wanted, now](store::WorkerStore& workers,
                                             const store::WorkerRecord& before) {
    return replace_token(workers, before, wanted, now);
  };
  const auto worker = co_await change_worker(call, call.caller.worker->worker_id, change);
  if (!worker) co_return refuse(call, worker.error());
  const wire::RotatedToken answer{.worker_token = token,
                                  .previous_valid_until = *(*worker)->previous_until};
  co_return private_json(wire::encode_rotated_token(answer));
}

}  // namespace tandem::api
