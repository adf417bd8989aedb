#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "core/task.h"

namespace tandem::blobs {

enum class BlobKind : std::uint8_t { in, out, log };  // given with a task; made by it; its log
std::string_view to_string(BlobKind kind);            // in, out, log

// A file on its way in. Nothing of it can be seen before finish() succeeds; without that, the
// destructor drops it. Blocking; one thread at a time.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  virtual Result<void> write(std::string_view bytes) = 0;
  // Makes it durable and visible, in place of one of the same name. validation_failed where the
  // digest (64 hex digits, lower case) is another; then, and on any error, nothing has changed.
  // At most one call, the last.
  virtual Result<FileInfo> finish(std::optional<std::string_view> expected_sha256) = 0;
};

struct BlobFile {
  UniqueFd fd;  // a regular file, open for reading
  std::uint64_t size_bytes = 0;
};

// Input and output files of tasks. Thread-safe; every call blocks, so it belongs on an offload
// thread. Names are checked here too (check_file_name). Errors: validation_failed, not_found,
// disk_full, store_unavailable.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  virtual Result<std::unique_ptr<BlobWriter>> create(TaskId task, BlobKind kind,
                                                     std::string_view name) = 0;
  // Takes in a finished file that nobody writes any more: moves it, or copies it where that can't
  // be, and `path` is gone. A symbolic link, anything but a regular file, and a file with a second
  // name are refused (validation_failed) and left where they are.
  virtual Result<FileInfo> adopt(const std::string& path, TaskId task, BlobKind kind,
                                 std::string_view name) = 0;
  virtual Result<BlobFile> open(TaskId task, BlobKind kind, std::string_view name) = 0;
  // All files of a task; fine where there are none.
  virtual Result<void> remove(TaskId task) = 0;
  // The installation whose files these are, as a mark beside them says; where there is none, this
  // one from now on.
  virtual Result<std::string> mark(const std::string& installation) = 0;
  // The tasks that have files, cut into kParts pieces so that no answer is long; in no order.
  static constexpr int kParts = 256;
  virtual Result<std::vector<TaskId>> list_tasks(int part) = 0;
};

}  // namespace tandem::blobs
