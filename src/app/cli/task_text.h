#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/task.h"

namespace tandem::app::cli {

// How tasks are shown to people.
std::string task_lines(const Task& task);       // all that is worth to know, a line each
std::string ending_sentence(const Task& task);  // "failed: exit_status: …", one line
// Columns as wide as their widest cell; the first row is the heading.
std::string table_text(const std::vector<std::vector<std::string>>& rows);
std::string size_text(std::uint64_t bytes);  // 1.5 MiB

// For --wait and attach: the job's own exit code, see kExitCodesText.
int job_exit_code(const Task& task);

// Control characters become '?': what a job wrote must not speak to the terminal where it is shown
// as a value.
std::string plain(std::string_view text);

}  // namespace tandem::app::cli
