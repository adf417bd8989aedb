#pragma once

#include <time.h>

#include <string>

namespace tandem::worker {

// When a folder last gained or lost an entry, as its file system says (ctime), which no process can
// set back. One whose mark still holds need not be listed to know what is in it.
class FolderMark {
 public:
  FolderMark() = default;  // never holds
  // Take it before the folder is listed.
  explicit FolderMark(const timespec& changed_at) : changed_at_(changed_at) {}
  // Whether nothing has changed in the folder at `path` from `since` on, a time of the wall clock.
  // A file system's clock ticks coarsely, so a mark tells nothing until it is a second old.
  bool holds(const std::string& path, const timespec& since) const;

 private:
  timespec changed_at_{};
};

}  // namespace tandem::worker
