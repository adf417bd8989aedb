#include "worker/job_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include "base/limits.h"
#include "core/file_name.h"

namespace tandem::worker {
namespace {

namespace fs = std::filesystem;
constexpr int kMaxDepth = 32;

// Shares the blocks where the file system can, else copies within the kernel.
Result<void> copy_all(int from, int to, std::uint64_t size_bytes) {
  for (std::uint64_t left = size_bytes; left > 0;) {
    const ssize_t copied = ::copy_file_range(from, nullptr, to, nullptr, left, 0);
    if (copied > 0) {
      left -= static_cast<std::uint64_t>(copied);
    } else if (copied == 0 || errno != EINTR) {
      const bool is_full = copied < 0 && (errno == ENOSPC || errno == EDQUOT);
      return fail(is_full ? Errc::disk_full : Errc::store_unavailable,
                  "An input file could not be copied.");
    }
  }
  return {};
}

class OutputSearch {
 public:
  explicit OutputSearch(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

  Result<void> walk(const fs::path& directory, const std::string& prefix, int depth) {
    std::error_code error;
    fs::directory_iterator entries(directory, error);
    if (error) return fail(Errc::internal, "The output directory can't be read.");
    std::vector<fs::path> names;
    for (; entries != fs::directory_iterator(); entries.increment(error)) {
      if (error) return fail(Errc::internal, "The output directory can't be read.");
      names.push_back(entries->path());
    }
    std::sort(names.begin(), names.end());
    for (const fs::path& path : names)
      if (auto looked = look(path, prefix + path.filename().string(), depth); !looked)
        return looked;
    return {};
  }
  FoundOutputs take() { return std::move(found_); }

 private:
  Result<void> look(const fs::path& path, const std::string& name, int depth) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return {};  // gone again
    if (S_ISDIR(status.st_mode)) {
      if (depth < kMaxDepth) return walk(path, name + "_", depth + 1);
      leave_out(name, "it lies too deep");
    } else if (S_ISLNK(status.st_mode)) {
      leave_out(name, "it is a symbolic link");
    } else if (!S_ISREG(status.st_mode)) {
      leave_out(name, "it is not a regular file");
    } else if (status.st_nlink > 1) {
      leave_out(name, "it has a second name (a hard link)");
    } else if (!check_file_name(name)) {
      leave_out(name, "no output can have that name");
    } else {
      return add(path, name, static_cast<std::uint64_t>(status.st_size));
    }
    return {};
  }

  Result<void> add(const fs::path& path, const std::string& name, std::uint64_t size_bytes) {
    if (!names_.insert(name).second)
      return fail(Errc::conflict, "Two output files would be called " + name + ".");
    total_bytes_ += size_bytes;
    if (names_.size() > limits::kMaxOutputFiles)
      return fail(Errc::too_large, "There are more than " +
                                       std::to_string(limits::kMaxOutputFiles) + " output files.");
    if (total_bytes_ > max_bytes_)
      return fail(Errc::too_large,
                  "The output files have more than " + std::to_string(max_bytes_) + " bytes.");
    found_.files.push_back({.path = path, .name = name, .size_bytes = size_bytes});
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
  auto blob = blobs_.open(task.task_id, blobs::BlobKind::in, file.name);
  if (!blob) return blob.error();
  constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  const UniqueFd copy(::open(path.c_str(), kNew, 0444));
  if (!copy) return fail(Errc::store_unavailable, "An input file could not be copied.");
  return copy_all(blob->fd.get(), copy.get(), blob->size_bytes);
}

Result<FileInfo> BlobJobFiles::take_output(const Task& task, const std::string& name,
                                           const std::string& path) {
  return blobs_.adopt(path, task.task_id, blobs::BlobKind::out, name);
}

Result<FoundOutputs> find_outputs(const std::string& directory, std::uint64_t max_bytes) {
  OutputSearch search(max_bytes);
  if (auto walked = search.walk(directory, "", 0); !walked) return walked.error();
  return search.take();
}

}  // namespace tandem::worker
