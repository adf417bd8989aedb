#include "worker/folder_mark.h"

#include <sys/stat.h>

namespace tandem::worker {

bool FolderMark::holds(const std::string& path, const timespec& since) const {
  if (changed_at_.tv_sec == 0 || since.tv_sec - changed_at_.tv_sec < 2) return false;
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_ctim.tv_sec == changed_at_.tv_sec &&
         status.st_ctim.tv_nsec == changed_at_.tv_nsec;
}

}  // namespace tandem::worker
