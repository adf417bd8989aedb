#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tandem::exec {

// How all processes of a job are found when they must die.
enum class Containment {
  cgroup,   // a cgroup v2 of the job's own and cgroup.kill: atomic, also against fork bombs
  lineage,  // the job's shepherd adopts its orphans; the tree is read from /proc until it is empty
};

struct Capabilities {
  Containment containment = Containment::lineage;
  bool memory_limit = false;         // by a memory cgroup; else by the size of the address space
  bool process_limit = false;        // by a pids cgroup; else by user, which does not hold for root
  bool other_users = false;          // ProcessSpec::user
  bool no_network = false;           // ProcessSpec::network
  std::vector<std::string> missing;  // sentences for the log: what this system does not let us do

  std::int64_t bits() const;  // all but the sentences
  void set_bits(std::int64_t bits);
};

// The ancestor of all jobs: a single-threaded child of the server. On request it forks shepherds;
// a shepherd runs one job at a time (shepherd.h). It adopts what a dead shepherd leaves behind and
// kills it. When the server dies, however it dies, the shepherds and the guard see their sockets
// close, kill every process of every job, remove their cgroups and end.
class Guard {
 public:
  // Forks; call it in main before any thread is started and before secrets are read. Blocks until
  // the guard has looked at the system. `use_cgroups` false: lineage, whatever the system allows.
  // internal: the system refuses a process or a socket.
  static Result<std::unique_ptr<Guard>> start(bool use_cgroups = true);
  // Another one in place of one that has died, which a job can bring about; jobs end with their
  // guard. The threads that there are by now do not matter. Blocks as start() does. internal: as
  // start().
  Result<void> renew();
  // Closes the socket and waits until the guard has killed what still runs.
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  pid_t pid() const { return pid_; }
  const Capabilities& capabilities() const { return capabilities_; }
  int socket() const { return socket_.get(); }  // for the Launcher; stays the guard's

 private:
  explicit Guard(bool use_cgroups) : use_cgroups_(use_cgroups) {}
  Result<void> fork_guard();
  void reap();

  bool use_cgroups_;
  pid_t pid_ = -1;
  UniqueFd socket_;
  Capabilities capabilities_;
};

}  // namespace tandem::exec
