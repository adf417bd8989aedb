#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "core/task.h"
#include "exec/process.h"
#include "worker/folder_mark.h"
#include "worker/job_files.h"

namespace tandem::worker {

// A job's folders as they were when the job before had left them empty.
struct FolderMarks {
  FolderMark root, work, in, out, temporary;
};

// The directories of one attempt.
struct JobDirectory {
  std::string root;
  UniqueFd payload_file;            // at its start; for standard input
  std::uint64_t payload_bytes = 0;  // of the file
  bool is_shared = true;            // it may be another job's afterwards
  FolderMarks marks = {};
  timespec taken_at = {};  // wall clock

  std::string work() const { return root + "/work"; }
  std::string in() const { return root + "/in"; }
  std::string out() const { return root + "/out"; }
  std::string temporary() const { return root + "/tmp"; }
  std::string payload() const { return root + "/payload.json"; }
  // False where that is not known without looking.
  bool has_no_outputs() const { return marks.out.holds(out(), taken_at); }
};

// The directories of a worker's jobs. One that its job leaves as it found it is kept, its
// payload blanked, for the next job: to make and to remove one costs as much as to run a program.
// Any thread; every call blocks.
class JobDirectories {
 public:
  // Below `work_dir`, which is made where it is missing. keep: each has the name of its task and
  // attempt, and is neither used again nor removed.
  JobDirectories(std::string work_dir, bool keep) : work_dir_(std::move(work_dir)), keep_(keep) {}
  ~JobDirectories();  // removes those that wait for a job
  JobDirectories(const JobDirectories&) = delete;
  JobDirectories& operator=(const JobDirectories&) = delete;

  // Empty directories, with the payload and copies of the input files; `user`'s where there is one,
  // and then for this job alone. Where it fails nothing is left.
  Result<JobDirectory> take(const Task& task, JobFiles& files,
                            const std::optional<exec::ProcessUser>& user);
  // The job is over. Also removes what it has made unreadable; what can not be removed is left.
  // `is_dead`: no process of it is left.
  void give_back(const JobDirectory& directory, bool is_dead);

 private:
  Result<std::string> place_for(const Task& task);
  Result<JobDirectory> fresh(const Task& task);
  std::optional<JobDirectory> idle();
  void sweep();

  const std::string work_dir_;
  const bool keep_;
  std::mutex mutex_;
  std::string parent_;  // absolute; empty: not looked at yet
  std::vector<JobDirectory> idle_;
  std::uint64_t last_number_ = 0;
};

}  // namespace tandem::worker
