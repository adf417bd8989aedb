#include "app/cli/task_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "app/cli/exit_code.h"

namespace tandem::app::cli {
namespace {

std::size_t columns_of(std::string_view text) {  // UTF-8: continuation bytes take no room
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

void add_line(std::string& out, std::string_view name, const std::string& value) {
  if (!value.empty()) out += fmt::format("{:<12} {}\n", name, value);
}

std::string time_or_empty(const std::optional<WallTime>& time) {
  return time ? to_rfc3339(*time) : std::string();
}

std::string progress_text(const Progress& progress) {
  std::string text = progress.percent ? fmt::format("{:.0f} %", *progress.percent) : std::string();
  if (!progress.message.empty()) text += (text.empty() ? "" : "  ") + plain(progress.message);
  return text;
}

}  // namespace

std::string plain(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = c == '\n' || c == '\t' ? ' ' : '?';
  return out;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < kUnits.size(); ++unit) size /= 1024;
  return fmt::format("{:.1f} {}", size, kUnits.at(unit));
}

std::string ending_sentence(const Task& task) {
  std::string text(to_string(task.status));
  if (task.error) text += fmt::format(": {} ({})", plain(task.error->message), task.error->code);
  return text;
}

std::string task_lines(const Task& task) {
  std::string out;
  add_line(out, "task", to_string(task.task_id));
  add_line(out, "job type", plain(task.spec.job_type));
  add_line(out, "status", ending_sentence(task));
  add_line(out, "queue", plain(task.spec.queue));
  add_line(out, "attempt", fmt::format("{} of {}", task.attempt, task.spec.max_attempts));
  add_line(out, "worker", plain(task.worker_name));
  add_line(out, "progress", progress_text(task.progress));
  if (task.input_request) add_line(out, "asks", plain(task.input_request->prompt));
  add_line(out, "run at", time_or_empty(task.run_at));
  add_line(out, "created", to_rfc3339(task.created_at));
  add_line(out, "started", time_or_empty(task.started_at));
  add_line(out, "finished", time_or_empty(task.finished_at));
  if (task.cancel_requested && !is_terminal(task.status)) add_line(out, "cancel", "asked for");
  if (task.exit_code) add_line(out, "exit code", std::to_string(*task.exit_code));
  if (task.signal) add_line(out, "signal", std::to_string(*task.signal));
  for (const auto& [key, value] : task.spec.labels)
    add_line(out, "label", plain(key) + ": " + plain(value));
  for (const FileInfo& file : task.outputs)
    add_line(out, "output", plain(file.name) + ", " + size_text(file.size_bytes));
  if (task.log.records > 0)
    add_line(out, "log", fmt::format("{} lines, {}", task.log.records, size_text(task.log.bytes)));
  add_line(out, "result", plain(task.result));
  return out;
}

std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], columns_of(row[i]));
    }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - columns_of(row[i]) + 2, ' ');
    }
    out += line + "\n";
  }
  return out;
}

int job_exit_code(const Task& task) {
  if (task.status == TaskStatus::completed) return exit_code::kOk;
  if (task.status == TaskStatus::cancelled) return exit_code::kCancelled;
  if (task.exit_code && *task.exit_code != 0) return *task.exit_code;
  if (task.signal) return 128 + *task.signal;
  return exit_code::kFailed;
}

}  // namespace tandem::app::cli
