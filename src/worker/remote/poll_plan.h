#pragma once

#include <cstdint>

#include "base/clock.h"
#include "service/back_off.h"
#include "service/terms.h"
#include "worker/remote/channel_choice.h"

namespace tandem::worker::remote {

// When a worker asks its service for jobs, for how many, and how long it rests behind an answer. No
// socket and no clock; made for one loop.
class PollPlan {
 public:
  explicit PollPlan(Random& random);

  void set_terms(const service::Terms& terms);
  void drain() { is_draining_ = true; }
  // The server ends the poll under way when a socket opens, and another one would end the socket:
  // polls wait for one that is being opened, but not for long.
  void socket_is_opening(MonoTime now);
  void socket_was_tried() { opening_until_ = MonoTime{0}; }

  struct Step {
    Channel channel = Channel::none;  // none: not now
    int most = 0;                     // jobs to ask for
    MonoTime look_again_at = kNever;  // where it is none
  };
  Step next(Channel channel, int free_slots, MonoTime now) const;
  void asked(MonoTime now);
  // How long to rest then, in milliseconds. `asked_pause_ms`: the service wants so long a pause.
  std::int64_t answered(const Step& step, bool has_jobs, MonoTime now);
  std::int64_t failed(std::int64_t asked_pause_ms);
  bool is_under_way() const { return is_under_way_; }

  // While every slot is taken no job is asked for, but cancels and input still come with the answer
  // to a long poll: whether to ask for them, and how long to rest behind that.
  bool is_news_due(Channel channel, bool has_leases) const;
  std::int64_t heard_news(MonoTime asked_at, MonoTime now);
  std::int64_t missed_news(std::int64_t asked_pause_ms);

  // A long poll that failed was cut for its length, by something on the way: what fails at once was
  // not.
  static bool was_cut(const Error& error, MonoTime asked_at, MonoTime now);

 private:
  Random& random_;
  service::BackOff pause_, news_pause_;
  std::int64_t interval_ms_ = 0;
  bool service_waits_ = false;  // before it answers a long poll with nothing
  bool is_draining_ = false, is_under_way_ = false;
  MonoTime opening_until_{0}, asked_at_{0};
};

}  // namespace tandem::worker::remote
