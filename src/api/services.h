#pragma once

#include <string>
#include <utility>
#include <vector>

#include "auth/access_token.h"
#include "auth/callback_signer.h"
#include "auth/login_throttle.h"
#include "auth/token_verifier.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/outbox.h"
#include "base/random.h"
#include "blobs/blob_store.h"
#include "config/settings.h"
#include "io/asio.h"
#include "io/offload.h"
#include "logs/log_hub.h"
#include "queue/commands.h"
#include "store/task_reader.h"

namespace tandem::queue {
class DispatcherThread;
}

namespace tandem::api {

// The door of each event loop, for answers of the dispatcher. Filled before the server starts.
class LoopDoors {
 public:
  void add(io::Executor executor, Outbox& outbox) { doors_.emplace_back(executor, &outbox); }
  // The door of the loop that this executor belongs to; it must have been added.
  Outbox& of(const io::Executor& executor) const;

 private:
  std::vector<std::pair<io::Executor, Outbox*>> doors_;
};

// All that the API works with; everything is borrowed and outlives it, the dispatcher's thread and
// the log hub included. Stop the server and its loops' task groups before the dispatcher.
struct Services {
  queue::DispatcherThread& dispatcher;
  store::TaskReader& reader;
  logs::LogHub& logs;
  blobs::BlobStore& blobs;
  auth::TokenVerifier& verifier;
  const auth::TokenIssuer& issuer;
  auth::LoginThrottle& throttle;
  const auth::CallbackSigner& callback_signer;
  const config::Settings& settings;
  IdSource& ids;
  const Clock& clock;
  Random& random;
  const LoopDoors& doors;
  io::OffloadPool& reading;  // store reads, logs, files
  io::OffloadPool& hashing;  // Argon2: its threads bound how many run at once
  std::string version;

  void post(queue::Command command) const;  // to the dispatcher; thread-safe
};

}  // namespace tandem::api
