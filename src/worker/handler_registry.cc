#include "worker/handler_registry.h"

#include <algorithm>
#include <filesystem>

#include "core/file_name.h"
#include "wire/raw_json.h"
#include "worker/job_env.h"

namespace tandem::worker {
namespace {

constexpr std::string_view kExec = "exec", kShell = "shell";

TaskError rejected(std::string message) {
  return {std::string(error_code::kRejected), std::move(message)};
}

Handler exec_command(const Task& task) {
  const auto list = wire::raw_member(task.spec.payload, "argv");
  CommandHandler command;
  if (!list) return rejected("exec needs argv, such as [\"ls\", \"-l\"].");
  for (std::string_view element : wire::raw_elements(*list))
    if (auto text = wire::raw_string(element); text && text->find('\0') == std::string::npos)
      command.argv.push_back(std::move(*text));
    else
      return rejected("argv must be a list of texts, such as [\"ls\", \"-l\"].");
  if (command.argv.empty()) return rejected("exec needs argv, such as [\"ls\", \"-l\"].");
  return command;
}

Handler shell_command(const Task& task) {
  const std::string script = wire::string_member(task.spec.payload, "script");
  if (script.empty() || script.find('\0') != std::string::npos)
    return rejected("shell needs script, such as \"echo hello\".");
  CommandHandler command;
  command.argv = {"/bin/sh", "-c", script, "shell"};
  return command;
}

// A file's name, and no more: nothing that leads to another place, no hidden file.
bool is_plain(const std::string& job_type) {
  return check_file_name(job_type).has_value() && job_type[0] != '.';
}

}  // namespace

HandlerRegistry::HandlerRegistry(HandlerSettings settings) : settings_(std::move(settings)) {
  const auto rules_of = [this](const config::JobRules& given) {
    return std::make_shared<const JobRules>(given, settings_.max_processes);
  };
  default_rules_ = rules_of(settings_.file.defaults);
  for (auto& [job_type, entry] : settings_.file.handlers)
    entries_[job_type] = Entry{std::move(entry.command), rules_of(entry.rules)};
  settings_.file = {};  // the secrets are where they are needed
}

void HandlerRegistry::add(std::string job_type, QuickFunction function) {
  functions_[std::move(job_type)] = std::move(function);
}

void HandlerRegistry::add(std::string job_type, FunctionHandler function) {
  functions_[std::move(job_type)] = std::move(function);
}

const QuickFunction* HandlerRegistry::find_quick(const std::string& job_type) const {
  const auto found = functions_.find(job_type);
  return found == functions_.end() ? nullptr : std::get_if<QuickFunction>(&found->second);
}

Handler HandlerRegistry::find(const Task& task) const {
  const std::string& job_type = task.spec.job_type;
  if (const auto found = functions_.find(job_type); found != functions_.end())
    return std::visit([](const auto& function) { return Handler(function); }, found->second);
  const auto entry = entries_.find(job_type);
  Handler handler = entry != entries_.end() && !entry->second.command.empty()
                        ? Handler(CommandHandler{.argv = entry->second.command})
                        : find_command(task);
  if (auto* command = std::get_if<CommandHandler>(&handler))
    command->rules = entry != entries_.end() ? entry->second.rules : default_rules_;
  return handler;
}

Handler HandlerRegistry::find_command(const Task& task) const {
  const std::string& job_type = task.spec.job_type;
  const bool is_builtin = job_type == kExec || job_type == kShell;
  Handler file = find_file(job_type);
  if (is_builtin && std::holds_alternative<TaskError>(file)) return builtin(task);
  return file;
}

Handler HandlerRegistry::find_file(const std::string& job_type) const {
  const auto none = [&](const std::string& why) {
    return TaskError{std::string(error_code::kNoHandler),
                     "This worker has no handler for job_type \"" + job_type + "\": " + why};
  };
  if (settings_.directory.empty())
    return none("it knows no function of that name, and has no handlers directory.");
  if (!is_plain(job_type)) return none("no file can have that name.");
  const std::string path =
      (std::filesystem::absolute(settings_.directory) / job_type).lexically_normal();
  if (is_program(path)) {
    CommandHandler command;
    command.argv = {path};
    return command;
  }
  std::error_code error;
  if (std::filesystem::is_regular_file(path, error))
    return none("the file of that name in its handlers directory is not executable (chmod +x).");
  return none(
      "it knows no function of that name, and its handlers directory has no executable "
      "file of that name.");
}

Handler HandlerRegistry::builtin(const Task& task) const {
  if (!settings_.allow_commands)
    return rejected("This worker does not run commands: its operator has to allow " +
                    task.spec.job_type + ".");
  return task.spec.job_type == kExec ? exec_command(task) : shell_command(task);
}

std::vector<std::string> HandlerRegistry::job_types() const {
  std::vector<std::string> names;
  for (const auto& [name, function] : functions_) names.push_back(name);
  for (const auto& [name, entry] : entries_)
    if (!entry.command.empty()) names.push_back(name);
  std::error_code error;
  if (!settings_.directory.empty())
    for (const auto& entry : std::filesystem::directory_iterator(settings_.directory, error))
      if (const std::string name = entry.path().filename();
          is_plain(name) && is_program(entry.path()))
        names.push_back(name);
  if (settings_.allow_commands)
    names.insert(names.end(), {std::string(kExec), std::string(kShell)});
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace tandem::worker
