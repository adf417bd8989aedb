#pragma once

#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "core/lane.h"
#include "queue/worker_updates.h"
#include "wire/worker_state.h"

// How workers come, are given tasks, and go; see commands.h.
namespace tandem::queue {

struct AssignOrder {
  TaskPtr task;
  WallTime lease_expires_at;
  std::optional<MonoTime> lease_until = {};  // of what runs in this process, where it has an end
};
struct CancelOrder {
  TaskId task_id;
  std::uint32_t attempt = 0;
};
struct ResizeOrder {
  TaskId task_id;
  std::uint32_t attempt = 0;
  int cols = 80, rows = 24;
};
struct LostOrder {  // stop it: it is no longer yours
  TaskId task_id;
  std::uint32_t attempt = 0;
};
struct LeaseOrder {  // to the worker in this process alone: it is its until then
  TaskId task_id;
  std::uint32_t attempt = 0;
  MonoTime until;
};
struct DrainOrder {};  // it is given nothing more
enum class CloseReason : std::uint8_t { replaced, revoked };
struct CloseOrder {  // the last one of a channel
  CloseReason reason = CloseReason::replaced;
};
using WorkerOrder = std::variant<AssignOrder, CancelOrder, store::InputPiece, ResizeOrder,
                                 LostOrder, LeaseOrder, DrainOrder, CloseOrder>;

// Which of a worker's connections or polls is meant: each has a number of its own, made by the
// caller. A worker has one at a time, the latest; what is said of an earlier one does nothing.
using ChannelNumber = std::uint64_t;

// A worker connects; orders run on the command's outbox. Its tasks stay with it, and offers that it
// has not accepted are given again. It has no free slot until it says so.
struct OpenWorker {
  WorkerProfile profile;
  ChannelNumber channel = 0;
  std::function<void(WorkerOrder)> order;
  Done<std::monostate> done;
};
// The worker takes so many tasks more than it has said before: credits, so that an order that is
// still on its way to it is never counted twice. `free`: in place of that, all that it can take
// besides what it was offered.
struct Ready {
  WorkerId worker_id;
  int slots = 0;
  ChannelNumber channel = 0;
  std::optional<int> free = {};
};
// The worker takes nothing more, and what it has not accepted goes back at once; its channel stays.
struct Retire {
  WorkerId worker_id;
  ChannelNumber channel = 0;
};
// `lost`: it said no word before it went. Then it has reconnect_ms to be heard of again; else its
// attempts are lost before their leases end. Otherwise its offers go back at once.
struct CloseWorker {
  WorkerId worker_id;
  ChannelNumber channel = 0;
  bool lost = false;
};

// What a poll is given: offers, and the worker's own tasks of which there is something new.
struct News {
  Lease lease;
  UpdateAnswer answer;
};
struct Claimed {
  std::vector<AssignOrder> jobs;
  std::vector<News> news;
};
// A poll, which is a channel for as long as it waits. Offers that the worker has not accepted are
// given again but for those that it says it knows, besides up to `max` new ones; with `max` 0 there
// is only news. Answered in the turn in which there is something to give, else after wait_ms, or
// when another channel takes its place.
struct Claim {
  WorkerProfile profile;
  ChannelNumber channel = 0;
  int max = 1;
  std::int64_t wait_ms = 0;
  std::vector<Lease> known = {};  // offers that have reached it; their time to accept goes on
  Done<Claimed> done;
};
// Nobody waits for the claim any more: it is not answered.
struct Unclaim {
  WorkerId worker_id;
  ChannelNumber channel = 0;
};

// The records say otherwise than before how these stand; empty: of any. The channel of one that is
// revoked is closed, and what it holds goes back without using up an attempt; one that drains is
// given nothing new.
struct ReviewWorkers {
  std::vector<WorkerId> workers;
  Done<std::monostate> done;
};

// In the order of `workers`. `everywhere`: also what the other servers know; what one of them does
// not tell within a second or two is missing.
struct InspectWorkers {
  std::vector<WorkerId> workers;
  bool everywhere = false;
  Done<std::vector<wire::WorkerState>> done;
};

}  // namespace tandem::queue
