#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "exec/guard.h"

namespace tandem::exec {

// Where a controller bounds jobs: with the job's cgroup v2, or in a v1 hierarchy of its own.
struct CgroupController {
  bool v2 = false;
  std::string v1_path;  // empty: none
  bool is_there() const { return v2 || !v1_path.empty(); }
};

// The directory in which the jobs of one guard have their cgroups: <own cgroup>/tandem-<pid of the
// guard>.
struct CgroupRoot {
  std::string path;  // of the v2 hierarchy; empty: no use of it is allowed
  CgroupController memory, pids;

  // Finds what may be written, tries it, and removes what dead guards left. Never fails: what is
  // missing is said in `capabilities`.
  static CgroupRoot make(Capabilities& capabilities);
  void kill_all() const;                       // every process below; asynchronous
  void remove() const;                         // once they are empty: all the directories
  void kill_job(std::int64_t number) const;    // whose shepherd is dead; asynchronous
  void remove_job(std::int64_t number) const;  // once it is empty
};

// The cgroups of one shepherd, used for one job after the other. A job is born into its cgroup v2.
// Into the v1 pids hierarchy the shepherd goes itself, when it is first needed, since joining one
// costs milliseconds and being born there nothing. A v1 memory cgroup is joined by each job that
// has a limit: the shepherd could be what is killed when memory runs out.
class JobCgroup {
 public:
  JobCgroup() = default;  // none: nothing is killed or bounded by it
  // What cannot be made is left out.
  static JobCgroup make(const CgroupRoot& root, std::int64_t number);

  int directory_fd() const { return directory_.get(); }  // −1: there is none
  bool can_kill() const { return static_cast<bool>(kill_); }
  void kill();  // every process in it; asynchronous, atomic
  // After a kill(), once it is empty: makes it anew, since Linux 6.14 and later kill whatever is
  // born into a cgroup that was killed before. False: it is of no use any more.
  bool renew();

  // For the jobs from now on; nothing: without a limit. False where no cgroup can.
  bool limit_memory(std::optional<std::uint64_t> bytes);
  bool limit_processes(std::optional<std::uint64_t> count);
  int memory_procs_fd() const { return memory_procs_.get(); }  // to join by itself (v1); or −1
  // Processes that a limit of memory has killed, in all jobs so far.
  std::uint64_t oom_kills() const;

 private:
  struct Limited {
    bool v2 = false;
    std::string v1_path;  // of this shepherd; empty: none
    bool is_made = false;
    std::optional<std::uint64_t> limit;
    bool failed = false;
  };
  bool make_v2();
  bool make_v1(Limited& controller);

  std::string path_;
  UniqueFd directory_, kill_, procs_, oom_events_, memory_procs_;
  Limited memory_, pids_;
  bool was_killed_ = false;
};

}  // namespace tandem::exec
