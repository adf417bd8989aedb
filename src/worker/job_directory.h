#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "core/task.h"
#include "exec/process.h"
#include "worker/job_files.h"

namespace tandem::worker {

// The directories of one attempt. Every call blocks: offload threads.
struct JobDirectory {
  std::string root;  // <work_dir>/<task_id>-<attempt>

  std::string work() const { return root + "/work"; }
  std::string in() const { return root + "/in"; }
  std::string out() const { return root + "/out"; }
  std::string temporary() const { return root + "/tmp"; }
  std::string payload() const { return root + "/payload.json"; }

  // Makes them, with the payload and copies of the input files, all of it `user`'s where there is
  // one. Where it fails nothing is left.
  static Result<JobDirectory> make(const std::string& work_dir, const Task& task, JobFiles& files,
                                   const std::optional<exec::ProcessUser>& user);
  // True where out() was empty: it is gone then.
  bool drop_empty_output() const;
  // Also what the job has made unreadable; what can not be removed is left.
  void remove() const;
};

}  // namespace tandem::worker
