#pragma once

#include <atomic>
#include <filesystem>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "config/settings.h"
#include "wire/worker_json.h"

namespace tandem::app {

// As whom a worker works for its service: worker.json (0600) in its data directory keeps what a
// registration gave.
struct WorkerIdentity {
  std::string worker_id;  // empty: the token is all that is known
  std::string worker_token;
};

// The first of: the token of the settings; what a registration for the same service has left in the
// directory; a new registration, which is saved. Tries again and again where the service is not
// reached, until `stop`. Blocks. Errors carry a sentence for the operator: 401's and 403's codes
// where the service refuses, shutting_down where it was stopped.
class IdentitySource {
 public:
  IdentitySource(const config::Settings& settings, std::filesystem::path directory,
                 const std::atomic<bool>& stop)
      : settings_(settings), directory_(std::move(directory)), stop_(stop) {}

  Result<WorkerIdentity> find(const wire::Registration& registration) const;
  // What was saved for this service; not_found.
  Result<WorkerIdentity> saved() const;
  // Has the service give another token to what was saved, and saves that. Answers until when the
  // one before is good.
  Result<WallTime> rotate() const;

 private:
  Result<WorkerIdentity> registered(const wire::Registration& registration) const;
  Result<wire::Registered> register_once(const wire::Registration& registration,
                                         std::int64_t& asked_ms) const;
  Result<void> save(const WorkerIdentity& identity) const;
  std::filesystem::path file() const { return directory_ / "worker.json"; }

  const config::Settings& settings_;
  const std::filesystem::path directory_;
  const std::atomic<bool>& stop_;
};

// What a worker tells of itself, by its settings; `job_types` where they name none.
wire::Registration registration_of(const config::Settings& settings,
                                   std::vector<std::string> job_types);

}  // namespace tandem::app
