#pragma once

#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "worker/function_job.h"

namespace tandem::worker {

// A program to run: argv[0] is a path, or a name that is looked for in the job's PATH.
struct CommandHandler {
  std::vector<std::string> argv;
};
// Why there is none: no_handler or rejected, with a sentence for the one who submitted the task.
using Handler = std::variant<QuickFunction, FunctionHandler, CommandHandler, TaskError>;

struct HandlerSettings {
  std::string directory;        // of executable files named by job_type; empty: none
  bool allow_commands = false;  // the built-in `exec` and `shell`
};

// Finds what runs a job_type. Functions are registered before the worker starts; files are looked
// up each time, so that new ones are seen. The worker's loop only; find() stats one file.
class HandlerRegistry {
 public:
  explicit HandlerRegistry(HandlerSettings settings) : settings_(std::move(settings)) {}

  void add(std::string job_type, QuickFunction function);
  void add(std::string job_type, FunctionHandler function);
  // The function that runs on the loop, or null: for those who are in a hurry. Stays valid.
  const QuickFunction* find_quick(const std::string& job_type) const;
  // In this order: a function, a file, a built-in.
  Handler find(const Task& task) const;
  // What find() would find: functions, files and built-ins, sorted.
  std::vector<std::string> job_types() const;

 private:
  Handler find_file(const std::string& job_type) const;
  Handler builtin(const Task& task) const;

  HandlerSettings settings_;
  std::map<std::string, std::variant<QuickFunction, FunctionHandler>, std::less<>> functions_;
};

}  // namespace tandem::worker
