#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "exec/cgroup.h"
#include "exec/oom_score.h"
#include "exec/packet.h"
#include "exec/spawn.h"

namespace tandem::exec {

// The body of a shepherd process: the parent of one job after the other, alone with it, so that a
// job that kills its parent kills nobody else. It is the subreaper of its job, so every process the
// job makes stays its descendant: the job is over when the shepherd has no child left.
class ShepherdLoop {
 public:
  ShepherdLoop(UniqueFd socket, JobCgroup cgroup, pid_t guard);
  // Serves until the socket closes or the guard dies, then kills its job and returns.
  void run();

 private:
  void wait_for_event();
  void read_signals();
  void read_packets();
  void handle(Packet& packet);
  void launch(Packet& packet);
  void set_up_limits(SpawnPlan& plan);
  void signal_job(int signal);
  void reap();
  void kill_round();
  void report_exit(bool leftovers);
  bool was_out_of_memory();
  bool is_busy() const { return main_ > 0; }

  UniqueFd socket_, signals_;
  JobCgroup cgroup_;
  OomScore oom_score_;
  bool owner_is_gone_ = false;

  // The job
  pid_t main_ = 0;  // 0: none
  bool main_ended_ = false;
  ExitFields exit_{};
  std::int64_t kill_at_ms_ = INT64_MAX;  // monotonic
  int kill_rounds_ = 0;
  bool has_memory_limit_ = false;
  std::uint64_t job_oom_kills_ = 0;  // of the cgroup, up to now
  std::uint64_t machine_oom_kills_ = 0;
  std::int64_t machine_read_at_ms_ = INT64_MIN / 2;
};

}  // namespace tandem::exec
