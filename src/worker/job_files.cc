#include "worker/job_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "core/file_name.h"

namespace tandem::worker {
namespace {

constexpr int kMaxDepth = 32;

class OutputSearch {
 public:
  explicit OutputSearch(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // `parent`: an open directory, or AT_FDCWD.
  Result<void> walk(int parent, const std::string& path, const std::string& prefix, int depth) {
    constexpr int kNoLink = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    const auto directory =
        std::make_shared<const UniqueFd>(::openat(parent, path.c_str(), kNoLink));
    auto names = names_in(*directory);
    if (!names) return names.error();
    for (const std::string& name : *names)
      if (auto looked = look(directory, name, prefix, depth); !looked) return looked;
    return {};
  }
  FoundOutputs take() { return std::move(found_); }

 private:
  using Directory = std::shared_ptr<const UniqueFd>;

  static Result<std::vector<std::string>> names_in(const UniqueFd& directory) {
    UniqueFd reads(directory ? ::fcntl(directory.get(), F_DUPFD_CLOEXEC, 0) : -1);
    const std::unique_ptr<DIR, int (*)(DIR*)> open(reads ? ::fdopendir(reads.get()) : nullptr,
                                                   ::closedir);
    if (!open) return fail(Errc::internal, "The output directory can't be read.");
    reads.release();
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(open.get())) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<void> look(const Directory& directory, const std::string& name, const std::string& prefix,
                    int depth) {
    struct stat status {};
    if (::fstatat(directory->get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return {};  // gone again
    const std::string called = prefix + name;
    if (S_ISDIR(status.st_mode)) {
      if (depth < kMaxDepth) return walk(directory->get(), name, called + "_", depth + 1);
      leave_out(called, "it lies too deep");
    } else if (S_ISLNK(status.st_mode)) {
      leave_out(called, "it is a symbolic link");
    } else if (!S_ISREG(status.st_mode)) {
      leave_out(called, "it is not a regular file");
    } else if (status.st_nlink > 1) {
      leave_out(called, "it has a second name (a hard link)");
    } else if (!check_file_name(called)) {
      leave_out(called, "no output can have that name");
    } else {
      const std::string path = "/proc/self/fd/" + std::to_string(directory->get()) + "/" + name;
      return add({path, called, static_cast<std::uint64_t>(status.st_size), directory});
    }
    return {};
  }

  Result<void> add(FoundOutputs::File file) {
    if (!names_.insert(file.name).second)
      return fail(Errc::conflict, "Two output files would be called " + file.name + ".");
    total_bytes_ += file.size_bytes;
    if (names_.size() > limits::kMaxOutputFiles)
      return fail(Errc::too_large, "There are more than " +
                                       std::to_string(limits::kMaxOutputFiles) + " output files.");
    if (total_bytes_ > max_bytes_)
      return fail(Errc::too_large,
                  "The output files have more than " + std::to_string(max_bytes_) + " bytes.");
    found_.files.push_back(std::move(file));
    return {};
  }

  void leave_out(const std::string& name, const char* why) {
    if (found_.left_out.size() < 100)
      found_.left_out.push_back("The output " + name.substr(0, limits::kMaxFileNameBytes) +
                                " was left out: " + why + ".");
  }

  const std::uint64_t max_bytes_;
  FoundOutputs found_;
  std::set<std::string> names_;
  std::uint64_t total_bytes_ = 0;
};

}  // namespace

Result<void> BlobJobFiles::fetch_input(const Task& task, const FileInfo& file,
                                       const std::string& path) {
  auto blob = blobs_.open(task.task_id, blobs::BlobFolder::in(), file.name);
  if (!blob) return blob.error();
  constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  const UniqueFd copy(::open(path.c_str(), kNew, 0444));
  if (!copy) return fail(Errc::store_unavailable, "An input file could not be copied.");
  return (*blob)->copy_to(copy.get());
}

Result<FileInfo> BlobJobFiles::take_output(const Task& task, const std::string& name,
                                           const std::string& path) {
  // What stays of earlier attempts takes room until the task is removed, no more.
  if (task.attempt > 1) (void)blobs_.remove_outputs_before(task.task_id, task.attempt);
  return blobs_.adopt(path, task.task_id, blobs::BlobFolder::out(task.attempt), name);
}

Result<FoundOutputs> find_outputs(const std::string& directory, std::uint64_t max_bytes) {
  OutputSearch search(max_bytes);
  if (auto walked = search.walk(AT_FDCWD, directory, "", 0); !walked) return walked.error();
  return search.take();
}

}  // namespace tandem::worker
