#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"
#include "io/asio.h"
#include "io/offload.h"
#include "store/task_reader.h"

namespace tandem::api {

class LiveClients;
class LiveWorkers;

// An account that a good token is of, and that is not known here: one of the two.
struct Newcomer {
  std::optional<ClientId> client;
  std::string worker_token_sha256;
};

// Where several servers share a database, an account may use its token at this one before the news
// comes that another has made it: it is looked for in the database before it is refused.
// Thread-safe.
class Newcomers {
 public:
  // All borrowed.
  Newcomers(const Clock& clock, store::TaskReader& reader, io::OffloadPool& reading,
            LiveClients& clients, LiveWorkers& workers)
      : clock_(clock), reader_(reader), reading_(reading), clients_(clients), workers_(workers) {}

  // There are other servers: none is looked for before. Call it before the server starts.
  void expect() { expected_ = true; }
  bool are_expected() const { return expected_; }

  // The account is known here afterwards, if there is one. A worker's token can be made up, so that
  // there are kLooksPerSecond at most, whoever asks. Errors: too_many_requests, store_unavailable;
  // then nobody can say that there is none.
  io::Awaitable<Result<void>> look_for(Newcomer newcomer);

  static constexpr int kLooksPerSecond = 200;

 private:
  bool may_look();
  Result<void> read(const Newcomer& newcomer);

  const Clock& clock_;
  store::TaskReader& reader_;
  io::OffloadPool& reading_;
  LiveClients& clients_;
  LiveWorkers& workers_;
  bool expected_ = false;
  std::mutex mutex_;
  MonoTime second_began_;  // guarded by mutex_
  int looks_ = 0;          // guarded by mutex_; since then
};

}  // namespace tandem::api
