#include "worker/old_directories.h"

#include <sys/stat.h>

#include <charconv>
#include <filesystem>
#include <optional>

#include "worker/job_directory.h"

namespace tandem::worker {
namespace {

namespace fs = std::filesystem;

struct Attempt {
  TaskId task;
  std::uint32_t number = 0;
};

// "<task_id>-<attempt>", as JobDirectory names them; nothing else in the folder is ours.
std::optional<Attempt> attempt_of(std::string_view name) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto task = TaskId::parse(name.substr(0, dash));
  const std::string_view digits = name.substr(dash + 1);
  Attempt attempt;
  const char* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, attempt.number);
  if (!task || digits.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  attempt.task = *task;
  return attempt;
}

}  // namespace

Result<bool> OldDirectories::is_old(const std::string& path, std::string_view name) const {
  const auto attempt = attempt_of(name);
  struct stat status {};
  if (!attempt || ::lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  const WallTime changed{static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1000};
  if (clock_.wall() - changed < keep_ms_) return false;
  const auto runs = runs_(attempt->task, attempt->number);
  if (!runs) return runs.error();
  return !*runs;
}

Result<bool> OldDirectories::run() {
  std::error_code error;
  for (fs::directory_iterator at(work_dir_, error), end; !error && at != end; at.increment(error)) {
    const std::string path = at->path().string(), name = at->path().filename().string();
    const auto old = is_old(path, name);
    if (!old) return old.error();
    if (*old) JobDirectory{path}.remove();
  }
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(Errc::internal, "The work directory can't be read: " + error.message());
  return false;
}

}  // namespace tandem::worker
