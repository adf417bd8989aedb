#pragma once

#include <atomic>

#include "api/encoded_chunks.h"
#include "api/live_clients.h"
#include "api/live_workers.h"
#include "api/metrics.h"
#include "api/newcomers.h"
#include "api/services.h"
#include "api/store_probe.h"
#include "auth/access_token.h"
#include "net/outgoing_guard.h"
#include "net/request.h"
#include "net/response.h"
#include "queue/commands.h"

namespace tandem::api {

struct Route;

// What the resources share; one per Api.
struct ApiState {
  explicit ApiState(const Services& all)
      : services(all),
        metrics(all),
        probe(all),
        log_probe(all, [&all] { return all.logs.store().check(); }),
        file_probe(all, [&all] { return all.blobs.check(); }),
        outgoing(all.settings.callback_allow_hosts) {}
  const Services& services;
  LiveClients clients;
  LiveWorkers workers;
  Newcomers newcomers{services.clock, services.reader, services.reading, clients, workers};
  EncodedChunks encoded;
  Metrics metrics;
  StoreProbe probe;
  EngineProbe log_probe, file_probe;
  net::OutgoingGuard outgoing;  // what a callback_url may be
  std::atomic<queue::ChannelNumber> last_channel{0};

  queue::ChannelNumber next_channel() { return ++last_channel; }
};

// Who asks for what, known once the headers are there.
struct Caller {
  const Route* route = nullptr;
  queue::Actor actor;   // of a client, as are the claims; a worker has none
  auth::Claims claims;  // of routes that are not exempt
  WorkerPtr worker;     // whose token it is, as it was then; null for clients
  Uuid id;              // of the path's `{id}`, else nil
  std::string name;     // of the path's `{name}`, decoded and not empty, else empty
};

// One request on its way through a resource's function.
struct Call {
  ApiState& api;
  net::Request& request;
  const Caller& caller;
  Outbox& outbox;  // of this loop

  const Services& services() const { return api.services; }
  TaskId task_id() const { return TaskId(caller.id); }
  ClientId client_id() const { return ClientId(caller.id); }
};

}  // namespace tandem::api
