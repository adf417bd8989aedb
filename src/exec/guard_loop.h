#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <unordered_set>
#include <vector>

#include "base/unique_fd.h"
#include "exec/cgroup.h"
#include "exec/packet.h"

namespace tandem::exec {

// The body of the guard's process, after the fork. `socket` is the guard's end.
[[noreturn]] void run_guard(int socket, bool use_cgroups);

class GuardLoop {
 public:
  GuardLoop(UniqueFd socket, bool use_cgroups);
  void run();  // until the socket has closed and no process is left

 private:
  void say_hello(const Capabilities& capabilities);
  void read_packets();
  void fork_shepherd();
  void reap();
  void kill_strays();
  void end_all();
  int poll_timeout_ms() const;

  UniqueFd socket_, signals_;
  CgroupRoot root_;
  std::map<pid_t, std::int64_t> shepherds_;  // pid → number
  std::vector<std::int64_t> dead_;           // whose job may still have living processes
  std::int64_t next_number_ = 1;
  bool server_is_gone_ = false;
  bool has_children_ = false;
  int end_rounds_ = 0;
};

}  // namespace tandem::exec
