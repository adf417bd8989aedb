#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/offload.h"
#include "worker/function_job.h"
#include "worker/handler_registry.h"
#include "worker/job_directory.h"
#include "worker/job_files.h"

// A process as a job. What it is given, besides what the protocol says:
//
//   TANDEM_INPUT_FD=4   a pipe with the answers to its questions, one JSON object a line:
//                         {"type":"input","request_id":"1-1","data":"…"}
//                         {"type":"eof"}                                nobody answers any more
//                       (interactive jobs have none: answers are typed on their terminal)
//   HOME, TMPDIR        its working directory, and tmp/ beside it
//   PATH, LANG, LC_ALL, TZ and the names of env_allow, from the worker's environment
//   the task's env      without LD_*, TANDEM_*, PATH and names that are no names: those are refused
//   env and secrets     of its entry in the worker's file; secrets are masked in all that it says
//
// Its directory has work/ in/ out/ tmp/ payload.json (job_directory.h).
namespace tandem::exec {
class Launcher;
}

namespace tandem::worker {

struct ProcessSettings {
  std::string work_dir;                // made where it is missing
  std::vector<std::string> env_allow;  // names passed on from the worker's environment
  std::int64_t grace_ms = 5000;        // between SIGTERM and SIGKILL
  bool keep_work_dirs = false;         // to look into what went wrong
  std::uint64_t max_log_bytes = limits::kMaxLogBytesPerAttempt;
};

struct ProcessServices {
  JobServices base;
  exec::Launcher& launcher;
  JobFiles& files;
  io::OffloadPool& offload;
  JobDirectories& directories;
  const ProcessSettings& settings;
  std::string known_as = {};  // the task's id at its server; empty: task_id
};

std::unique_ptr<Job> make_process_job(const ProcessServices& services, CommandHandler command,
                                      TaskPtr task, JobListener& listener);

}  // namespace tandem::worker
