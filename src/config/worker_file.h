#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

// The worker's file (TANDEM_WORKER_CONFIG): which command runs a job_type, and under which rules.
// docs/using/worker-file.md describes it to operators.
namespace tandem::config {

struct JobLimits {
  std::optional<std::uint64_t> memory_bytes, processes, cpu_s, open_files, file_bytes;
  std::optional<std::uint64_t> log_bytes, output_bytes;
};

struct JobUser {
  std::string name;
  std::uint32_t uid = 0, gid = 0;
};

// How jobs of one type are run, whatever program it is.
struct JobRules {
  std::optional<std::int64_t> timeout_ms;  // the longest one; a task may ask for less
  std::map<std::string, std::string> env;
  std::map<std::string, std::string> secrets;  // by variable; read and checked
  JobLimits limits;
  std::optional<JobUser> user;  // absent: the worker's own
  bool network = true;          // false: only a loopback of the job's own
};

struct HandlerEntry {
  // argv; [0] an absolute path, or a name to look for in PATH. Empty: the file of that name in the
  // handlers directory, or the built-in of that name.
  std::vector<std::string> command;
  JobRules rules;  // with the defaults where the entry says nothing
};

struct WorkerFile {
  JobRules defaults;  // of job types without an entry
  std::map<std::string, HandlerEntry> handlers;
  std::vector<std::string> secret_variables;  // of the worker's environment, that it names
};

// All violations at once, each a sentence that begins with the file and the line: unknown keys,
// wrong types and bounds, secrets that are not there, users and programs that this machine does not
// have. Paths in the file are relative to it; secrets come from `environment` or from files.
Loaded<WorkerFile> parse_worker_file(std::string_view text, const std::string& path,
                                     const Environment& environment);
// As above; an empty path gives the built-in rules. Blocks.
Loaded<WorkerFile> read_worker_file(const std::string& path, const Environment& environment);

}  // namespace tandem::config
