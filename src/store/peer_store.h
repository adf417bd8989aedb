#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"

namespace tandem::store {

// A message to another server: durable, and there until it was read.
struct Letter {
  ServerId to;
  std::string text;
};
struct ReceivedLetter {
  std::int64_t number = 0;
  ServerId from;
  std::string text;
};

// A task that was submitted in SQL, in a user's own transaction.
struct Submission {
  TaskId task_id;  // its user knows it already
  ClientId client_id;
  std::string body;  // as POST /api/v1/tasks takes it
  WallTime submitted_at;
  bool has_client = true;  // false: it was removed since
  bool is_known = false;   // there is such a task
};

// What has come through the store for this server, or for any.
struct Mail {
  std::vector<ReceivedLetter> letters;
  bool has_submissions = false;  // a hint: another server may be faster
};

struct Peer {
  ServerId server_id;
  std::string name;
  std::int64_t silent_ms = 0;  // since its last beat, by the store's clock
};
struct RollCall {
  std::int64_t was_silent_ms = 0;  // how long this server was, before it
  std::int64_t draws = 0;          // how often others have drawn tasks from it, ever
  std::vector<Peer> peers;         // all others, the dead ones too
};

// The servers that share a store. Each task that is not finished is held by one of them, which
// alone changes it: a change of another one's task does not hold. Threads and errors as in Store.
class PeerStore {
 public:
  virtual ~PeerStore() = default;

  // This server lives. Not within a transaction. internal: another process has the same id.
  virtual Result<RollCall> beat() = 0;
  // Letters to this server, of each sender in the order of its commits. They stay until a batch has
  // read them.
  virtual Result<Mail> mail(int max_letters) = 0;
  // Within a transaction, which removes them: the oldest first, none that another server has taken.
  virtual Result<std::vector<Submission>> take_submissions(int limit) = 0;
  // Within the transaction that took it: it stays with a reason, for its user to see.
  virtual Result<void> refuse_submission(const Submission& submission, const std::string& why) = 0;
  // Takes over what a server holds that has been silent for so long, at most `limit` tasks of a
  // kind, and what it owes; its letters are dropped. Tasks taken. Not within a transaction.
  virtual Result<std::int64_t> adopt(ServerId from, std::int64_t silent_ms, int limit) = 0;
  // Takes over what a server has leased to these workers where it has been silent for so long, dead
  // or not; it learns of that by its next beat. What a transaction of its is changing stays there.
  // Tasks taken. Not within a transaction.
  virtual Result<std::vector<TaskId>> draw(ServerId from, std::int64_t silent_ms,
                                           std::span<const WorkerId> workers) = 0;
  // Within a transaction: until its end no other server holds the same key.
  virtual Result<void> lock_key(ClientId client, const std::string& key) = 0;
};

// Rings where letters may have come: a hint, that may be false or missing.
class PeerBell {
 public:
  virtual ~PeerBell() = default;  // stops
};

}  // namespace tandem::store
