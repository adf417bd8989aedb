#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/random_access_file.h"
#include "base/result.h"
#include "core/task.h"

namespace tandem::blobs {

// Which of a task's files. Each attempt has its own, so that one that has lost its task can't
// replace what the next one made, however late its last byte comes.
class BlobFolder {
 public:
  static BlobFolder in() { return BlobFolder("in"); }    // given with the task
  static BlobFolder log() { return BlobFolder("log"); }  // its log
  static BlobFolder out(std::uint32_t attempt) {         // made by this attempt
    return BlobFolder("out-" + std::to_string(attempt));
  }
  // Made by any attempt: where outputs were put before each attempt had its own. Only read.
  static BlobFolder shared_out() { return BlobFolder("out"); }
  // The attempt whose folder is called so.
  static std::optional<std::uint32_t> attempt_of(std::string_view name);

  const std::string& name() const { return name_; }

 private:
  explicit BlobFolder(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

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

// A finished file. Where it lies elsewhere its bytes come as they are read; once it was removed or
// replaced reading it may fail, but never gives bytes of another.
using BlobFile = std::unique_ptr<const RandomAccessFile>;

// How whoever fetches a file by a link is to be told of it.
struct LinkHeaders {
  std::string content_type, content_disposition;
};

// Input and output files of tasks. Thread-safe; every call blocks, so it belongs on an offload
// thread. Names are checked here too (check_file_name). Errors: validation_failed, not_found,
// disk_full, store_unavailable.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  virtual Result<std::unique_ptr<BlobWriter>> create(TaskId task, const BlobFolder& folder,
                                                     std::string_view name) = 0;
  // Takes in a finished file that nobody writes any more: moves it, or copies it where that can't
  // be, and `path` is gone. A symbolic link, anything but a regular file, and a file with a second
  // name are refused (validation_failed) and left where they are.
  virtual Result<FileInfo> adopt(const std::string& path, TaskId task, const BlobFolder& folder,
                                 std::string_view name) = 0;
  virtual Result<BlobFile> open(TaskId task, const BlobFolder& folder, std::string_view name) = 0;
  // An address at which whoever has it can fetch the file for a while, with ranges too; none:
  // open() alone reads it.
  virtual Result<std::optional<std::string>> link(TaskId task, const BlobFolder& folder,
                                                  std::string_view name,
                                                  const LinkHeaders& headers);
  // All files of a task; fine where there are none.
  virtual Result<void> remove(TaskId task) = 0;
  // What earlier attempts made: no longer the task's. Fine where there is nothing.
  virtual Result<void> remove_outputs_before(TaskId task, std::uint32_t attempt) = 0;
  // Whether files can be kept and read now, as far as that can be told without doing it.
  virtual Result<void> check() = 0;
  // The installation whose files these are, as a mark beside them says; where there is none, this
  // one from now on.
  virtual Result<std::string> mark(const std::string& installation) = 0;
  // The tasks that have files, cut into kParts pieces so that no answer is long; in no order.
  static constexpr int kParts = 256;
  virtual Result<std::vector<TaskId>> list_tasks(int part) = 0;
};

// An output of the attempt, also where it was made before each attempt had a folder of its own.
Result<BlobFile> open_output(BlobStore& blobs, TaskId task, std::uint32_t attempt,
                             std::string_view name);

// The same file for somebody else to fetch: its link where there is one, else it is open.
struct Fetchable {
  std::optional<std::string> link;
  BlobFile file;  // null where there is a link
};
Result<Fetchable> fetchable_output(BlobStore& blobs, const Task& task, const FileInfo& output,
                                   const LinkHeaders& headers);

}  // namespace tandem::blobs
