#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "config/worker_file.h"
#include "worker/function_job.h"
#include "worker/job_rules.h"

namespace tandem::worker {

// A program to run: argv[0] is a path, or a name that is looked for in the job's PATH.
struct CommandHandler {
  std::vector<std::string> argv;
  std::shared_ptr<const JobRules> rules = {};  // find() gives some to each
};
// Why there is none: no_handler or rejected, with a sentence for the one who submitted the task.
using Handler = std::variant<QuickFunction, FunctionHandler, CommandHandler, TaskError>;

struct HandlerSettings {
  std::string directory;        // of executable files named by job_type; empty: none
  bool allow_commands = false;  // the built-in `exec` and `shell`
  config::WorkerFile file = {};
  // Of a job that the file sets no limit for; nothing: none.
  std::optional<std::uint64_t> max_processes = std::nullopt;
};

// Finds what runs a job_type. Functions are registered before the worker starts; files are looked
// up each time, so that new ones are seen. The worker's loop only; find() stats one file.
class HandlerRegistry {
 public:
  explicit HandlerRegistry(HandlerSettings settings);

  void add(std::string job_type, QuickFunction function);
  void add(std::string job_type, FunctionHandler function);
  // The function that runs on the loop, or null: for those who are in a hurry. Stays valid.
  const QuickFunction* find_quick(const std::string& job_type) const;
  // In this order: a function, a command of the worker's file, a file, a built-in.
  Handler find(const Task& task) const;
  // What find() would find, sorted.
  std::vector<std::string> job_types() const;

 private:
  struct Entry {
    std::vector<std::string> command;  // empty: a file or a built-in
    std::shared_ptr<const JobRules> rules;
  };
  Handler find_command(const Task& task) const;
  Handler find_file(const std::string& job_type) const;
  Handler builtin(const Task& task) const;

  HandlerSettings settings_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::shared_ptr<const JobRules> default_rules_;
  std::map<std::string, std::variant<QuickFunction, FunctionHandler>, std::less<>> functions_;
};

}  // namespace tandem::worker
