#include "worker/job_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/unique_fd.h"
#include "core/file_name.h"

namespace tandem::worker {
namespace {

namespace fs = std::filesystem;

Result<void> refuse(int error) {
  const bool is_full = error == ENOSPC || error == EDQUOT;
  return fail(is_full ? Errc::disk_full : Errc::internal,
              "The worker could not make the job's directory.");
}

Result<void> write_file(const std::string& path, std::string_view text) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return refuse(errno);
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0 && errno != EINTR) return refuse(errno);
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> fetch(const JobDirectory& directory, const Task& task, const FileInfo& file,
                   JobFiles& files) {
  if (auto sound = check_file_name(file.name); !sound) return sound;
  return files.fetch_input(task, file, directory.in() + "/" + file.name);
}

// Also where it is there, of a run that was killed, or its parent is not, the first time.
Result<void> make_root(const JobDirectory& directory) {
  if (::mkdir(directory.root.c_str(), 0700) == 0) return {};
  std::error_code error;
  if (errno == EEXIST) directory.remove();
  fs::create_directories(fs::path(directory.root).parent_path(), error);
  if (error) return refuse(error.value());
  return ::mkdir(directory.root.c_str(), 0700) == 0 ? Result<void>() : refuse(errno);
}

Result<void> fill(const JobDirectory& directory, const Task& task, JobFiles& files) {
  if (auto made = make_root(directory); !made) return made;
  for (const std::string& path :
       {directory.work(), directory.in(), directory.out(), directory.temporary()})
    if (::mkdir(path.c_str(), 0700) != 0) return refuse(errno);
  if (auto written = write_file(directory.payload(), task.spec.payload); !written) return written;
  for (const FileInfo& file : task.inputs)
    if (auto got = fetch(directory, task, file, files); !got) return got;
  return {};
}

// All that fill() has made; nothing of it is the job's yet, so no link is among it.
Result<void> give_to(const exec::ProcessUser& user, const std::string& root) {
  if (::lchown(root.c_str(), user.uid, user.gid) != 0) return refuse(errno);
  std::error_code error;
  fs::recursive_directory_iterator entries(root, error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error))
    if (::lchown(entries->path().c_str(), user.uid, user.gid) != 0) return refuse(errno);
  return error ? refuse(error.value()) : Result<void>();
}

// A job may have taken away its own directories' permissions.
void open_up(const fs::path& root) {
  std::error_code error;
  for (fs::directory_iterator at(root, error), end; !error && at != end; at.increment(error)) {
    if (!at->is_directory(error) || at->is_symlink(error)) continue;
    ::chmod(at->path().c_str(), 0700);
    open_up(at->path());
  }
}

}  // namespace

Result<JobDirectory> JobDirectory::make(const std::string& work_dir, const Task& task,
                                        JobFiles& files,
                                        const std::optional<exec::ProcessUser>& user) {
  std::error_code error;
  const fs::path parent = fs::absolute(work_dir, error);
  if (error) return refuse(error.value()).error();
  const JobDirectory directory{
      (parent / (to_string(task.task_id) + "-" + std::to_string(task.attempt))).lexically_normal()};
  auto filled = fill(directory, task, files);
  if (filled && user) filled = give_to(*user, directory.root);
  if (filled) return directory;
  directory.remove();
  return filled.error();
}

bool JobDirectory::drop_empty_output() const { return ::rmdir(out().c_str()) == 0; }

// Most jobs leave nothing behind: then these few calls do it.
void JobDirectory::remove() const {
  ::unlink(payload().c_str());
  for (const std::string& path : {work(), in(), out(), temporary()}) ::rmdir(path.c_str());
  if (::rmdir(root.c_str()) == 0 || errno == ENOENT) return;
  std::error_code error;
  fs::remove_all(root, error);
  if (!error) return;
  open_up(root);
  fs::remove_all(root, error);
}

}  // namespace tandem::worker
