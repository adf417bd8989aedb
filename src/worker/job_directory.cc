#include "worker/job_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "core/file_name.h"

namespace tandem::worker {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxIdle = 64;
constexpr std::uint64_t kShortPayloadBytes = 4096;

Result<void> refuse(int error) {
  const bool is_full = error == ENOSPC || error == EDQUOT;
  return fail(is_full ? Errc::disk_full : Errc::internal,
              "The worker could not make the job's directory.");
}

Result<void> write_payload(JobDirectory& directory, std::string_view text) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
  directory.payload_file.reset(::open(directory.payload().c_str(), kFlags, 0600));
  const int file = directory.payload_file.get();
  if (file < 0) return refuse(errno);
  off_t at = 0;
  while (at < static_cast<off_t>(text.size())) {
    const ssize_t written =
        ::pwrite(file, text.data() + at, text.size() - static_cast<std::size_t>(at), at);
    if (written < 0 && errno != EINTR) return refuse(errno);
    if (written > 0) at += written;
  }
  // Not made empty first: that would make file systems write it out in a hurry.
  if (directory.payload_bytes > text.size() && ::ftruncate(file, at) != 0) return refuse(errno);
  directory.payload_bytes = text.size();
  return {};
}

// A short one keeps its length, which the next is likely to have too: cutting a file costs as much
// as writing it.
Result<void> blank_payload(JobDirectory& directory) {
  const bool is_short = directory.payload_bytes <= kShortPayloadBytes;
  return write_payload(directory, std::string(is_short ? directory.payload_bytes : 1, ' '));
}

Result<void> fetch(const JobDirectory& directory, const Task& task, const FileInfo& file,
                   JobFiles& files) {
  if (auto sound = check_file_name(file.name); !sound) return sound;
  return files.fetch_input(task, file, directory.in() + "/" + file.name);
}

// All that take() has made; nothing of it is the job's yet, so no link is among it.
Result<void> give_to(const exec::ProcessUser& user, const std::string& root) {
  if (::lchown(root.c_str(), user.uid, user.gid) != 0) return refuse(errno);
  std::error_code error;
  fs::recursive_directory_iterator entries(root, error);
  for (; !error && entries != fs::recursive_directory_iterator(); entries.increment(error))
    if (::lchown(entries->path().c_str(), user.uid, user.gid) != 0) return refuse(errno);
  return error ? refuse(error.value()) : Result<void>();
}

using Names = std::initializer_list<std::string_view>;

// A directory as we make them, with no other entry than these. Sets its mark.
bool has_only(const std::string& path, Names names, FolderMark& mark) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return false;
  if ((status.st_mode & 07777) != 0700 || status.st_uid != ::geteuid()) return false;
  mark = FolderMark(status.st_ctim);
  alignas(dirent64) std::array<char, 1024> buffer;
  ssize_t got = 0;
  while ((got = ::getdents64(file.get(), buffer.data(), buffer.size())) > 0) {
    for (ssize_t at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
      const std::string_view name = entry->d_name;
      const bool is_known = std::find(names.begin(), names.end(), name) != names.end();
      if (name != "." && name != ".." && !is_known) return false;
      at += entry->d_reclen;
    }
  }
  return got == 0;
}

// A directory is listed only where its mark does not tell what is in it.
bool is_clean(JobDirectory& directory) {
  struct stat status {};
  if (::lstat(directory.payload().c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_nlink != 1 || (status.st_mode & 07777) != 0600)
    return false;
  directory.payload_bytes = static_cast<std::uint64_t>(status.st_size);
  const auto is_as_made = [&](const std::string& path, FolderMark& mark, Names names) {
    return mark.holds(path, directory.taken_at) || has_only(path, names, mark);
  };
  FolderMarks& marks = directory.marks;
  return is_as_made(directory.root, marks.root, {"work", "in", "out", "tmp", "payload.json"}) &&
         is_as_made(directory.work(), marks.work, {}) && is_as_made(directory.in(), marks.in, {}) &&
         is_as_made(directory.out(), marks.out, {}) &&
         is_as_made(directory.temporary(), marks.temporary, {});
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

// Most jobs leave little behind: then these few calls do it.
void remove_tree(const std::string& root) {
  const JobDirectory directory{.root = root};
  ::unlink(directory.payload().c_str());
  for (const std::string& path :
       {directory.work(), directory.in(), directory.out(), directory.temporary()})
    ::rmdir(path.c_str());
  if (::rmdir(root.c_str()) == 0 || errno == ENOENT) return;
  std::error_code error;
  fs::remove_all(root, error);
  if (!error) return;
  open_up(root);
  fs::remove_all(root, error);
}

std::string prefix_of(pid_t pid) { return "job-" + std::to_string(pid) + "-"; }

}  // namespace

Result<JobDirectory> JobDirectories::take(const Task& task, JobFiles& files,
                                          const std::optional<exec::ProcessUser>& user) {
  std::optional<JobDirectory> found = user || keep_ ? std::nullopt : idle();
  if (!found) {
    auto made = fresh(task);
    if (!made) return made.error();
    found = std::move(*made);
  }
  JobDirectory& directory = *found;
  directory.is_shared = !user && !keep_;
  ::clock_gettime(CLOCK_REALTIME, &directory.taken_at);
  Result<void> filled = write_payload(directory, task.spec.payload);
  for (const FileInfo& file : task.inputs)
    if (filled) filled = fetch(directory, task, file, files);
  if (filled && user) filled = give_to(*user, directory.root);
  if (filled) return std::move(directory);
  remove_tree(directory.root);
  return filled.error();
}

std::optional<JobDirectory> JobDirectories::idle() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::nullopt;
  JobDirectory directory = std::move(idle_.back());
  idle_.pop_back();
  return directory;
}

Result<JobDirectory> JobDirectories::fresh(const Task& task) {
  auto root = place_for(task);
  if (!root) return root.error();
  JobDirectory directory{.root = std::move(*root)};
  remove_tree(directory.root);  // of a run that was killed
  for (const std::string& path :
       {directory.root, directory.work(), directory.in(), directory.out(), directory.temporary()}) {
    if (::mkdir(path.c_str(), 0700) == 0) continue;
    const Error error = refuse(errno).error();
    remove_tree(directory.root);
    return error;
  }
  return directory;
}

Result<std::string> JobDirectories::place_for(const Task& task) {
  const std::lock_guard lock(mutex_);
  if (parent_.empty()) {
    std::error_code error;
    const fs::path parent = fs::absolute(work_dir_, error).lexically_normal();
    fs::create_directories(parent, error);
    if (error) return refuse(error.value()).error();
    parent_ = parent.string();
    sweep();
  }
  const std::string name = keep_ ? to_string(task.task_id) + "-" + std::to_string(task.attempt)
                                 : prefix_of(::getpid()) + std::to_string(++last_number_);
  return (fs::path(parent_) / name).string();
}

// What workers left that were killed; one of them may have had our pid.
void JobDirectories::sweep() {
  std::error_code error;
  for (fs::directory_iterator at(parent_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    pid_t owner = 0;
    if (!name.starts_with("job-")) continue;
    std::from_chars(name.data() + 4, name.data() + name.size(), owner);
    if (owner <= 0 || !name.starts_with(prefix_of(owner))) continue;
    const bool is_gone = ::kill(owner, 0) != 0 && errno == ESRCH;
    if (is_gone || owner == ::getpid()) remove_tree(at->path().string());
  }
}

void JobDirectories::give_back(const JobDirectory& directory, bool is_dead) {
  if (keep_) return;
  JobDirectory next{
      .root = directory.root, .marks = directory.marks, .taken_at = directory.taken_at};
  if (directory.is_shared && is_dead && is_clean(next) && blank_payload(next)) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kMaxIdle) {
      next.payload_file.reset();
      idle_.push_back(std::move(next));
      return;
    }
  }
  remove_tree(directory.root);
}

JobDirectories::~JobDirectories() {
  for (const JobDirectory& directory : idle_) remove_tree(directory.root);
}

}  // namespace tandem::worker
