#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "exec/guard.h"

namespace tandem::exec {

// The directory in which the jobs of one guard have their cgroups: <own cgroup>/tandem-<pid of the
// guard>.
struct CgroupRoot {
  std::string path;         // of the v2 hierarchy; empty: no use of it is allowed
  std::string memory_path;  // of the v1 memory hierarchy; empty: none
  bool memory_v2 = false;   // memory.max works below `path`

  // Finds what may be written, tries it, and removes what dead guards left. Never fails: what is
  // missing is said in `capabilities`.
  static CgroupRoot make(Capabilities& capabilities);
  void kill_all() const;  // every process below; asynchronous
  void remove() const;    // once they are empty: all the directories
  void remove_job(std::int64_t number) const;
};

// The cgroups of one shepherd, used for one job after the other.
class JobCgroup {
 public:
  // Nothing where the directory cannot be made: lineage is used then.
  static std::optional<JobCgroup> make(const CgroupRoot& root, std::int64_t number);

  int directory_fd() const { return directory_.get(); }
  void kill() const;                // every process in it; asynchronous, atomic
  std::uint64_t oom_kills() const;  // of all jobs so far; 0 where it isn't counted

  // Sets the limit of the next job; false where no cgroup can. `memory_procs_fd` is what the job
  // must join by itself (v1), or −1.
  bool limit_memory(std::uint64_t bytes);
  int memory_procs_fd() const { return memory_procs_.get(); }
  void unlimit_memory();

 private:
  std::string path_, memory_path_;
  UniqueFd directory_, kill_, memory_procs_;
  bool memory_v2_ = false;
};

}  // namespace tandem::exec
