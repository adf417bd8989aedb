#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/id.h"
#include "base/random.h"
#include "io/asio.h"
#include "service/complaints.h"
#include "wire/worker_json.h"

namespace tandem::worker::remote {

// What a RemoteLink is told and what it stands on, all of which outlives it.
struct RemoteSettings {
  std::string config_url, token;
  std::string ca_file = {};  // PEM, whom to trust; empty: the system's
  wire::WorkerMode mode = wire::WorkerMode::hybrid;
  std::int64_t poll_interval_ms = 5000;  // where the service names none
};
struct RemoteParts {
  io::Executor executor;  // of the worker's loop
  const Clock& clock;
  Random& random;
  IdSource& ids;
  service::Say say;
  // The service refuses the token for good; called once.
  std::function<void(const Error&)> on_refused;
};

}  // namespace tandem::worker::remote
