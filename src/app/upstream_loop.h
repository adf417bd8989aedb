#pragma once

#include <optional>

#include "config/settings.h"
#include "io/loop.h"
#include "store/store.h"
#include "upstream/upstream.h"

namespace tandem::app {

// Whose tasks the jobs of another service are; nothing where the settings name no service. Before
// the dispatcher's thread runs. Blocks. Errors: not_found, where there is no such client; the
// store's.
Result<std::optional<ClientId>> upstream_client_of(const config::Settings& settings,
                                                   store::Store& store, IdSource& ids);

// All of it outlives the loop.
struct UpstreamWorld {
  upstream::SiteParts site;
  Random& random;
  IdSource& ids;
};

// The part that fetches the jobs of another service, and the loop that it lives on.
class UpstreamLoop {
 public:
  UpstreamLoop(const UpstreamWorld& world, const config::Settings& settings, ClientId client);
  // After finish(), and after the dispatcher's thread has ended.
  ~UpstreamLoop();
  UpstreamLoop(const UpstreamLoop&) = delete;
  UpstreamLoop& operator=(const UpstreamLoop&) = delete;

  // Nothing more is fetched.
  void drain();
  // Blocks until the service has heard what there is to say, or a few seconds are over.
  void finish();

 private:
  io::Loop loop_{"upstream"};
  io::LoopOutbox outbox_{loop_.executor()};
  upstream::Upstream upstream_;
};

}  // namespace tandem::app
